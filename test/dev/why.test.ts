/** `npm run why` and `npm run doctor` against a Worker on this machine. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { readSample } from "../../src/dev/files.ts";
import { postSample } from "../../src/dev/samples/post.ts";
import { secretFor } from "../../src/dev/samples/secrets.ts";
import { LOCAL_KEY } from "../../src/dev/stand-in/dub.ts";
import { run } from "./support/commands.ts";
import { startTestWorker, type TestWorker, TOKEN } from "./support/worker.ts";

let worker: TestWorker;
let url: string;

beforeAll(async () => {
  worker = await startTestWorker({
    CLERK_WEBHOOK_SECRET: secretFor("clerk"),
    STRIPE_WEBHOOK_SECRET: "sk_live_1234567890abcdef",
  });
  url = worker.url;
  await postSample("clerk", readSample("clerk"), url);
  await postSample("clerk", readSample("clerk", "organic"), url);
  await worker.logged('"reason":"recorded"');
});
afterAll(() => worker.stop());

type Lead = { lead: { customerExternalId: string; customerEmail: string; clickId: string } };
const [{ lead }] = readSample("clerk").expect as [Lead];

it("the Worker listens on the port that was reserved for it", () => {
  expect(url).toBe(`http://localhost:${worker.port}`);
});

it("why tells the story of a lead by e-mail, customer id and click id; the address may have a path", async () => {
  for (const text of [lead.customerEmail.toUpperCase(), lead.customerExternalId, lead.clickId]) {
    const { code, out } = await run("why", [text, "--to", `${url}/webhooks/clerk`]);
    expect(code, out).toBe(0);
    expect(out).toMatch(/clerk {2}user\.created {2}→ {2}delivered \(recorded\)/);
    expect(out).toMatch(/Credited: https:\S+, partner pn_local/);
  }
});

it("why finds the lead of a person with more events than fit on a page", async () => {
  const again = Array.from({ length: 101 }, () => postSample("clerk", readSample("clerk"), url));
  await Promise.all(again);
  const { code, out } = await run("why", [lead.customerExternalId, "--to", url]);
  expect(code).toBe(0);
  expect(out.match(/delivered \(recorded\)/g)).toHaveLength(1);
  expect(out.match(/duplicate \(duplicate_here\)/g)).toHaveLength(101);
});

it("why explains nothing when another sender brought the lead to Dub", async () => {
  const { data } = structuredClone(readSample("clerk").webhook) as { data: { id: string } };
  data.id = "user_of_another_sender";
  const body = { clickId: lead.clickId, eventName: "Sign Up", customerExternalId: data.id };
  await fetch(`${worker.dubUrl}/track/lead`, {
    method: "POST",
    headers: { authorization: `Bearer ${LOCAL_KEY}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  await postSample(
    "clerk",
    { ...readSample("clerk"), webhook: { ...(readSample("clerk").webhook as object), data } },
    url,
  );
  await expect
    .poll(() => run("why", [data.id, "--to", url]), { timeout: 20_000 })
    .toMatchObject({ code: 0, out: expect.stringContaining("duplicate (duplicate_at_dub)") });
  expect((await run("why", [data.id, "--to", url])).out).not.toContain("could explain");
});

it("why says why there is no lead, and what could explain it", async () => {
  const [data] = [readSample("clerk", "organic").webhook as { data: { id: string } }];
  const organic = await run("why", [data.data.id, "--to", url]);
  expect(organic.code).toBe(1);
  expect(organic.out).toContain("skipped (no_click_id)");
  expect(organic.out).toContain("None of this person's events carries a click id");
  // What is not about this person explains nothing.
  expect(organic.out).not.toContain("STRIPE_WEBHOOK_SECRET");
  const nobody = await run("why", ["nobody@orchard.example", "--to", url, "--json"]);
  expect(nobody.code).toBe(1);
  const { events, explanations } = JSON.parse(nobody.out);
  expect(events).toEqual([]);
  expect(explanations.join("\n")).toMatch(/Data of persons is kept since [\s\S]*no webhook came/);
  expect(explanations.join("\n")).toContain("STRIPE_WEBHOOK_SECRET");
});

it("doctor shows each part with what to do, and no secret", async () => {
  const { code, out } = await run("doctor", ["--to", url]);
  expect(code).toBe(1);
  expect(out).toMatch(/^DUB_API_KEY +ok/m);
  expect(out).toMatch(/^Dub takes leads with the key +ok +yes/m);
  expect(out).toMatch(/^clerk +ok +is on; last event/m);
  expect(out).toMatch(/^stripe +problem +.*STRIPE_WEBHOOK_SECRET/m);
  expect(out).toMatch(/^auth0 +off .*write `AUTH0_WEBHOOK_SECRET=…` into `\.dev\.vars`/m);
  expect(out).not.toMatch(/1234567890|dub_/);
});

it("doctor names a refused webhook until one is taken, be it by no rule", async () => {
  const clerk = async () => /^clerk .*/m.exec((await run("doctor", ["--to", url])).out)?.[0];
  await postSample("clerk", readSample("clerk"), url, { headers: [["webhook-signature", ""]] });
  await expect.poll(clerk, { timeout: 20_000 }).toMatch(/^clerk +problem +the last webhook was refused/);
  // It may have brought the click id of somebody whose other events have none.
  const { data } = readSample("clerk", "organic").webhook as { data: { id: string } };
  const organic = await run("why", [data.id, "--to", url]);
  expect(organic.out).toMatch(
    /None of this person's events carries a click id[\s\S]*clerk: 1 webhook refused/,
  );
  await postSample("clerk", readSample("clerk", "other-event"), url);
  await expect.poll(clerk, { timeout: 20_000 }).toMatch(/^clerk +ok /);
});

it("doctor says what can be seen without the token", async () => {
  const { code, out } = await run("doctor", ["--to", url, "--json"], "another-token-of-somebody");
  expect(code).toBe(1);
  expect(JSON.parse(out)).toMatchObject([
    { what: "Worker", state: "ok" },
    { what: "admin API", state: "unknown", says: expect.stringContaining("refuses the token") },
  ]);
});

it.each([
  ["why", ["x", "--to", "http://localhost:1"], "Nothing answers at http://localhost:1"],
  ["why", ["x", "--to", "http://leads.example"], "the token is sent over https only"],
  ["doctor", ["--to", "ftp://x"], "is no address of a Worker"],
])("%s %j can't run", async (command, args, said) => {
  const { code, out, err } = await run(command, args);
  expect([code, out]).toEqual([2, ""]);
  expect(err).toContain(said);
});

it.each([
  ["two tokens, as while they are rotated", `${TOKEN}\nthe-token-that-comes-next`, [0, ""]],
  ["a placeholder", "…", [2, "ADMIN_TOKEN must have at least 16 characters"]],
  ["other characters", "a-token-of-nobody-€", [2, "ADMIN_TOKEN has characters that a header can't have.\n"]],
])("with %s", async (_what, token, [status, said]) => {
  const { code, err } = await run("why", [lead.clickId, "--to", url], token);
  expect(code).toBe(status);
  expect(err).toMatch(said === "" ? /^$/ : (said as string));
  expect(err).not.toContain(token);
});

it("doctor knows that something else answers", async () => {
  const { code, err } = await run("doctor", ["--to", worker.dubUrl]);
  expect(code).toBe(2);
  expect(err).toContain("not as this Worker does");
});
