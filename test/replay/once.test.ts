/** No lead is counted twice by a replay. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { shipped as mappings } from "../../mappings/index.ts";
import { LOCAL_KEY } from "../../src/dev/stand-in/dub.ts";
import type { Fault } from "../../src/dev/stand-in/faults.ts";
import { CLICK, CUSTOMER, clerkWith, open, plan, post, replayAll, replayOne } from "../support/admin.ts";
import { answerOf, DAY, db, HOUR, MINUTE, signUp } from "../support/app.ts";

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

  it("what is possibly lost is never recorded without asking Dub, however often it is replayed with a key that may not ask", async () => {
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

  it("what a consumer leases between a replay's reading and its writing stays", async () => {
    const app = await open({ dub: { fault: () => "error_before_key" } });
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    const { DB } = app.env;
    const batch = async (statements: Parameters<typeof DB.batch>[0]) => {
      await db
        .prepare("UPDATE events SET lease_until = ?1")
        .bind(app.clock.now + MINUTE)
        .run();
      return DB.batch(statements);
    };
    Object.assign(app.env, { DB: { prepare: (sql: string) => DB.prepare(sql), batch } });
    await replayAll(app, { status: "pending" });
    expect(await app.row()).toMatchObject({ reason: "dub_error", retries: 1 });
  });

  it("a lead with which a consumer died is delivered as it was, whatever the mapping says now", async () => {
    const files = { ...mappings };
    const app = await open({ mappings: files });
    await app.send("clerk", signUp("user_1"));
    await db.exec("CREATE TRIGGER dies BEFORE INSERT ON attempts BEGIN SELECT RAISE(ABORT, 'died'); END");
    await app.pump();
    await db.exec("DROP TRIGGER dies");
    app.clock.now += 3 * MINUTE;
    files.clerk = clerkWith({ customerExternalId: "data.username || 'other'" });
    await replayAll(app, { status: "pending" });
    await app.pass(5 * MINUTE);
    expect(app.dub.recorded.map((lead) => lead.customerExternalId)).toEqual(["user_1"]);
  });

  it("a lead with which a consumer died, and that is ended by hand, holds its key", async () => {
    // Otherwise the comparison with Dub's list would find it.
    const app = await open({ dub: { analytics: false } });
    await app.send("clerk", signUp("user_1"));
    await app.send("clerk", signUp("user_1"));
    await db.exec("CREATE TRIGGER dies BEFORE INSERT ON attempts BEGIN SELECT RAISE(ABORT, 'died'); END");
    await app.pump();
    await db.exec("DROP TRIGGER dies");
    app.clock.now += 3 * MINUTE;
    await post(app, `/api/events/${(await app.rows())[0]?.id}/end`);
    await app.pass(8 * DAY, DAY);
    expect((await app.rows()).map(({ reason, doubt }) => [reason, doubt])).toEqual([
      ["ended_by_operator", "unknown"],
      ["duplicate_here", null],
    ]);
    expect(app.dub.recorded).toHaveLength(1);
  });

  it("what a consumer has leased stays", async () => {
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
