/** A replay maps what is kept again with today's mapping file. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { shipped as mappings } from "../../mappings/index.ts";
import { LOCAL_KEY } from "../../src/dev/stand-in/dub.ts";
import { CLICK, clerkWith, idOf, open, plan, post, RULE, replayAll, replayOne } from "../support/admin.ts";
import { DAY, db, HOUR, MINUTE, sampleOf, signUp } from "../support/app.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

describe("a corrected mapping file, and a replay", () => {
  it("an event without a customer id becomes its lead, with today's warnings", async () => {
    const files = { ...mappings, clerk: clerkWith({ customerExternalId: "data.ident" }) };
    const app = await open({ mappings: files });
    const [answer] = await app.send("clerk", signUp("user_1"));
    expect(answer).toMatchObject({ status: "rejected", reason: "no_customer_id" });
    files.clerk = clerkWith({ customerName: `'${"x".repeat(101)}'` });
    const { body } = await replayOne(app, (await app.row()).id);
    expect(body).toEqual({
      was: { status: "rejected", reason: "no_customer_id" },
      became: [{ status: "pending", reason: "replayed" }],
    });
    await app.pump();
    expect(await app.row()).toMatchObject({
      status: "delivered",
      reason: "recorded",
      detail: null,
      warnings: expect.stringContaining("cut to 100 characters"),
      lead: expect.stringContaining('"customerExternalId":"user_1"'),
    });
    expect(app.dub.recorded).toHaveLength(1);
  });

  it("everybody under one customer id by mistake: the duplicates become leads of their own", async () => {
    const files = { ...mappings, clerk: clerkWith({ customerExternalId: "'user'" }) };
    const app = await open({ mappings: files });
    for (const user of ["user_1", "user_2", "user_3"]) await app.send("clerk", signUp(user));
    await app.pump();
    files.clerk = clerkWith({});
    expect(await replayAll(app, { status: ["delivered", "duplicate"] })).toEqual({
      delivered: 1,
      "pending replayed": 2,
    });
    await app.pump();
    expect(app.dub.recorded.map((lead) => lead.customerExternalId)).toEqual(["user", "user_2", "user_3"]);
  });

  it("test events count once ACCEPT_TEST_EVENTS is true", async () => {
    const app = await open();
    await app.send("stripe", sampleOf("stripe", "test-mode").webhook);
    app.env.ACCEPT_TEST_EVENTS = "true";
    expect(await replayAll(app, { reason: "test_event" })).toEqual({ "pending replayed": 1 });
    await app.pump();
    expect(app.dub.recorded).toHaveLength(1);
  });

  it("a webhook that could not be split becomes its events, and a redelivery finds them", async () => {
    const logs = mappings["auth0-logs"] as object;
    const files: Record<string, unknown> = { ...mappings, "auth0-logs": { ...logs, each: "logs" } };
    const app = await open({ mappings: files });
    const batch = sampleOf("auth0-logs").webhook as object[];
    expect(await app.send("auth0-logs", { batch })).toMatchObject([
      { status: "rejected", reason: "not_split" },
    ]);
    expect(await replayAll(app, { reason: "not_split" })).toEqual({ "rejected not_split": 1 });
    files["auth0-logs"] = { ...logs, each: "batch" };
    expect(await replayAll(app, { reason: "not_split" })).toEqual({ "pending new": 1 });
    await app.pump();
    expect(await app.row()).toMatchObject({ status: "delivered", reason: "recorded" });
    expect(await app.send("auth0-logs", { batch })).toMatchObject([{ status: "delivered" }, {}]);
    expect(app.dub.recorded).toHaveLength(1);
  });

  it("the events of a webhook that was split days later are found, and replayed, by the time when it came", async () => {
    const logs = mappings["auth0-logs"] as object;
    const files: Record<string, unknown> = { ...mappings, "auth0-logs": { ...logs, each: "logs" } };
    const app = await open({ mappings: files });
    await app.send("auth0-logs", { batch: sampleOf("auth0-logs").webhook as object[] });
    const until = new Date(app.clock.now + MINUTE).toISOString();
    app.clock.now += 3 * DAY;
    await app.send("clerk", signUp("user_1"));
    files["auth0-logs"] = { ...logs, each: "batch" };
    await replayAll(app, { reason: "not_split" });
    await app.pump();
    const { body } = await post(app, "/api/events/search", { until });
    expect(body).toMatchObject({ events: [{ provider: "auth0-logs", reason: "recorded" }] });
    expect(await replayAll(app, { until })).toEqual({ delivered: 1 });
  });

  it("JSON lines that could not be split become their events", async () => {
    const logs = mappings["auth0-logs"] as object;
    const files: Record<string, unknown> = { ...mappings, "auth0-logs": { ...logs, each: "sum(@)" } };
    const app = await open({ mappings: files });
    const [log] = sampleOf("auth0-logs").webhook as [object];
    const lines = [log, { ...log, log_id: "another" }].map((one) => JSON.stringify(one)).join("\n");
    await app.send("auth0-logs", new TextEncoder().encode(lines));
    files["auth0-logs"] = logs;
    expect(await replayAll(app, { status: "rejected" })).toEqual({
      "pending new": 1,
      "duplicate duplicate_here": 1,
    });
    expect(await app.send("auth0-logs", new TextEncoder().encode(lines))).toMatchObject([
      { status: "pending" },
      { status: "duplicate" },
    ]);
  });

  it("webhooks that still can't be split are counted once", async () => {
    const files: Record<string, unknown> = {
      "auth0-logs": { ...(mappings["auth0-logs"] as object), each: "logs" },
    };
    const app = await open({ mappings: files });
    for (let i = 0; i < 120; i++) await app.send("auth0-logs", { batch: [{ i }] });
    await app.send("auth0-logs", { logs: sampleOf("auth0-logs").webhook });
    expect(await replayAll(app, { reason: "not_split" })).toEqual({ "rejected not_split": 120 });
  });

  it("a type and an id that came in headers are remembered", async () => {
    const clerk = mappings.clerk as object;
    const broken = clerkWith(
      { customerExternalId: "data.ident" },
      { type: { header: "x-topic" }, id: { header: "x-event" } },
    );
    const files: Record<string, unknown> = { clerk: broken };
    const app = await open({ mappings: files });
    const headers = { "x-topic": "user.created", "x-event": "event_1" };
    await app.send("clerk", signUp("user_1"), { headers });
    files.clerk = { ...clerk, type: { header: "x-topic" }, id: { header: "x-event" } };
    await replayAll(app, { provider: "clerk" });
    await app.pump();
    expect(await app.row()).toMatchObject({ status: "delivered", event_id: "event_1" });
  });

  it("a pending lead that is none any more has its duplicate delivered", async () => {
    const files = { ...mappings };
    const app = await open({ mappings: files, settings: { DUB_API_KEY: "" } });
    const [first] = await app.send("clerk", signUp("user_1"));
    const second = signUp("user_1", null) as { data: object };
    second.data = { ...second.data, public_metadata: { dubClickId: CLICK } };
    expect(await app.send("clerk", second)).toMatchObject([{ status: "duplicate" }]);
    files.clerk = clerkWith({ clickId: "click_id(data.public_metadata)" });
    const { body } = await replayOne(app, idOf(first));
    expect(body).toMatchObject({ became: [{ status: "skipped", reason: "no_click_id" }] });
    app.env.DUB_API_KEY = LOCAL_KEY;
    await app.pass(2 * MINUTE);
    expect((await app.rows()).map(({ status }) => status)).toEqual(["skipped", "delivered"]);
    expect(app.dub.recorded).toHaveLength(1);
  });
});

describe("what can't be mapped again says why", () => {
  it("an unknown id", async () => {
    const app = await open();
    const { status, body } = await replayOne(app, "nothing");
    expect([status, body]).toEqual([
      404,
      { error: "unknown_event", message: "There is no event with the id nothing." },
    ]);
  });

  it("a payload that retention has blanked", async () => {
    const app = await open();
    await app.send("clerk", signUp("user_1", null));
    await app.pass(31 * DAY, DAY);
    expect(await replayAll(app, { status: "skipped" })).toEqual({ payload_gone: 1 });
  });

  it("a failed lead in doubt that retention has blanked, and no other lead is held up", async () => {
    const app = await open({
      settings: { RETRY_SCHEDULE: "30" },
      dub: { ...plan(["hang_after", "bad_gateway"]), analytics: false },
    });
    await app.send("clerk", signUp("user_1"));
    await app.pass(31 * DAY, 6 * HOUR);
    await app.pass(MINUTE);
    expect(await app.row()).toMatchObject({ reason: "retries_exhausted", doubt: "unknown", lead: null });
    expect(await replayAll(app, { status: "failed" })).toEqual({ payload_gone: 1 });
    vi.spyOn(console, "error").mockImplementation(() => {});
    await db.exec("UPDATE events SET status = 'pending', reason = 'replayed', next_attempt_at = 0");
    await app.send("clerk", signUp("user_2"));
    await app.pass(5 * MINUTE);
    expect((await app.rows())[1]).toMatchObject({ status: "delivered" });
  });

  it("an event that no rule takes any more, and one without a mapping file", async () => {
    const files: Record<string, unknown> = { ...mappings };
    const app = await open({ mappings: files });
    await app.send("clerk", signUp("user_1", null));
    await app.send("stripe", sampleOf("stripe", "organic").webhook);
    files.clerk = clerkWith({}, { leads: [{ ...RULE, on: ["user.deleted"] }] });
    delete files.stripe;
    expect(await replayAll(app, { status: "skipped" })).toEqual({ ignored: 1, no_mapping: 1 });
    expect((await app.rows()).map(({ reason }) => reason)).toEqual(["no_click_id", "no_click_id"]);
  });

  it("a mapping file or a setting that is wrong today", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const files: Record<string, unknown> = { ...mappings };
    const app = await open({ mappings: files });
    await app.send("clerk", signUp("user_1", null));
    files.clerk = clerkWith({}, { type: "typ e" });
    const answer = await post(app, "/api/replay", { status: "skipped" });
    expect(answer).toMatchObject({
      status: 503,
      body: { error: "misconfigured", message: expect.stringContaining("clerk/mapping.json: type: ") },
    });
  });
});
