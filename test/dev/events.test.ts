/** `npm run events`, `event` and `tail`: against a Worker on this machine, and against answers that a Worker could give. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { ApiEvent } from "../../src/admin/schema.ts";
import { readSample } from "../../src/dev/files.ts";
import { postSample } from "../../src/dev/samples/post.ts";
import { secretFor } from "../../src/dev/samples/secrets.ts";
import { run, watch } from "./support/commands.ts";
import { startTestWorker, type TestWorker } from "./support/worker.ts";

type Lead = { lead: { customerExternalId: string; customerEmail: string; clickId: string } };
const [{ lead }] = readSample("clerk").expect as [Lead];

describe("a Worker on this machine", () => {
  let worker: TestWorker;
  let to: string[];

  beforeAll(async () => {
    worker = await startTestWorker({ CLERK_WEBHOOK_SECRET: secretFor("clerk") });
    to = ["--to", worker.url];
    await postSample("clerk", readSample("clerk"), worker.url);
    await worker.logged('"reason":"recorded"');
    await postSample("clerk", readSample("clerk", "organic"), worker.url);
    const again = Array.from({ length: 105 }, () => postSample("clerk", readSample("clerk"), worker.url));
    await Promise.all(again);
    await postSample("clerk", readSample("clerk", "organic"), worker.url);
  });
  afterAll(() => worker.stop());

  const eventsOf = async (...args: string[]): Promise<ApiEvent[]> => {
    const { code, out } = await run("events", [...args, "--json", ...to]);
    expect(code).toBe(0);
    return JSON.parse(out).events;
  };
  const reasons = (events: ApiEvent[]) => events.map(({ reason }) => reason);

  it("events shows the newest in a table, and says that there are more", async () => {
    const { code, out, err } = await run("events", ["--limit", "2", ...to]);
    expect(code).toBe(0);
    const [head, first, second, ...rest] = out.trimEnd().split("\n");
    expect(head).toMatch(/^came \(UTC\) +provider +status +reason +type +customer +event$/);
    expect(first).toMatch(
      /^20\d\d-\d\d-\d\d \d\d:\d\d {2}clerk +skipped +no_click_id +user\.created +\S+ +\S{22}$/,
    );
    expect(second).toMatch(/ duplicate +duplicate_here /);
    expect(rest).toEqual([]);
    expect(err).toContain("There can be more: raise --limit (2)");
  });

  it("events reads pages up to --limit, each event once", async () => {
    const events = await eventsOf("--limit", "500");
    expect(events).toHaveLength(108);
    expect(new Set(events.map(({ id }) => id)).size).toBe(108);
    expect(events.at(-1)).toMatchObject({ status: "delivered", lead: { clickId: lead.clickId } });
    expect(await eventsOf("--limit", "101")).toEqual(events.slice(0, 101));
  });

  it("events filters, and finds by e-mail, customer id, click id and our id", async () => {
    expect(reasons(await eventsOf("--status", "skipped,delivered"))).toEqual([
      "no_click_id",
      "no_click_id",
      "recorded",
    ]);
    expect(await eventsOf("--reason", "recorded", "--provider", "stripe")).toEqual([]);
    expect(await eventsOf("--type", "user.created", "--since", "-1h", "--limit", "3")).toHaveLength(3);
    expect(await eventsOf("--until", "-1h")).toEqual([]);
    const [delivered] = await eventsOf("--status", "delivered", "--find", lead.customerEmail.toUpperCase());
    for (const text of [lead.customerExternalId, lead.clickId, delivered?.id ?? ""])
      expect(reasons(await eventsOf("--status", "delivered", "--find", text))).toEqual(["recorded"]);
    const nobody = await run("events", ["--find", "nobody@orchard.example", ...to]);
    expect([nobody.code, nobody.out]).toEqual([0, "No event fits.\n"]);
  });

  it("event shows one whole; its payload only when asked for", async () => {
    const [found] = await eventsOf("--status", "delivered");
    const { code, out } = await run("event", [found?.id ?? "", ...to]);
    expect(code).toBe(0);
    expect(out).toMatch(/^delivered \(recorded\): Dub recorded the lead[^\n]*\nWhat to do: nothing\.\n\n/);
    expect(out).toMatch(/^What happened \(UTC\)\n {2}20\S+ [\d:]{8} {2}Clerk sent a webhook/m);
    expect(out).toMatch(/^ {2}20\S+ [\d:]{8} {2}Dub was asked to record the lead/m);
    expect(out).toMatch(new RegExp(`^ {2}customerEmail +${lead.customerEmail}$`, "m"));
    expect(out).toMatch(/^ {2}partnerId +pn_local$/m);
    expect(out).not.toContain("unsafe_metadata");
    const withPayload = await run("event", [found?.id ?? "", "--payload", ...to]);
    expect(withPayload.out).toContain("unsafe_metadata");
    const json = JSON.parse((await run("event", [found?.id ?? "", "--json", ...to])).out);
    expect(json).toMatchObject({ ...found, attempts: [{ phase: "record" }] });
    expect(json).not.toHaveProperty("payload");
  });

  it("event takes an id that begins with a dash", async () => {
    const { code, err } = await run("event", ["--begins_with_a_dash_1", ...to]);
    expect([code, err]).toEqual([2, "404: There is no event with the id --begins_with_a_dash_1.\n"]);
  });

  it("tail prints an event when it comes and when it changes, and ends by Ctrl-C", async () => {
    const all = watch("tail", to);
    const json = watch("tail", ["--status", "delivered", "--json", ...to]);
    await Promise.all([all.until(/^Waiting/), json.until(/^Waiting/)]);
    const sample = readSample("clerk");
    (sample.webhook as { data: { id: string } }).data.id = "user_of_the_tail";
    await postSample("clerk", sample, worker.url);
    await all.until(
      /clerk +(pending \(\w+\) → )?delivered \(recorded\) {2}user\.created {2}\S+@\S+ {2}\S{22}$/,
    );
    const line = await json.until(/^\{/);
    expect(JSON.parse(line)).toMatchObject({
      was: null,
      event: { reason: "recorded", lead: { customerExternalId: "user_of_the_tail" } },
    });
    expect(await Promise.all([all.stop(), json.stop()])).toEqual([0, 0]);
    expect(all.lines.length).toBeLessThanOrEqual(3);
  });

  it.each([
    ["events", ["--status", "lost"], "400: status must be one or more of pending,"],
    ["events", ["--limit", "0"], "--limit 0: write a number from 1 on."],
    ["events", ["--since", "-1x"], "--since -1x: write a time such as"],
    ["events", ["--csv", "--json"], "Choose --csv or --json."],
    ["tail", ["--provider", "nobody"], "400: provider must be one of"],
  ])("%s %j can't run", async (command, args, said) => {
    const { code, out, err } = await run(command, [...args, ...to]);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain(said);
  });

  it("without a token, nothing is asked", async () => {
    const { code, err } = await run("events", to, "");
    expect([code, err]).toEqual([2, expect.stringContaining(`No token for ${worker.url}: set ADMIN_TOKEN`)]);
  });
});

describe("answers", () => {
  let server: Server | undefined;
  afterEach(() => void server?.close());

  /** A Worker that gives some answers one after the other, and the last of them from then on. */
  async function answering(...answers: [status: number, body: unknown][]): Promise<string> {
    let [next] = answers;
    server = createServer((request, response) => {
      next = answers.shift() ?? next;
      request.resume().on("end", () => response.writeHead(next?.[0] ?? 500).end(JSON.stringify(next?.[1])));
    });
    await new Promise<void>((resolve) => server?.listen(0, "localhost", resolve));
    return `http://localhost:${(server.address() as AddressInfo).port}`;
  }
  const event = (more: Partial<ApiEvent> = {}): ApiEvent => ({
    id: "w1-lGwpAgC3EFMarc7zdzQ",
    receivedAt: "2026-03-10T12:00:00.000Z",
    provider: "clerk",
    eventId: "msg_1",
    type: "user.created",
    status: "pending",
    reason: "new",
    means: "to be delivered",
    todo: "nothing",
    detail: null,
    warnings: [],
    lead: null,
    link: null,
    replayedAt: null,
    nextAttemptAt: null,
    deliveredAt: null,
    tries: 0,
    clickBy: null,
    ...more,
  });
  const page = (...events: object[]): [number, object] => [200, { events, next: null }];

  it.each([
    ["a reason", page({ ...event(), reason: "eaten" }), "events.0.reason"],
    ["a field", page({ ...event(), tries: undefined }), "events.0.tries"],
    ["the form", [200, { rows: [] }] as [number, object], "events"],
  ])("of another version differ in %s, which is said", async (_, answer, field) => {
    const to = await answering(answer);
    const { code, out, err } = await run("events", ["--to", to]);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain(`${to}: this Worker is of another version: ${field} of its answer`);
  });

  it("of a later version may have more fields", async () => {
    const { code, out } = await run("events", [
      "--to",
      await answering(page({ ...event(), later: 1 })),
      "--json",
    ]);
    expect([code, JSON.parse(out).events]).toEqual([0, [{ ...event(), later: 1 }]]);
  });

  it("can't send the terminal a command", async () => {
    const hostile = event({ type: "\u001b[2J\u009b2Jname\r\nline", lead: { customerEmail: "\u0007x" } });
    const { out } = await run("events", ["--to", await answering(page(hostile))]);
    expect(out.trimEnd().split("\n")).toHaveLength(2);
    expect(out.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
    for (const format of ["--json", "--csv"]) {
      const printed = await run("events", ["--to", await answering(page(hostile)), format]);
      expect(printed.out.replace(/[\r\n]/g, ""), format).not.toMatch(/\p{Cc}/u);
    }
    const link = { id: "\u009b1m", partnerId: "\u001b[1m", shortLink: null } as unknown as ApiEvent["link"];
    const delivered = event({
      status: "delivered",
      reason: "recorded",
      link,
      warnings: [{ field: "x", did: "\u001b" }],
    });
    const { out: told } = await run("why", ["x", "--to", await answering(page(delivered))]);
    expect(told.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
  });

  it("columns stay in line with wide characters", async () => {
    const to = await answering(page(event({ type: "登録" }), event({ type: "user" })));
    const { out } = await run("events", ["--to", to]);
    const [, wide = "", narrow = ""] = out.split("\n");
    expect(wide.indexOf("w1-lG")).toBe(narrow.indexOf("w1-lG") - 2);
  });

  it("become CSV: quoted, and without formulas", async () => {
    const to = await answering(
      page(event({ type: '=cmd("x"),1', detail: "two\nlines", lead: { customerExternalId: "-1+2" } })),
    );
    const { out } = await run("events", ["--csv", "--to", to]);
    expect(out).toMatch(/^id,receivedAt,provider,[\w,]+\r\n/);
    const row = out.split("\r\n")[1];
    expect(row).toContain(
      `w1-lGwpAgC3EFMarc7zdzQ,2026-03-10T12:00:00.000Z,clerk,msg_1,"'=cmd(""x""),1",pending,new,`,
    );
    expect(row).toContain(`,"two\nlines",,,,,,'-1+2,,`);
  });

  it("tail says so when more have come than it reads at a time", async () => {
    const many = Array.from({ length: 50 }, (_, i) => event({ id: `event-${i}` }));
    const tail = watch("tail", ["--to", await answering(page(), [200, { events: many, next: 5 }])]);
    expect(await tail.until(/^More than/)).toBe(
      "More than 500 have come: npm run events shows those that are left out here.",
    );
    expect(await tail.stop()).toBe(0);
  });

  it("tail goes on when the Worker does not answer for a while, and says so once", async () => {
    const down: [number, object] = [503, { error: "ledger_down", message: "the ledger can't be reached" }];
    const tail = watch("tail", ["--to", await answering(page(), down, down, page(event()))]);
    expect(await tail.until(/^12:00:00 /)).toBe(
      "12:00:00  clerk       pending (new)  user.created  w1-lGwpAgC3EFMarc7zdzQ",
    );
    expect(await tail.stop()).toBe(0);
    expect(tail.lines.filter((line) => line.includes("503: the ledger can't be reached"))).toHaveLength(1);
  });
});
