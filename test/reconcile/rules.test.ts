/** When a day is compared, when it is not, what ends it early, and what follows for single events. */
import { describe, expect, it } from "vitest";
import { LOCAL_KEY, type StandInOptions } from "../../src/dev/stand-in/dub.ts";
import { idOf, plan, replayOne } from "../support/admin.ts";
import { answerOf, DAY, db, HOUR, MINUTE, START, signUp } from "../support/app.ts";
import { days, openDays as open, recordedBy, TODAY } from "../support/days.ts";

describe("when", () => {
  it("from six hours after the end of a day of UTC on, one call a minute, and once", async () => {
    const app = await open();
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    app.clock.now = TODAY + DAY + 6 * HOUR - 1;
    await app.sweep();
    expect(app.dub.lists).toEqual([]);
    app.clock.now += 1;
    const seen: number[] = [];
    for (let i = 0; i < 6; i++) {
      await app.sweep();
      seen.push(app.dub.lists.length);
      app.clock.now += MINUTE;
    }
    expect(seen).toEqual([0, 1, 2, 2, 2, 2]);
    expect(app.dub.lists).toEqual(["/analytics", "/events"]);
    expect(await days()).toMatchObject([
      {},
      { day: TODAY, listed: 1, delivered: 1, present: 1, done_at: expect.any(Number) },
    ]);
    expect(await app.row()).toMatchObject({ reason: "recorded", at_dub: "listed", dub_click: null });
  });

  it.each<[string, (app: Awaited<ReturnType<typeof open>>) => unknown]>([
    ["without a key", (app) => Object.assign(app.env, { DUB_API_KEY: "" })],
    [
      "while deliveries pause",
      () =>
        db
          .prepare("INSERT INTO pauses (name, until, reason, count) VALUES ('outage', ?1, 'dub_error', 1)")
          .bind(START + 90 * DAY)
          .run(),
    ],
  ])("not %s", async (_, stop) => {
    const app = await open();
    await stop(app);
    await app.toMorning();
    expect(app.dub.lists).toEqual([]);
    expect(await days()).toHaveLength(1);
  });

  it("after a stop the days between follow, a week of them at most", async () => {
    const app = await open();
    app.clock.now = TODAY + 20 * DAY + 12 * HOUR;
    for (let i = 0; i < 30; i++) {
      await app.sweep();
      app.clock.now += MINUTE;
    }
    const all = await days();
    expect(all.slice(1).map(({ day }) => ((day ?? 0) - TODAY) / DAY)).toEqual([13, 14, 15, 16, 17, 18, 19]);
    expect(all.every(({ done_at }) => done_at)).toBe(true);
  });
});

describe("Dub does not list", () => {
  it.each<[StandInOptions["analytics"] & {}, string]>([
    [false, "the key lacks the permission analytics.read"],
    ["over_limit", "the Dub workspace is over its events limit"],
  ])(
    "one alert a day says why, it is asked each hour, and the days follow (%s)",
    async (analytics, means) => {
      const app = await open({ dub: { analytics } });
      await app.send("clerk", signUp("user_1"));
      await app.pump();
      app.clock.now = TODAY + DAY + 6 * HOUR;
      await app.pass(30 * HOUR, 30 * MINUTE);
      expect(app.told("list_refused")).toHaveLength(2);
      expect(app.told("list_refused")[0]).toContain(means);
      expect(app.dub.lists.length).toBeLessThanOrEqual(30);
      app.dub.allowAnalytics();
      await app.pass(2 * HOUR, MINUTE);
      expect(await days()).toMatchObject([{}, { present: 1 }, { day: TODAY + DAY }]);
      expect((await days()).every(({ done_at }) => done_at)).toBe(true);
    },
  );

  it("an error or a rate limit is tried again with the next minute", async () => {
    let failing = 3;
    const app = await open({
      fetch: async (request) => {
        if (request.method === "GET" && failing-- > 0)
          return new Response("busy", { status: failing % 2 ? 503 : 429 });
        return answerOf(app.dub.app, request);
      },
    });
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    await app.toMorning();
    expect(await days()).toMatchObject([{}, { present: 1, done_at: expect.any(Number) }]);
    expect(app.alerts).toEqual([]);
  });
});

describe("what is missing", () => {
  it("by a replay it is in doubt, looked for first, and recorded once the dedup key has run out", async () => {
    const app = await open();
    const [answer] = await app.send("clerk", signUp("user_1"));
    await app.pump();
    const lost = app.dub.recorded.splice(0);
    expect(lost).toHaveLength(1);
    const before = app.dub.calls.length;
    await app.toMorning();
    expect(app.dub.calls).toHaveLength(before);
    expect(await app.row()).toMatchObject({ status: "failed", reason: "missing_at_dub", doubt: "unknown" });
    expect(app.told("missing_at_dub")[0]).toContain("1 of 1 leads of 2026-03-10");
    await app.pass(9 * DAY, 12 * HOUR);
    expect(app.dub.calls).toHaveLength(before);
    // It holds its key meanwhile.
    expect(await app.send("clerk", signUp("user_1", "Aa3pQ9vLm2RtYw7B"))).toMatchObject([
      { reason: "duplicate_here" },
    ]);
    app.env.ADMIN_TOKEN = "a-token-of-the-admin-of-this-app";
    expect((await replayOne(app, idOf(answer))).status).toBe(200);
    await app.pass(3 * MINUTE);
    expect((await app.rows())[0]).toMatchObject({ status: "delivered", reason: "recorded" });
    expect(app.dub.recorded).toHaveLength(1);
  });

  it("replayed within the seven days, it waits for their end", async () => {
    const app = await open({ settings: { ADMIN_TOKEN: "a-token-of-the-admin-of-this-app" } });
    const [answer] = await app.send("clerk", signUp("user_1"));
    await app.pump();
    app.dub.recorded.splice(0);
    await app.toMorning();
    await replayOne(app, idOf(answer));
    await app.pass(10 * MINUTE);
    expect(await app.row()).toMatchObject({
      reason: "dedup_blocked",
      next_attempt_at: START + 7 * DAY + HOUR,
    });
    await app.pass(7 * DAY, 12 * HOUR);
    expect(await app.row()).toMatchObject({ reason: "recorded" });
    expect(app.dub.recorded).toHaveLength(1);
  });

  it("replayed, and listed by Dub after all, it is not recorded again", async () => {
    const app = await open({ settings: { ADMIN_TOKEN: "a-token-of-the-admin-of-this-app" } });
    const [answer] = await app.send("clerk", signUp("user_1"));
    await app.pump();
    const lost = app.dub.recorded.splice(0);
    await app.toMorning();
    app.dub.recorded.push(...lost);
    await replayOne(app, idOf(answer));
    await app.pass(10 * MINUTE);
    expect(await app.row()).toMatchObject({ reason: "recorded", doubt: null });
    expect(app.dub.recorded).toHaveLength(1);
  });

  it("too many at once are one alert, and nothing is asked or changed", async () => {
    const app = await open();
    for (let i = 0; i < 51; i++) await app.send("clerk", signUp(`user_${i}`));
    await app.pump();
    app.dub.recorded.splice(0);
    await app.toMorning();
    expect(app.dub.lists).toEqual(["/analytics"]);
    expect(app.told("list_differs")[0]).toContain("of 51 leads delivered on 2026-03-10, Dub lists 0");
    expect((await app.rows()).every(({ reason }) => reason === "recorded")).toBe(true);
  });

  it("an erased customer and a deleted link are noted, and never repaired", async () => {
    const app = await open();
    await app.send("clerk", signUp("user_1"));
    await app.send("clerk", signUp("user_2", "Dd3pQ9vLm2RtYw7B"));
    await app.pump();
    app.dub.gone.customers.add("user_1");
    app.dub.gone.links.add("link_Dd3p");
    await app.toMorning();
    expect(await app.rows()).toMatchObject([
      { reason: "recorded", at_dub: "customer_deleted" },
      { reason: "recorded", at_dub: "link_deleted" },
    ]);
    expect(app.alerts).toEqual([]);
  });

  it("a lead of a customer's other click, whose link may be deleted, is called unclear", async () => {
    const app = await open();
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    app.dub.recorded.splice(0);
    const known = app.dub.customers.get("user_1");
    if (known) app.dub.customers.set("user_1", { ...known, clickId: "Ff3pQ9vLm2RtYw7B" });
    await app.toMorning();
    expect(await app.row()).toMatchObject({ reason: "recorded", at_dub: "unclear" });
    expect(app.alerts).toEqual([]);
  });
});

describe("what is listed", () => {
  it("a lead in doubt for which Dub said that it failed is another sender's", async () => {
    const app = await open({ dub: plan(["error_after_key"]) });
    await app.send("clerk", signUp("user_1"));
    await app.pass(2 * MINUTE);
    expect(await app.row()).toMatchObject({ reason: "dedup_blocked", doubt: "failed" });
    app.dub.recorded.push(recordedBy("user_1"));
    await app.toMorning();
    expect(await app.row()).toMatchObject({ status: "duplicate", reason: "duplicate_at_dub", doubt: null });
  });

  it("a sign-up without a click id that the site has recorded by itself holds the key from then on", async () => {
    const app = await open();
    await app.send("clerk", signUp("user_1", null));
    app.dub.recorded.push(recordedBy("user_1"));
    await app.toMorning();
    expect(await app.row()).toMatchObject({ reason: "duplicate_at_dub", next_attempt_at: null });
    const later = signUp("user_1");
    expect(await app.send("clerk", { ...later, type: "user.updated" })).toMatchObject([
      { status: "duplicate" },
    ]);
    await app.pass(2 * MINUTE);
    expect(app.dub.calls).toEqual([]);
  });

  it("a rejected lead that another sender has recorded is a duplicate", async () => {
    const app = await open();
    await app.send("clerk", signUp("user_1", "disabledClick001"));
    await app.pump();
    expect(await app.row()).toMatchObject({ reason: "link_disabled" });
    app.dub.recorded.push(recordedBy("user_1"));
    await app.toMorning();
    expect(await app.row()).toMatchObject({ reason: "duplicate_at_dub" });
  });

  it("a row that is being delivered keeps its state", async () => {
    const app = await open({ dub: plan(["reset_after"]) });
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    await db
      .prepare("UPDATE events SET lease_until = ?1, next_attempt_at = ?1")
      .bind(START + 3 * DAY)
      .run();
    await app.toMorning();
    expect(await app.row()).toMatchObject({ status: "pending", at_dub: "listed", doubt: "unknown" });
  });

  it("once a lead in doubt is settled, the customer's leads that waited for it follow", async () => {
    const app = await open({ dub: plan(["reset_after"]), settings: { DUB_API_KEY: LOCAL_KEY } });
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    await db
      .prepare(
        `INSERT INTO events (id, provider, event_id, type, status, reason, lead, lead_key, received_at)
         VALUES ('later', 'clerk', 'x', 'y', 'skipped', 'unknown_customer', ?1, 'k', ?2)`,
      )
      .bind(JSON.stringify({ clickId: "", eventName: "Started Trial", customerExternalId: "user_1" }), START)
      .run();
    await db.exec("DELETE FROM transitions");
    await db
      .prepare("UPDATE events SET next_attempt_at = ?1 WHERE id <> 'later'")
      .bind(START + 9 * DAY)
      .run();
    await app.toMorning();
    expect((await app.rows()).map(({ reason }) => reason)).toEqual(["recorded", "recorded"]);
    expect(app.dub.recorded).toHaveLength(2);
  });

  it("of several clicks with one lead, its own counts", async () => {
    const app = await open();
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    app.dub.recorded.unshift(recordedBy("user_1", { clickId: "Zz3pQ9vLm2RtYw7B", at: START + HOUR }));
    app.dub.recorded.push(recordedBy("user_1", { clickId: "Zz3pQ9vLm2RtYw7B", at: START - HOUR }));
    await app.toMorning();
    expect(await app.row()).toMatchObject({ reason: "recorded", dub_click: null });
  });

  it("another click on most leads is an alert; on one it is shown alone", async () => {
    for (const [leads, alerts] of [
      [1, 0],
      [6, 1],
    ] as const) {
      const app = await open();
      for (let i = 0; i < leads; i++) await app.send("clerk", signUp(`user_${i}`));
      await app.pump();
      for (const one of app.dub.recorded) one.clickId = "Zz3pQ9vLm2RtYw7B";
      await app.toMorning();
      expect(app.told("other_click")).toHaveLength(alerts);
      expect((await app.rows()).every((row) => "dub_click" in row && row.dub_click !== null)).toBe(true);
    }
  });

  it("a second integration is an alert with its event name and number; other senders' customers are counted", async () => {
    const app = await open();
    for (const user of ["user_1", "user_2", "user_3"]) {
      await app.send("clerk", signUp(user));
      app.dub.recorded.push(recordedBy(user, { eventName: "New customer" }));
    }
    app.dub.recorded.push(recordedBy("stranger", { eventName: "Demo booked" }));
    await app.pump();
    await app.toMorning();
    expect(app.told("counted_twice")[0]).toContain("“New customer” 3");
    expect(await days()).toMatchObject([
      {},
      { twice: '{"New customer":3}', others: '{"Demo booked":1}', present: 3 },
    ]);
  });
});
