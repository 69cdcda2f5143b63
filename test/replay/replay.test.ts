/** Replay: what is kept is mapped again with today's mapping file, and no lead is ever counted twice by it. */
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { shipped as mappings } from "../../mappings/index.ts";
import { LOCAL_KEY } from "../../src/dev/stand-in/dub.ts";
import type { Call, Fault } from "../../src/dev/stand-in/faults.ts";
import type { EventAnswer } from "../../src/receive/route.ts";
import type { Slice } from "../../src/replay/replay.ts";
import {
  answerOf,
  createTestApp,
  DAY,
  db,
  HOUR,
  MINUTE,
  sampleOf,
  signUp,
  type TestAppOptions,
} from "../support/app.ts";

const TOKEN = "a-token-of-the-admin-of-this-app";
const CLICK = "Xk3pQ9vLm2RtYw7B";
const RULE = { lead: { eventName: "'Sign Up'", customerExternalId: "data.id" } };
const CUSTOMER = { externalId: "user_1", name: "x", email: null, avatar: null, clickId: CLICK };
/** Faults after which a lead may still arrive. */
const FAULTS: (Fault | undefined)[] = [
  undefined,
  "error_before_key",
  "error_after_key",
  "reset_after_key",
  "click_store_down",
  "reset_before",
  "reset_after",
  "hang_after",
  "bad_gateway",
  "rate_limited",
];
type TestApp = Awaited<ReturnType<typeof createTestApp>>;

afterEach(() => {
  vi.restoreAllMocks();
});

const open = (options: TestAppOptions = {}) =>
  createTestApp({ ...options, settings: { ADMIN_TOKEN: TOKEN, ...options.settings } });

async function post(app: TestApp, path: string, body: unknown = {}, headers: Record<string, string> = {}) {
  const response = await app.fetch(
    new Request(`https://leads.example${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${TOKEN}`, ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
    }),
  );
  return { status: response.status, headers: response.headers, body: await response.json<Slice>() };
}

/** Replays all slices of a filter; answers `{"pending replayed": 2, …}`. */
async function replayAll(app: TestApp, filter: object): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  let leadKeys: string[] | undefined;
  for (let after: number | null = 0; after !== null; ) {
    const { status, body }: { status: number; body: Slice } = await post(app, "/api/replay", {
      ...filter,
      after,
      leadKeys,
    });
    leadKeys = body.leadKeys;
    if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
    for (const one of body.became)
      counts[`${one.status} ${one.reason}`] = (counts[`${one.status} ${one.reason}`] ?? 0) + one.events;
    for (const one of body.left) counts[one.why] = (counts[one.why] ?? 0) + one.events;
    after = body.next;
  }
  return counts;
}

const replayOne = async (app: TestApp, id: string) => post(app, `/api/events/${id}/replay`);

const idOf = (answer: EventAnswer | undefined) => (answer && "id" in answer ? answer.id : "");

/** A fault plan for the recording calls. */
const plan = (faults: Fault[]) => ({
  fault: ({ phase }: Call) => (phase === "record" ? faults.shift() : undefined),
});

/** Clerk's mapping file with another value of a lead field. */
function clerkWith(lead: Record<string, unknown>, more: object = {}) {
  const clerk = structuredClone(mappings.clerk) as { leads: { lead: object }[] };
  for (const rule of clerk.leads) Object.assign(rule.lead, lead);
  return { ...clerk, ...more };
}

describe("the lock", () => {
  it.each(["/api/replay", "/api/events/x/replay", "/api/else"])(
    "without ADMIN_TOKEN there is no %s",
    async (path) => {
      const app = await createTestApp();
      const { status, body } = await post(app, path);
      expect([status, body]).toEqual([
        404,
        { error: "not_found", message: "Webhooks go to POST /webhooks/<provider>." },
      ]);
    },
  );

  it("a token too short to be one closes it", async () => {
    const app = await createTestApp({ settings: { ADMIN_TOKEN: "short" } });
    const { status, body } = await post(app, "/api/replay", {}, { authorization: "Bearer short" });
    expect([status, body]).toEqual([
      503,
      {
        error: "misconfigured",
        message: "The Worker secret ADMIN_TOKEN can't be used; the log says why.",
      },
    ]);
  });

  const basic = (credentials: string) => `Basic ${btoa(credentials)}`;
  it.each([
    ["Bearer", `Bearer ${TOKEN}`, 200],
    ["bearer in small letters", `bearer  ${TOKEN}`, 200],
    ["the password of Basic", basic(`anyone:${TOKEN}`), 200],
    ["Basic without a user", basic(`:${TOKEN}`), 200],
    ["nothing", "", 401],
    ["another token", `Bearer ${TOKEN}x`, 401],
    ["the beginning of the token", `Bearer ${TOKEN.slice(0, -1)}`, 401],
    ["the token bare", TOKEN, 401],
    ["the token as the user of Basic", basic(`${TOKEN}:`), 401],
    ["Basic that is no base64", "Basic ****", 401],
    ["Bearer with nothing", "Bearer ", 401],
  ])("%s", async (_, authorization, expected) => {
    const app = await open();
    const { status, headers } = await post(app, "/api/replay", { status: "failed" }, { authorization });
    expect(status).toBe(expected);
    expect(headers.get("www-authenticate")).toBe(
      expected === 401 ? 'Basic realm="webhook-to-lead", charset="UTF-8"' : null,
    );
  });

  it("takes the old and the new token while it is rotated", async () => {
    const app = await open({ settings: { ADMIN_TOKEN: `another-token-of-this-app ${TOKEN}` } });
    expect((await post(app, "/api/replay", { status: "failed" })).status).toBe(200);
  });

  it("a page of another site can't use the password that a browser remembers", async () => {
    const app = await open();
    const from = async (origin: string) =>
      (await post(app, "/api/replay", { status: "failed" }, { origin })).status;
    expect([
      await from("https://evil.example"),
      await from("null"),
      await from("https://leads.example"),
    ]).toEqual([403, 403, 200]);
  });
});

describe("what to replay", () => {
  it.each([
    ["no JSON", "status=failed", "Send a JSON object"],
    ["no filter", {}, "say which events: by status, reason, provider, since or until"],
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
    expect(slices).toEqual([5, 2, 0]);
  });
});

describe("a corrected mapping file repairs the past", () => {
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

  it("webhooks that still can't be split are met once", async () => {
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

  it("a pending lead that is none any more lets its duplicate take its turn", async () => {
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

describe("never a second lead", () => {
  it("what is delivered stays, by filter and by id, months later too", async () => {
    const app = await open();
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    await app.pass(20 * DAY, DAY);
    expect(await replayAll(app, { since: "2020-01-01" })).toEqual({ delivered: 1 });
    const { status, body } = await replayOne(app, (await app.row()).id);
    expect([status, body]).toEqual([
      409,
      {
        error: "delivered",
        message: "Dub has the lead already.",
        was: { status: "delivered", reason: "recorded" },
      },
    ]);
    expect(app.dub.recorded).toHaveLength(1);
  });

  it("an older event is a duplicate of the lead that a newer one has become since", async () => {
    const files = { ...mappings, clerk: clerkWith({ customerExternalId: "data.ident" }) };
    const app = await open({ mappings: files });
    await app.send("clerk", signUp("user_1"));
    files.clerk = clerkWith({});
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    await app.pass(8 * DAY, DAY);
    expect(await replayAll(app, { status: "rejected" })).toEqual({ "duplicate duplicate_here": 1 });
    await app.pump();
    expect(app.dub.recorded).toHaveLength(1);
  });

  it("of several events of one customer, replayed together or one after the other, one is delivered", async () => {
    const files = { ...mappings, clerk: clerkWith({ customerExternalId: "data.ident" }) };
    const app = await open({ mappings: files });
    for (let i = 0; i < 3; i++) await app.send("clerk", signUp("user_1"));
    const [, , last] = await app.rows();
    files.clerk = clerkWith({});
    await replayOne(app, last?.id ?? "");
    expect(await replayAll(app, { status: ["rejected", "pending"] })).toEqual({
      "duplicate duplicate_here": 2,
      "pending replayed": 1,
    });
    await app.pump();
    expect((await app.rows()).map(({ status }) => status)).toEqual(["delivered", "duplicate", "duplicate"]);
    expect(app.dub.recorded).toHaveLength(1);
  });

  it("a lead whose answer was lost is delivered as it was, whatever the mapping says now", async () => {
    const files = { ...mappings };
    const app = await open({
      mappings: files,
      settings: { RETRY_SCHEDULE: "30" },
      dub: { ...plan(["hang_after", "bad_gateway"]), analytics: false },
    });
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    await app.pass(5 * MINUTE);
    expect(await app.row()).toMatchObject({ reason: "retries_exhausted", doubt: "unknown" });
    files.clerk = clerkWith({ customerExternalId: "data.username || 'other'" });
    expect(await replayAll(app, { status: "failed" })).toEqual({ "pending replayed": 1 });
    await app.pump();
    expect(await app.row()).toMatchObject({ status: "delivered", reason: "recorded_unconfirmed" });
    expect(app.dub.recorded.map((lead) => lead.customerExternalId)).toEqual(["user_1"]);
  });

  it.each([
    ["Dub lists it: nothing is recorded again", "reset_after", "delivered", "recorded"],
    [
      "Dub lacks it: it is recorded when the dedup key has run out",
      "reset_after_key",
      "pending",
      "dedup_blocked",
    ],
  ] as const)(
    "what is possibly lost is looked for when it is replayed with a key that may ask. %s",
    async (_, fault, status, reason) => {
      const dub = { ...plan([fault]), analytics: false };
      const app = await open({ settings: { DUB_DELIVERY: "single" }, dub });
      app.dub.customers.set("user_1", CUSTOMER);
      await app.send("clerk", signUp("user_1"));
      await app.pass(5 * MINUTE);
      expect(await app.row()).toMatchObject({ reason: "possibly_lost", doubt: "unknown" });
      await app.pass(DAY, HOUR);
      app.dub.allowAnalytics();
      expect(await replayAll(app, { status: "failed" })).toEqual({ "pending replayed": 1 });
      await app.pump();
      expect(await app.row()).toMatchObject({ status, reason });
      await app.pass(20 * DAY, 6 * HOUR);
      expect(await app.row()).toMatchObject({ status: "delivered", reason: "recorded" });
      expect(app.dub.recorded).toHaveLength(1);
    },
  );

  it.each(["reset_after", "reset_after_key"] as const)(
    "%s: what is recorded but unconfirmed is looked for when it is replayed, however late, and ends recorded once",
    async (fault) => {
      const app = await open({
        settings: { RETENTION_DAYS: "90" },
        dub: { ...plan([fault]), analytics: false },
      });
      await app.send("clerk", signUp("user_1"));
      await app.pass(5 * MINUTE);
      expect(await app.row()).toMatchObject({ reason: "recorded_unconfirmed", doubt: "unknown" });
      expect(await replayAll(app, { reason: "recorded_unconfirmed" })).toEqual({ "pending replayed": 1 });
      await app.pump();
      expect(await app.row()).toMatchObject({ reason: "recorded_unconfirmed", doubt: "unknown" });
      await app.pass(20 * DAY, DAY);
      app.dub.allowAnalytics();
      await replayOne(app, (await app.row()).id);
      await app.pass(DAY, HOUR);
      expect(await app.row()).toMatchObject({ reason: "recorded", doubt: null });
      expect(app.dub.recorded).toHaveLength(1);
    },
  );

  it("what is possibly lost is never recorded unseen, however often it is replayed with a key that may not ask", async () => {
    const app = await open({ dub: { ...plan(["hang_after"]), analytics: false } });
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    app.env.DUB_API_KEY = "";
    await app.pass(8 * DAY, 6 * HOUR);
    app.env.DUB_API_KEY = LOCAL_KEY;
    await app.pass(2 * HOUR, 10 * MINUTE);
    expect(await app.row()).toMatchObject({ status: "failed", reason: "possibly_lost" });
    for (let i = 0; i < 3; i++) {
      await replayAll(app, { reason: "possibly_lost" });
      await app.pass(DAY, HOUR);
      expect(await app.row()).toMatchObject({ status: "failed", reason: "possibly_lost" });
    }
    expect(app.dub.recorded).toHaveLength(1);
  });

  it("what Dub had from another sender stays", async () => {
    const app = await open({ dub: plan(["null_link"]) });
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    await app.pass(8 * DAY, DAY);
    expect(await replayAll(app, { status: "duplicate" })).toEqual({ delivered: 1 });
    await app.pump();
    expect(app.dub.recorded).toEqual([]);
  });

  it("what a consumer records between a replay's reading and its writing stays", async () => {
    const files = { ...mappings };
    const app = await open({
      mappings: files,
      dub: {
        fault: ({ phase }) =>
          app.dub.calls.length === 0 ? "reset_before" : phase === "record" ? "reset_after" : undefined,
      },
    });
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    app.clock.now += 2 * MINUTE;
    files.clerk = clerkWith({ customerExternalId: "data.username || 'other'" });
    const { DB } = app.env;
    const batch = async (statements: Parameters<typeof DB.batch>[0]) => {
      Object.assign(app.env, { DB });
      await app.sweep();
      return DB.batch(statements);
    };
    Object.assign(app.env, { DB: { prepare: (sql: string) => DB.prepare(sql), batch } });
    await replayAll(app, { status: "pending" });
    await app.pass(20 * MINUTE);
    expect(app.dub.recorded.map((lead) => lead.customerExternalId)).toEqual(["user_1"]);
  });

  it.each<[string, string, Fault | undefined, boolean]>([
    ["register-then-record", "Dub says the call failed, then the link is disabled", "error_after_key", false],
    ["register-then-record", "the answer is lost, then the link is disabled", "reset_after", false],
    ["register-then-record", "the link is disabled between the two calls", undefined, true],
    ["single", "the link is disabled", undefined, true],
  ])("%s: %s; enabled and replayed, the lead is recorded once", async (DUB_DELIVERY, _, fault, at) => {
    let state: "ours" | "disabled" = "ours";
    const faults = [fault];
    const app = await open({
      settings: { DUB_DELIVERY, RETENTION_DAYS: "90" },
      dub: {
        click: (id) => ({ id: `link_${id}`, state }),
        fault: ({ phase }) => {
          if (phase !== "record") return undefined;
          if (at && app.dub.calls.length < 2) state = "disabled";
          return faults.shift();
        },
      },
    });
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    state = "disabled";
    await app.pass(2 * MINUTE);
    expect(await app.row()).toMatchObject({ status: "rejected", reason: "link_disabled" });
    await app.pass(8 * DAY, HOUR);
    expect(await app.send("clerk", signUp("user_1"))).toMatchObject([{ status: "duplicate" }]);
    state = "ours";
    await replayAll(app, { reason: "link_disabled" });
    await app.pass(20 * DAY, 6 * HOUR);
    expect(app.dub.recorded).toHaveLength(1);
    expect((await app.rows()).map(({ status }) => status)).toEqual(["delivered", "duplicate"]);
  });

  it("a click that single delivery did not find is recorded when the dedup key has run out", async () => {
    let known = false;
    const app = await open({
      settings: { DUB_DELIVERY: "single" },
      dub: { click: (id) => (known ? { id: `link_${id}`, state: "ours" } : undefined) },
    });
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    expect(await app.row()).toMatchObject({ reason: "unknown_click", doubt: "failed" });
    known = true;
    await replayAll(app, { reason: "unknown_click" });
    await app.pass(9 * DAY, 6 * HOUR);
    expect(app.dub.recorded).toHaveLength(1);
  });

  it("what a consumer is at stays", async () => {
    let met: object | undefined;
    const app = await open({
      fetch: async (request) => {
        met ??= (await replayOne(app, (await app.row()).id)).body;
        return answerOf(app.dub.app, request);
      },
    });
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    expect(met).toMatchObject({ error: "in_delivery" });
    expect(app.dub.recorded).toHaveLength(1);
  });

  it("whatever happens in whatever order, each lead is recorded once", async () => {
    const users = ["user_1", "user_2"];
    const user = fc.constantFrom(...users);
    const action = fc.oneof(
      { weight: 4, arbitrary: fc.record({ do: fc.constant("send"), user, click: fc.boolean() }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant("replay"), nth: fc.nat({ max: 5 }) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant("replay all") }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant("mapping"), right: fc.boolean() }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant("fault"), fault: fc.constantFrom(...FAULTS) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant("pump") }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant("pass"), hours: fc.constantFrom(1, 24, 24 * 9) }) },
    );
    const right = clerkWith({});
    const wrong = clerkWith({ customerExternalId: "data.ident" });
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 3, maxLength: 12 }), async (actions) => {
        const files = { ...mappings, clerk: right };
        let fault: Fault | undefined;
        const app = await open({
          mappings: files,
          dub: { fault: () => fault },
          settings: { RETENTION_DAYS: "3650" },
        });
        const sent = new Set<string>();
        for (const one of actions) {
          if ("user" in one) {
            await app.send("clerk", signUp(one.user, one.click ? CLICK : null));
            if (one.click) sent.add(one.user);
          } else if ("nth" in one) {
            const row = (await app.rows())[one.nth];
            if (row) await replayOne(app, row.id);
          } else if ("right" in one) files.clerk = one.right ? right : wrong;
          else if ("fault" in one) fault = one.fault;
          else if ("hours" in one) await app.pass(one.hours * HOUR, Math.ceil(one.hours / 12) * HOUR);
          else if (one.do === "pump") await app.pump();
          else await replayAll(app, { since: "2020-01-01" });
        }
        files.clerk = right;
        fault = undefined;
        await app.pass(9 * DAY, 18 * HOUR);
        await replayAll(app, { status: ["rejected", "failed"] });
        await app.pass(9 * DAY, 18 * HOUR);
        expect(app.dub.recorded.map((lead) => lead.customerExternalId).sort()).toEqual([...sent].sort());
      }),
      { numRuns: 40 },
    );
  }, 60_000);
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

describe("what is held up goes on at once", () => {
  it("after the key was corrected, without waiting for the hour", async () => {
    const app = await open({ settings: { DUB_API_KEY: "dub_other" } });
    for (const user of ["user_1", "user_2"]) await app.send("clerk", signUp(user));
    await app.pump();
    app.env.DUB_API_KEY = LOCAL_KEY;
    expect(await replayAll(app, { reason: "dub_key_refused" })).toEqual({ "pending replayed": 2 });
    await app.pump();
    expect(app.dub.recorded).toHaveLength(2);
  });

  it("with the queue down the next sweep finds it", async () => {
    const app = await open({ settings: { DUB_API_KEY: "" } });
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    Object.assign(app.env, { DUB_API_KEY: LOCAL_KEY });
    app.down.queue = true;
    await replayAll(app, { status: "pending" });
    app.down.queue = false;
    await app.pass(MINUTE);
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
