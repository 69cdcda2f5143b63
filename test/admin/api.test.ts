/** The admin API: which events a request names, and ending one by hand. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { shipped as mappings } from "../../mappings/index.ts";
import { LOCAL_KEY } from "../../src/dev/stand-in/dub.ts";
import type { Slice } from "../../src/replay/replay.ts";
import { clerkWith, open, plan, post, replayAll, type TestApp, TOKEN } from "../support/admin.ts";
import { answerOf, HOUR, MINUTE, sampleOf, signUp } from "../support/app.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

describe("what to replay", () => {
  it.each([
    ["no JSON", "status=failed", "Send a JSON object"],
    ["no filter", {}, "say which events: by status, reason, provider, type, since or until"],
    ["only dryRun", { dryRun: true }, "say which events"],
    ["an unknown field", { state: "failed" }, "state is unknown; there are status, reason, provider"],
    ["an unknown status", { status: "lost" }, "status must be one or more of pending, delivered"],
    ["an unknown reason", { reason: ["no_click_id", "x"] }, "reason must be one or more of new, replayed"],
    ["no status", { status: [] }, "status must be one or more of"],
    [
      "an unknown provider",
      { provider: "nobody" },
      "provider must be one of auth0, auth0-logs, clerk, stripe",
    ],
    ["a time that is none", { since: "yesterday" }, "since must be a time such as 2026-11-24"],
    ["a local time", { until: "2026-11-24T09:30:00" }, "until must be a time such as 2026-11-24"],
    ["two mistakes", { status: 1, until: 2 }, "; until must be a time"],
  ])("%s is 400 and says what would be right", async (_, body, said) => {
    const app = await open();
    const answer = await post(app, "/api/replay", body);
    expect([answer.status, answer.body]).toEqual([
      400,
      { error: "bad_filter", message: expect.stringContaining(said) },
    ]);
  });

  it("filters by status, reason, provider and time, all at once", async () => {
    const app = await open();
    await app.send("clerk", signUp("user_1", null));
    await app.send("stripe", sampleOf("stripe", "organic").webhook);
    await app.send("clerk", sampleOf("clerk", "dashboard-test").webhook);
    app.clock.now += HOUR;
    await app.send("clerk", signUp("user_2", null));
    const matched = async (filter: object) =>
      (await post(app, "/api/replay", { ...filter, dryRun: true })).body.events;
    expect(await matched({ status: "skipped" })).toBe(4);
    expect(await matched({ status: ["failed", "skipped"], reason: "no_click_id" })).toBe(3);
    expect(await matched({ reason: ["no_click_id"], provider: "clerk" })).toBe(2);
    const hour = new Date(app.clock.now).toISOString();
    expect(await matched({ provider: "clerk", since: hour })).toBe(1);
    expect(await matched({ provider: "clerk", until: hour })).toBe(2);
    expect(await matched({ status: "failed" })).toBe(0);
  });

  it("dryRun says what would become of them and changes nothing", async () => {
    const files = { ...mappings, clerk: clerkWith({ customerExternalId: "data.ident" }) };
    const app = await open({ mappings: files });
    for (const user of ["user_1", "user_2"]) await app.send("clerk", signUp(user));
    await app.send("clerk", signUp("user_3", null));
    files.clerk = clerkWith({});
    const before = await app.rows();
    expect(await replayAll(app, { provider: "clerk", dryRun: true })).toEqual({
      "pending replayed": 2,
      "skipped no_click_id": 1,
    });
    expect(await app.rows()).toEqual(before);
    expect(app.waiting).toEqual([]);
  });

  it("dryRun counts duplicates as the replay then does, also of slices before and of leads that are delivered", async () => {
    const files = { ...mappings, clerk: clerkWith({ customerExternalId: "data.ident" }) };
    const app = await open({ mappings: files });
    for (let i = 0; i < 130; i++) await app.send("clerk", signUp(`user_${i % 60}`));
    files.clerk = clerkWith({});
    await app.send("clerk", signUp("user_7"));
    await app.pump();
    const filter = { status: "rejected" };
    const would = await replayAll(app, { ...filter, dryRun: true });
    expect(would).toEqual({ "pending replayed": 59, "duplicate duplicate_here": 71 });
    expect(await replayAll(app, filter)).toEqual(would);
  });

  it("goes through thousands in slices, each event once", async () => {
    const files = {
      ...mappings,
      "auth0-logs": structuredClone(mappings["auth0-logs"]) as { leads: [{ lead: object }] },
    };
    const [rule] = files["auth0-logs"].leads;
    const right = { ...rule.lead };
    Object.assign(rule.lead, { customerExternalId: "data.nobody" });
    const app = await open({ mappings: files, dub: { limit: Number.POSITIVE_INFINITY } });
    const [log] = sampleOf("auth0-logs").webhook as [{ log_id: string; data: object }];
    const logs = Array.from({ length: 250 }, (_, i) => ({
      ...log,
      log_id: `log_${i}`,
      data: { ...log.data, user_id: `auth0|${i}` },
    }));
    await app.send("auth0-logs", logs);
    files["auth0-logs"] = { ...files["auth0-logs"], leads: [{ ...rule, lead: right }] };
    expect(await replayAll(app, { status: "rejected" })).toEqual({ "pending replayed": 250 });
    await app.pump();
    expect(app.dub.recorded).toHaveLength(250);
  });

  it("holds few large payloads at a time", async () => {
    const app = await open();
    for (let i = 0; i < 7; i++)
      await app.send("clerk", { ...signUp(`user_${i}`, null), pad: "x".repeat(900_000) });
    const slices: number[] = [];
    for (let after: number | null = 0; after !== null; ) {
      const { body }: { body: Slice } = await post(app, "/api/replay", { status: "skipped", after });
      slices.push(body.events);
      after = body.next;
    }
    expect(slices).toEqual([5, 2]);
  });
});

describe("an event that is ended by hand", () => {
  const end = (app: TestApp, id: string) => post(app, `/api/events/${id}/end`);

  it("is failed, lets its duplicate be delivered, and can be replayed", async () => {
    const app = await open({ settings: { DUB_API_KEY: "" } });
    await app.send("clerk", signUp("user_1"));
    await app.send("clerk", signUp("user_1"));
    const [first] = await app.rows();
    expect((await end(app, first?.id ?? "")).body).toEqual({
      became: [{ status: "failed", reason: "ended_by_operator" }],
    });
    expect((await app.rows()).map(({ reason }) => reason)).toEqual(["ended_by_operator", "new"]);
    expect((await end(app, first?.id ?? "")).status).toBe(409);
    expect((await end(app, "nobody")).status).toBe(404);
    app.env.DUB_API_KEY = LOCAL_KEY;
    await app.pass(5 * MINUTE);
    expect(await replayAll(app, { reason: "ended_by_operator" })).toEqual({ "duplicate duplicate_here": 1 });
    expect(app.dub.recorded).toHaveLength(1);
  });

  it("keeps its lead key when Dub may have the lead", async () => {
    const app = await open({ dub: plan(["reset_after_key"]) });
    await app.send("clerk", signUp("user_1"));
    await app.pass(2 * HOUR, 10 * MINUTE);
    expect(await app.row()).toMatchObject({ reason: "dedup_blocked" });
    await end(app, (await app.row()).id);
    expect(await app.row()).toMatchObject({ reason: "ended_by_operator", doubt: "unknown" });
    expect(await app.send("clerk", signUp("user_1"))).toMatchObject([{ status: "duplicate" }]);
  });

  it("is left alone while it is being delivered", async () => {
    let met: number | undefined;
    const app = await open({
      fetch: async (request) => {
        met ??= (await end(app, (await app.row()).id)).status;
        return answerOf(app.dub.app, request);
      },
    });
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    expect(met).toBe(409);
    expect(app.dub.recorded).toHaveLength(1);
  });
});

it("no answer and no log line holds a secret, an e-mail or a name", async () => {
  const said: string[] = [];
  for (const level of ["info", "warn", "error"] as const)
    vi.spyOn(console, level).mockImplementation((line) => void said.push(line));
  const app = await open();
  await app.send("clerk", sampleOf("clerk").webhook);
  await app.send("clerk", signUp("user_1", null));
  const [delivered, skipped] = await app.rows();
  await app.pump();
  for (const [path, body, headers] of [
    [`/api/events/${delivered?.id}/replay`],
    [`/api/events/${skipped?.id}/replay`],
    ["/api/replay", { status: ["delivered", "skipped"] }],
    ["/api/replay", { provider: "mira@orchard.example" }],
    ["/api/replay", {}, { authorization: "Bearer mira@orchard.example-no-token" }],
  ] as [string, object?, Record<string, string>?][])
    said.push(JSON.stringify((await post(app, path, body, headers)).body));
  expect(said.length).toBeGreaterThan(10);
  expect(said.join("\n")).not.toMatch(/\bmira\b|solberg|orchard\.example/i);
  expect(said.join("\n")).not.toContain(TOKEN);
});
