/** Leads in doubt: an answer of the recording call that is lost. */
import { describe, expect, it } from "vitest";
import { afterDedup, beforeRecording } from "../../src/deliver/doubt.ts";
import { LOCAL_KEY, type StandInOptions } from "../../src/dev/stand-in/dub.ts";
import type { Fault } from "../../src/dev/stand-in/faults.ts";
import type { Found } from "../../src/dub/find.ts";
import { answerOf, createTestApp, DAY, db, HOUR, MINUTE, signUp } from "../support/app.ts";

const pathOf = (request: Request) => new URL(request.url).pathname;

/** A fault plan: each call takes the next of the list that is for its phase. */
function plan(faults: { register?: (Fault | undefined)[]; record?: (Fault | undefined)[] }) {
  return { fault: ({ phase }: { phase: "register" | "record" }) => faults[phase]?.shift() };
}

describe("a recording call whose answer is lost", () => {
  const lost = (fault: Fault, more: StandInOptions = {}) =>
    createTestApp({ dub: { ...plan({ record: [fault] }), ...more } });

  it("Dub is asked, and lists the lead: its link is kept, and nothing is recorded again", async () => {
    const app = await lost("hang_after");
    await app.send("clerk", signUp("user_1"));
    await app.pass(2 * MINUTE);
    expect(await app.row()).toMatchObject({ reason: "recorded", doubt: null });
    await app.pass(20 * DAY, DAY);
    expect(app.dub.recorded).toHaveLength(1);
  });

  it("Dub lists the lead late: it is looked for after an hour, and nothing is recorded again", async () => {
    const app = await lost("reset_after", { listedAfter: 10 * MINUTE });
    await app.send("clerk", signUp("user_1"));
    await app.pass(5 * MINUTE);
    expect(await app.row()).toMatchObject({ status: "pending", reason: "unconfirmed", doubt: "unknown" });
    await app.pass(HOUR);
    expect(await app.row()).toMatchObject({ reason: "recorded" });
    expect(app.dub.recorded).toHaveLength(1);
  });

  it("Dub lists the lead days later: nothing is recorded again", async () => {
    const app = await lost("reset_after", { listedAfter: 2 * DAY });
    await app.send("clerk", signUp("user_1"));
    await app.pass(3 * HOUR, 10 * MINUTE);
    expect(await app.row()).toMatchObject({ status: "pending", reason: "dedup_blocked" });
    await app.pass(8 * DAY, HOUR);
    expect(await app.row()).toMatchObject({ reason: "recorded" });
    expect(app.dub.recorded).toHaveLength(1);
  });

  it.each(["register-then-record", "single"])(
    "Dub never lists the lead: it is recorded when the dedup key has run out (%s)",
    async (DUB_DELIVERY) => {
      const app = await createTestApp({
        settings: { DUB_DELIVERY },
        dub: plan({ record: ["reset_after_key"] }),
      });
      await app.send("clerk", signUp("user_1"));
      await app.pass(6 * DAY, HOUR);
      expect(app.dub.recorded).toEqual([]);
      await app.pass(3 * DAY, HOUR);
      expect(await app.row()).toMatchObject({ status: "delivered", reason: "recorded" });
      expect(app.dub.recorded).toHaveLength(1);
    },
  );

  it("Dub can't be asked for a while: it is asked again by the schedule", async () => {
    let asked = 0;
    const app = await createTestApp({
      dub: plan({ record: ["hang_after"] }),
      fetch: async (request) => {
        if (pathOf(request) === "/customers" && ++asked <= 3)
          return new Response("busy", { status: asked === 1 ? 429 : 503 });
        return answerOf(app.dub.app, request);
      },
    });
    await app.send("clerk", signUp("user_1"));
    await app.pass(4 * MINUTE);
    expect(await app.row()).toMatchObject({
      reason: "dub_error",
      doubt: "unknown",
      detail: "GET /customers: 503",
    });
    await app.pass(2 * HOUR, 10 * MINUTE);
    expect(await app.row()).toMatchObject({ reason: "recorded" });
    expect(app.dub.recorded).toHaveLength(1);
  });

  it("something in between answers instead of Dub's list: it is asked again", async () => {
    let pages = 1;
    const app = await createTestApp({
      dub: plan({ record: ["reset_after_key"] }),
      fetch: async (request) =>
        pathOf(request) === "/customers" && pages-- > 0
          ? new Response("<html>Blocked</html>", { status: 403 })
          : answerOf(app.dub.app, request),
    });
    await app.send("clerk", signUp("user_1"));
    await app.pass(2 * MINUTE);
    expect(await app.row()).toMatchObject({ status: "pending", reason: "dub_error" });
    await app.pass(9 * DAY, HOUR);
    expect(await app.row()).toMatchObject({ reason: "recorded" });
    expect(app.dub.recorded).toHaveLength(1);
  });

  it("the key may not ask: it counts as recorded, and is marked as uncertain", async () => {
    const app = await lost("hang_after", { analytics: false });
    await app.send("clerk", signUp("user_1"));
    await app.pass(2 * MINUTE);
    expect(await app.row()).toMatchObject({
      status: "delivered",
      reason: "recorded_unconfirmed",
      detail: "GET /events: 403: the key lacks the permission analytics.read",
    });
    expect(app.dub.recorded).toHaveLength(1);
  });

  it("the workspace is over its events limit: it waits for the list, and is recorded once it comes back", async () => {
    const app = await lost("hang_after", { analytics: "over_limit" });
    await app.send("clerk", signUp("user_1"));
    await app.pass(2 * MINUTE);
    expect(await app.row()).toMatchObject({
      status: "pending",
      reason: "unconfirmed",
      detail: expect.stringMatching(/^GET \/events: 403: the Dub workspace is over its events limit/),
    });
    await app.pass(3 * DAY, HOUR);
    expect(await app.row()).toMatchObject({ reason: "unconfirmed" });
    app.dub.allowAnalytics();
    await app.pass(7 * HOUR, 10 * MINUTE);
    expect(await app.row()).toMatchObject({ reason: "recorded", doubt: null });
    expect(app.dub.recorded).toHaveLength(1);
  });

  it.each([
    ["register-then-record", "delivered", "recorded_unconfirmed"],
    ["single", "failed", "possibly_lost"],
  ])(
    "the workspace stays over its events limit: it ends before Dub forgets the lead (%s)",
    async (DUB_DELIVERY, status, reason) => {
      const app = await createTestApp({
        settings: { DUB_DELIVERY },
        dub: { ...plan({ record: ["hang_after"] }), analytics: "over_limit" },
      });
      await app.send("clerk", signUp("user_1"));
      await app.pass(7 * DAY, 6 * HOUR);
      expect(await app.row()).toMatchObject({
        status,
        reason,
        detail: expect.stringContaining("over its events limit"),
      });
      expect(app.dub.recorded).toHaveLength(1);
    },
  );

  it("the key may not ask, with single delivery: it is possibly lost, and never called delivered", async () => {
    const app = await createTestApp({
      settings: { DUB_DELIVERY: "single" },
      dub: { ...plan({ record: ["reset_after"] }), analytics: false },
    });
    await app.send("clerk", signUp("user_1"));
    await app.pass(5 * MINUTE);
    expect(await app.row()).toMatchObject({ status: "failed", reason: "possibly_lost" });
  });

  it.each<[boolean, string, string]>([
    [true, "delivered", "recorded"],
    [false, "failed", "possibly_lost"],
  ])(
    "held up until Dub would not recognise the lead any more, it is not sent again (may ask: %s)",
    async (analytics, status, reason) => {
      const app = await lost("hang_after", { analytics });
      await app.send("clerk", signUp("user_1"));
      await app.pump();
      app.env.DUB_API_KEY = "";
      await app.pass(8 * DAY, HOUR);
      app.env.DUB_API_KEY = LOCAL_KEY;
      await app.pass(2 * HOUR);
      expect(app.dub.recorded).toHaveLength(1);
      expect(await app.row()).toMatchObject({ status, reason });
    },
  );
});

it("the doubt begins with the call whose answer was lost, not with an earlier one", async () => {
  const app = await createTestApp({ dub: { ...plan({ record: ["hang_after"] }), analytics: false } });
  app.env.DUB_API_KEY = "dub_revoked";
  await app.send("clerk", signUp("user_1"));
  await app.pass(8 * DAY, HOUR);
  app.env.DUB_API_KEY = LOCAL_KEY;
  await app.pass(2 * HOUR);
  expect(await app.row()).toMatchObject({ status: "delivered", reason: "recorded_unconfirmed" });
});

describe("a lead in doubt", () => {
  it("that has failed holds its key: the customer's next event is no second lead", async () => {
    let fault: Fault | undefined = "reset_after";
    const app = await createTestApp({
      settings: { RETRY_SCHEDULE: "30" },
      dub: { fault: ({ phase }) => (fault === "reset_after" && phase === "register" ? undefined : fault) },
    });
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    fault = "bad_gateway";
    await app.pass(5 * MINUTE);
    expect(await app.row()).toMatchObject({ reason: "retries_exhausted", doubt: "unknown" });
    fault = undefined;
    await app.pass(8 * DAY, DAY);
    expect(await app.send("clerk", signUp("user_1"))).toMatchObject([{ status: "duplicate" }]);
    await app.pass(HOUR, 10 * MINUTE);
    expect(app.dub.recorded).toHaveLength(1);
  });

  it("that comes due while the key is refused is held like any other, and recorded once", async () => {
    const app = await createTestApp({ dub: plan({ record: ["reset_after_key"] }) });
    await app.send("clerk", signUp("user_1"));
    await app.pass(4 * HOUR, 10 * MINUTE);
    app.env.DUB_API_KEY = "dub_revoked";
    await app.pass(8 * DAY, HOUR);
    expect(await app.row()).toMatchObject({ status: "pending", reason: "dub_key_refused" });
    app.env.DUB_API_KEY = LOCAL_KEY;
    await app.pass(2 * HOUR, 10 * MINUTE);
    expect(await app.row()).toMatchObject({ status: "delivered", reason: "recorded" });
    expect(app.dub.recorded).toHaveLength(1);
  });
});

describe("what Dub lists decides", () => {
  const LINK = { id: "link_1" };
  const present: Found = { kind: "present", link: LINK };
  const absent: Found = { kind: "absent" };
  const refused: Found = { kind: "refused", why: "no_permission", message: "GET /events: 403" };
  const over: Found = { ...refused, why: "over_limit" };
  const failed: Found = { kind: "failed", message: "GET /events: 503" };
  const lost = { doubt: "unknown", forgotten: false } as const;
  const said = { doubt: "failed", forgotten: false } as const;
  const later = { forgotten: true };

  it.each<[string, Found, Parameters<typeof beforeRecording>[1], object | null]>([
    ["listed", present, lost, { kind: "end", reason: "recorded", link: LINK, doubt: null }],
    ["listed, of which Dub said that it failed", present, said, { kind: "end", reason: "duplicate_at_dub" }],
    ["listed after the key has run out", present, { ...lost, ...later }, { kind: "end", reason: "recorded" }],
    ["not listed", absent, lost, null],
    ["not listed after the key has run out", absent, { ...lost, ...later }, null],
    ["no answer", failed, lost, { kind: "retry", reason: "dub_error", doubt: "unknown" }],
    [
      "no answer after the key has run out",
      failed,
      { ...said, ...later },
      { kind: "retry", doubt: "failed" },
    ],
    [
      "a rate limit",
      { kind: "throttled", waitMs: 1000, listsOnly: false },
      lost,
      { kind: "wait", pause: "rate_limit" },
    ],
    ["not allowed", refused, lost, null],
    [
      "not allowed after the key has run out",
      refused,
      { ...lost, ...later },
      { kind: "end", reason: "possibly_lost", doubt: "unknown" },
    ],
    ["not allowed, Dub said that it failed, and the key has run out", refused, { ...said, ...later }, null],
  ])("before it is recorded: %s", (_, found, search, expected) => {
    const decision = beforeRecording(found, search);
    if (expected === null) expect(decision).toBeNull();
    else expect(decision).toMatchObject(expected);
  });

  const usual = { doubt: "unknown", delivery: "register-then-record", age: MINUTE } as const;
  const single = { delivery: "single" } as const;
  const blocked = { kind: "wait", reason: "dedup_blocked" };
  it.each<[string, Found, Parameters<typeof afterDedup>[1], object]>([
    ["not listed yet", absent, usual, { kind: "wait", reason: "unconfirmed", waitMs: HOUR }],
    [
      "not listed after an hour",
      absent,
      { ...usual, age: HOUR },
      { ...blocked, waitMs: 7 * DAY, doubt: "unknown" },
    ],
    [
      "not listed when the key is about to run out",
      absent,
      { ...usual, age: 7 * DAY },
      { ...blocked, waitMs: HOUR },
    ],
    ["not listed, of which Dub said that it failed", absent, { ...usual, doubt: "failed" }, blocked],
    ["not allowed", refused, usual, { kind: "end", reason: "recorded_unconfirmed", doubt: "unknown" }],
    ["over the events limit", over, usual, { kind: "wait", reason: "unconfirmed", waitMs: 6 * HOUR }],
    [
      "over the events limit, and Dub is about to forget",
      over,
      { ...usual, age: 6 * DAY - 6 * HOUR },
      { kind: "end", reason: "recorded_unconfirmed" },
    ],
    ["over the events limit, Dub said that it failed", over, { ...usual, doubt: "failed" }, blocked],
    ["not allowed, single", refused, { ...usual, ...single }, { reason: "possibly_lost", doubt: "unknown" }],
    ["not allowed, Dub said that it failed", refused, { ...usual, doubt: "failed" }, blocked],
    [
      "not allowed, Dub said so, single",
      refused,
      { ...usual, ...single, doubt: "failed" },
      { reason: "possibly_lost", doubt: "failed" },
    ],
  ])("that Dub does not record: %s", (_, found, situation, expected) => {
    expect(afterDedup(found, situation)).toMatchObject(expected);
  });
});

it("the limit of Dub's lists holds up only the leads that are looked for", async () => {
  const faults: Fault[] = Array.from({ length: 8 }, () => "reset_after");
  const app = await createTestApp({ dub: { ...plan({ record: faults }) } });
  for (let i = 0; i < 8; i++) await app.send("clerk", signUp(`user_${i}`));
  await app.pump();
  await app.pass(MINUTE);
  expect(await db.prepare("SELECT count(*) AS n FROM pauses").first("n")).toBe(0);
  await app.pass(5 * MINUTE);
  expect((await app.rows()).every(({ reason }) => reason === "recorded")).toBe(true);
  expect(app.dub.recorded).toHaveLength(8);
});
