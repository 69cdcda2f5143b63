/** Long outages: nothing ends that Dub would have taken, and somebody is told. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { LOCAL_KEY } from "../../src/dev/stand-in/dub.ts";
import { beginPause } from "../../src/ledger/pauses.ts";
import {
  answerOf,
  createTestApp,
  DAY,
  db,
  HOUR,
  MINUTE,
  type Row,
  SECOND,
  START,
  signUp,
  type TestAppOptions,
} from "../support/app.ts";

const ADDRESS = "https://hooks.example/alerts";

afterEach(() => {
  vi.restoreAllMocks();
});

/** An app whose alerts are collected by code. */
async function open(options: TestAppOptions = {}) {
  for (const level of ["info", "warn", "error"] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  const alerts: string[] = [];
  const answer = options.fetch;
  const app = await createTestApp({
    ...options,
    settings: { ALERT_WEBHOOK_URL: ADDRESS, ...options.settings },
    fetch: async (request) => {
      if (request.url !== ADDRESS) return answer ? answer(request) : answerOf(app.dub.app, request);
      const { text } = await request.json<{ text: string }>();
      alerts.push(/, as (\w+)\.$/.exec(text)?.[1] ?? text);
      return new Response("ok");
    },
  });
  return { ...app, alerts };
}
const reasonsOf = async (app: { rows: () => Promise<{ reason: string }[]> }) => [
  ...new Set((await app.rows()).map(({ reason }) => reason)),
];

describe("Dub's click store is down", () => {
  it.each([3, 24, 72])("for %s hours: every lead of the outage is recorded", async (hours) => {
    const end = START + hours * HOUR;
    const app = await open({
      dub: { fault: () => (app.clock.now < end ? "click_store_down" : undefined) },
    });
    for (let i = 0; i < 12; i++) await app.send("clerk", signUp(`user_${i}`));
    await app.pump();
    await app.pass(hours * HOUR + 30 * HOUR, 30 * MINUTE);
    expect(app.dub.recorded).toHaveLength(12);
    expect(await reasonsOf(app)).toEqual(["recorded"]);
  });

  it("a lead whose click Dub remembers from before the outage shows nothing about the others", async () => {
    let fault: "click_store_down" | undefined;
    const app = await open({ settings: { RETRY_SCHEDULE: "60,300" }, dub: { fault: () => fault } });
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    fault = "click_store_down";
    await app.send("clerk", signUp("user_2", "Yk3pQ9vLm2RtYw7C"));
    await app.pass(2 * MINUTE);
    await app.send("clerk", signUp("user_3"));
    await app.pass(30 * MINUTE);
    expect((await app.rows()).map(({ reason }) => reason)).toEqual([
      "recorded",
      "click_not_found_yet",
      "recorded",
    ]);
    fault = undefined;
    await app.pass(HOUR);
    expect(app.dub.recorded).toHaveLength(3);
  });

  it("and a click that is Dub's in form, but unknown, ends when others pass", async () => {
    const app = await open();
    await app.send("clerk", signUp("user_1", "unknownClick0001"));
    for (let day = 0; day < 4; day++) {
      await app.pass(DAY, HOUR);
      await app.send("clerk", signUp(`other_${day}`));
    }
    expect((await app.rows())[0]).toMatchObject({ status: "rejected", reason: "unknown_click" });
  });

  it("a site without any lead that counts does not try an unknown click for ever", async () => {
    const app = await open();
    await app.send("clerk", signUp("user_1", "unknownClick0001"));
    await app.pass(32 * DAY, 3 * HOUR);
    expect(await app.row()).toMatchObject({ status: "rejected", reason: "unknown_click" });
  });

  it("a mapping that gives no click ids of Dub is an alert when most leads end so within an hour", async () => {
    const app = await open();
    for (let i = 0; i < 4; i++) await app.send("clerk", signUp(`user_${i}`, `session-${i}`));
    await app.pass(HOUR);
    await app.send("clerk", signUp("user_5"));
    await app.pass(2 * HOUR);
    expect(app.alerts).toEqual(["unknown_clicks"]);
  });

  it("a mapping that gives ids like those of Dub is an alert long before they end", async () => {
    const app = await open();
    for (let i = 0; i < 3; i++) await app.send("clerk", signUp(`user_${i}`, `unknownClick000${i}`));
    await app.pass(170 * MINUTE, 10 * MINUTE);
    expect(app.alerts).toEqual([]);
    await app.pass(20 * MINUTE, 10 * MINUTE);
    expect(app.alerts).toEqual(["unknown_clicks"]);
    await app.send("clerk", signUp("user_4"));
    await app.pass(3 * HOUR, 10 * MINUTE);
    expect(app.alerts).toEqual(["unknown_clicks"]);
  });

  it("two unknown clicks are none", async () => {
    const app = await open();
    for (let i = 0; i < 2; i++) await app.send("clerk", signUp(`user_${i}`, `unknownClick000${i}`));
    await app.pass(5 * HOUR, 10 * MINUTE);
    expect(app.alerts).toEqual([]);
  });

  it("a few unknown clicks among many leads are none", async () => {
    const app = await open();
    for (let i = 0; i < 4; i++) await app.send("clerk", signUp(`user_${i}`, `session-${i}`));
    await app.pass(HOUR);
    for (let minute = 0; minute < 90; minute += 2) {
      await app.send("clerk", signUp(`other_${minute}`));
      await app.pass(2 * MINUTE);
    }
    expect(await reasonsOf(app)).toEqual(["unknown_click", "recorded"]);
    expect(app.alerts).toEqual([]);
  });
});

describe("something in between answers instead of Dub", () => {
  it.each([400, 402, 405, 415, 418, 451, 499])("HTML %s for ten minutes ends no lead", async (status) => {
    const app = await open({
      fetch: async (request) =>
        app.clock.now < START + 10 * MINUTE
          ? new Response("<html>", { status })
          : answerOf(app.dub.app, request),
    });
    for (let i = 0; i < 3; i++) await app.send("clerk", signUp(`user_${i}`));
    await app.pump();
    await app.pass(2 * HOUR);
    expect(app.dub.recorded).toHaveLength(3);
  });

  it("for one lead, again and again, while others pass: it fails in the end, without an alert to correct the address", async () => {
    const app = await open({
      fetch: async (request) =>
        (await request.clone().text()).includes("<script>")
          ? new Response("<html>Blocked</html>", { status: 403 })
          : answerOf(app.dub.app, request),
    });
    const webhook = signUp("user_1") as { data: object };
    Object.assign(webhook.data, { first_name: "<script>" });
    await app.send("clerk", webhook);
    for (let hour = 0; hour < 80; hour++) {
      await app.send("clerk", signUp(`user_other_${hour}`));
      await app.pass(HOUR, 10 * MINUTE);
    }
    const [blocked, ...others] = await app.rows();
    expect(blocked).toMatchObject({ status: "failed", reason: "retries_exhausted" });
    expect(others.every(({ reason }) => reason === "recorded")).toBe(true);
    expect(app.alerts.filter((code) => code !== "retries_exhausted")).toEqual([]);
  });

  it("for all leads: they wait, one lead a hour asks, and all are delivered once the address is right", async () => {
    const app = await open({ settings: { DUB_API_URL: "https://dub.example/wrong" } });
    for (let i = 0; i < 30; i++) await app.send("clerk", signUp(`user_${i}`));
    await app.pump();
    await app.pass(4 * DAY, 30 * MINUTE);
    expect(await reasonsOf(app)).toEqual(["dub_address"]);
    expect(new Set(app.alerts)).toEqual(new Set(["dub_address"]));
    app.env.DUB_API_URL = "";
    await app.pass(5 * MINUTE);
    expect(app.dub.recorded).toHaveLength(30);
  });
});

describe("something in between refuses some leads, whatever the rest", () => {
  const blocked = (user: string) => {
    const webhook = signUp(user) as { data: object };
    Object.assign(webhook.data, { first_name: "<script>" });
    return webhook;
  };
  const page = (status: number) => new Response("<html>Blocked</html>", { status });
  const isBlocked = async (request: Request) => (await request.clone().text()).includes("<script>");

  it("many of them in a row hold up no other", async () => {
    const app = await open({
      fetch: async (request) => ((await isBlocked(request)) ? page(403) : answerOf(app.dub.app, request)),
    });
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    for (let i = 0; i < 8; i++) await app.send("clerk", blocked(`blocked_${i}`));
    await app.send("clerk", signUp("user_2"));
    await app.pump();
    expect(app.dub.recorded).toHaveLength(2);
    await app.pass(50 * MINUTE, 10 * MINUTE);
    expect(app.alerts).toEqual([]);
  });

  it("one of them among the first leads after an outage holds up nothing", async () => {
    let down = true;
    const app = await open({
      fetch: async (request) =>
        down ? page(502) : (await isBlocked(request)) ? page(403) : answerOf(app.dub.app, request),
    });
    for (let i = 0; i < 5; i++) await app.send("clerk", signUp(`user_${i}`));
    await app.pump();
    down = false;
    app.clock.now += 90 * SECOND;
    for (let i = 5; i < 10; i++) await app.send("clerk", signUp(`user_${i}`));
    await app.send("clerk", blocked("blocked"));
    for (let i = 10; i < 15; i++) await app.send("clerk", signUp(`user_${i}`));
    await app.pump();
    expect(app.dub.recorded.length).toBeGreaterThanOrEqual(10);
    await app.pass(3 * MINUTE);
    expect(app.dub.recorded).toHaveLength(15);
  });
});

describe("after an outage", () => {
  it("a lead in doubt that Dub lists shows that Dub answers: the others follow at once", async () => {
    let fault: "reset_after" | undefined = "reset_after";
    const app = await open({ dub: { fault: ({ phase }) => (phase === "record" ? fault : undefined) } });
    for (let i = 0; i < 5; i++) await app.send("clerk", signUp(`user_${i}`));
    await app.pump();
    fault = undefined;
    expect(await db.prepare("SELECT name FROM pauses").first("name")).toBe("outage");
    await app.pass(3 * MINUTE);
    expect(await reasonsOf(app)).toEqual(["recorded"]);
  });

  it("an answer to registering alone is none to the lead: one lead at a time goes on asking", async () => {
    const app = await open({
      dub: { fault: ({ phase }) => (phase === "record" ? "reset_before" : undefined) },
    });
    await db.exec(`INSERT INTO pauses (name, until, reason) VALUES ('outage', ${START}, 'dub_error')`);
    for (let i = 0; i < 8; i++) await app.send("clerk", signUp(`user_${i}`));
    await app.pump();
    expect(await db.prepare("SELECT count FROM pauses").first("count")).toBe(1);
    const asked = app.dub.asked.length;
    await app.pass(MINUTE);
    expect(app.dub.asked.length - asked).toBeLessThanOrEqual(4);
  });
});

describe("delivery that has stopped is an alert after an hour", () => {
  it.each([
    ["an endless 429", "rate_limited"],
    ["an endless 502", "bad_gateway"],
    ["no answer", "hang_before"],
    ["errors of Dub", "error_before_key"],
  ] as const)("%s", async (_, fault) => {
    const app = await open({ dub: { fault: () => fault } });
    for (let i = 0; i < 10; i++) await app.send("clerk", signUp(`user_${i}`));
    await app.pass(50 * MINUTE);
    expect(app.alerts).toEqual([]);
    await app.pass(30 * MINUTE);
    expect(app.alerts).toEqual(["delivery_stalled"]);
    await app.pass(3 * HOUR);
    expect(app.alerts.length).toBeLessThanOrEqual(4);
  });

  it("also when a wrong key was corrected just before Dub stopped to answer", async () => {
    let down = false;
    const app = await open({
      settings: { DUB_API_KEY: "dub_revoked" },
      fetch: async (request) =>
        down ? new Response("Bad gateway", { status: 502 }) : answerOf(app.dub.app, request),
    });
    await app.send("clerk", signUp("user_1"));
    await app.pass(10 * MINUTE);
    expect(app.alerts).toEqual(["dub_key_refused"]);
    app.env.DUB_API_KEY = LOCAL_KEY;
    down = true;
    await app.pass(4 * HOUR);
    expect(new Set(app.alerts)).toEqual(new Set(["dub_key_refused", "delivery_stalled"]));
  });

  it("a queue whose messages never come", async () => {
    const app = await open();
    await app.send("clerk", signUp("user_1"));
    for (let minute = 0; minute < 90; minute++) {
      app.waiting.length = 0;
      app.clock.now += MINUTE;
      await app.worker.scheduled({}, app.env);
    }
    expect(app.alerts).toEqual(["delivery_stalled"]);
  });
});

it("what the queue is slow to bring is sent again every ten minutes, not by every sweep", async () => {
  const app = await open();
  for (let i = 0; i < 3; i++) await app.send("clerk", signUp(`user_${i}`));
  const sent: number[] = [];
  for (let minute = 1; minute <= 24; minute++) {
    app.clock.now += MINUTE;
    await app.worker.scheduled({}, app.env);
    if (app.waiting.length > 3 * (sent.length + 1)) sent.push(minute);
  }
  expect(sent).toEqual([2, 12, 22]);
  await app.pump();
  expect(app.dub.recorded).toHaveLength(3);
});

describe("a cron trigger that has stopped", () => {
  it("a webhook has the sweep done, and a lead never waits for cron alone", async () => {
    const faults = ["error_before_key", "error_before_key", "error_before_key"] as const;
    let calls = 0;
    const app = await open({ dub: { fault: () => faults[calls++] } });
    await app.sweep();
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    app.clock.now += 6 * MINUTE;
    await app.send("clerk", signUp("user_2"));
    for (let i = 0; i < 60; i++) {
      await app.pump();
      app.clock.now += MINUTE;
    }
    expect(app.dub.recorded).toHaveLength(2);
    await app.pump();
    expect(app.waiting).toEqual([]);
  });

  it("brings one sweep a minute, however many webhooks and batches ask for one", async () => {
    const app = await open({ dub: { fault: () => "error_before_key" } });
    await app.sweep();
    let sweeps = 0;
    const { sendBatch } = app.env.EVENTS;
    Object.assign(app.env.EVENTS, {
      sendBatch: (...args: Parameters<typeof sendBatch>) => {
        sweeps += [...args[0]].filter(({ body }) => "sweep" in (body as object)).length;
        return sendBatch(...args);
      },
    });
    for (let second = 0; second < 30 * 60; second += 7) {
      app.clock.now += 7 * SECOND;
      if (second % 70 === 0) await app.send("clerk", signUp(`user_${second}`));
      await app.pump();
    }
    // One of the chain, and one of a webhook or batch.
    expect(sweeps).toBeLessThanOrEqual(2 * 25);
    expect(sweeps).toBeGreaterThanOrEqual(20);
  });

  it("is an alert after an hour", async () => {
    const app = await open();
    await app.sweep();
    app.clock.now += 2 * HOUR;
    await app.send("clerk", signUp("user_1"));
    app.clock.now += SECOND;
    await app.pump();
    expect(app.alerts).toEqual(["cron_stopped"]);
  });
});

describe("a pause for a setting", () => {
  it("one lead asks each hour, whatever waits, and the queue is left alone", async () => {
    const app = await open({ settings: { DUB_API_KEY: "dub_revoked" } });
    for (let i = 0; i < 145; i++) await app.send("clerk", signUp(`user_${i}`));
    await app.pump();
    const asked = app.dub.asked.length;
    let messages = 0;
    for (let minute = 0; minute < 24 * 60; minute += 10) {
      app.clock.now += 10 * MINUTE;
      await app.worker.scheduled({}, app.env);
      messages += app.waiting.length;
      await app.pump();
    }
    expect(app.dub.asked.length - asked).toBeLessThanOrEqual(24);
    expect(messages).toBeLessThanOrEqual(24);
    app.env.DUB_API_KEY = LOCAL_KEY;
    await app.pass(3 * MINUTE);
    expect(app.dub.recorded).toHaveLength(145);
  });
});

describe("the rows of pauses", () => {
  const until = () => db.prepare("SELECT until FROM pauses WHERE name = 'setting'").first("until");
  const begin = (end: number, fingerprint: string) =>
    beginPause(
      db as never,
      { name: "setting", reason: "dub_key_refused", until: end, count: 1 },
      fingerprint,
    ).run();

  it("a pause is not shortened by another consumer's; with other settings it begins anew", async () => {
    await open();
    await begin(START + HOUR, "a");
    await begin(START + MINUTE, "a");
    expect(await until()).toBe(START + HOUR);
    await begin(START + MINUTE, "b");
    expect(await until()).toBe(START + MINUTE);
  });

  it("when a setting is right again, what waits for something else goes on waiting", async () => {
    const faults = ["reset_after_key"] as const;
    let calls = 0;
    const app = await open({
      dub: { fault: ({ phase }) => (phase === "record" ? faults[calls++] : undefined) },
    });
    await app.send("clerk", signUp("user_1"));
    await app.pass(2 * HOUR);
    const [{ reason, next_attempt_at }] = (await app.rows()) as [Row];
    expect(reason).toBe("dedup_blocked");
    const callsFor1 = () =>
      app.dub.calls.filter(({ customerExternalId }) => customerExternalId === "user_1").length;
    const before = callsFor1();
    app.env.DUB_API_KEY = "dub_revoked";
    await app.send("clerk", signUp("user_2"));
    await app.pump();
    app.env.DUB_API_KEY = LOCAL_KEY;
    await app.pass(3 * MINUTE);
    expect(await app.rows()).toMatchObject([{ reason, next_attempt_at }, { reason: "recorded" }]);
    expect(callsFor1()).toBe(before);
  });
});

describe("the queue refuses messages", () => {
  it("cron delivers a few leads each minute itself", async () => {
    const app = await open();
    app.down.queue = true;
    for (let i = 0; i < 25; i++) await app.send("clerk", signUp(`user_${i}`));
    await app.pass(6 * MINUTE);
    expect(app.dub.recorded).toHaveLength(25);
    expect(app.alerts).toEqual(["queue_down"]);
  });

  it("a backlog costs few rows written while it does, and is delivered once it takes messages again", async () => {
    const app = await open();
    await app.sweep();
    app.down.queue = true;
    for (let i = 0; i < 60; i++) await app.send("clerk", signUp(`user_${i}`));
    app.clock.now += 3 * MINUTE;
    await app.worker.scheduled({}, app.env);
    const marked = "CREATE TABLE IF NOT EXISTS marked (id TEXT)";
    await db.exec(marked);
    await db.exec(
      "CREATE TRIGGER note_marked AFTER UPDATE OF queued_until ON events WHEN new.queued_until > 0 BEGIN INSERT INTO marked VALUES (new.id); END",
    );
    await app.worker.scheduled({}, app.env);
    const count = await db.prepare("SELECT count(*) AS n FROM marked").first("n");
    await db.exec("DROP TRIGGER note_marked");
    await db.exec("DROP TABLE marked");
    expect(count).toBe(10);
    app.down.queue = false;
    await app.pass(2 * MINUTE);
    expect(app.dub.recorded).toHaveLength(60);
  });
});

describe("the queue refuses messages while leads are in doubt", () => {
  it("cron stays within the subrequests of the Free plan", async () => {
    const faults = Array(12).fill("error_after_key");
    const app = await open({
      dub: { fault: ({ phase }) => (phase === "record" ? faults.shift() : undefined) },
    });
    for (let i = 0; i < 12; i++) await app.send("clerk", signUp(`user_${i}`));
    await app.pump();
    app.down.queue = true;
    app.clock.now += MINUTE;
    const { length } = app.dub.asked;
    await app.worker.scheduled({}, app.env);
    const asked = app.dub.asked.length - length;
    expect(asked).toBeGreaterThanOrEqual(20);
    expect(asked).toBeLessThanOrEqual(25);
    expect((await app.rows()).every(({ claims }) => claims === 0)).toBe(true);
  });
});

describe("what can't be delivered at all", () => {
  it("a row that was made pending by hand is due", async () => {
    const app = await open();
    await app.send("clerk", signUp("user_1"));
    app.waiting.length = 0;
    await db.exec("UPDATE events SET next_attempt_at = NULL");
    await app.pass(5 * MINUTE);
    expect(app.dub.recorded).toHaveLength(1);
  });

  it("a lead in the ledger that is no JSON ends by itself, and no other lead waits", async () => {
    const app = await open();
    for (let i = 0; i < 20; i++) await app.send("clerk", signUp(`user_${i}`));
    await db.exec("UPDATE events SET lead = '{broken' WHERE rowid = (SELECT min(rowid) FROM events)");
    await app.pump();
    const [first, ...others] = await app.rows();
    expect(first).toMatchObject({ status: "failed", reason: "lead_unreadable" });
    expect(others.every(({ reason }) => reason === "recorded")).toBe(true);
  });

  it("a lead whose delivery never comes to its end is not begun again and again", async () => {
    let dies = true;
    const app = await open();
    await app.send("clerk", signUp("user_1"));
    const { DB } = app.env;
    const batch: typeof DB.batch = async (statements) => {
      const results = await DB.batch(statements as Parameters<typeof DB.batch>[0]);
      // The isolate dies once it has claimed.
      if (dies && results.some(({ results: rows }) => rows.some((row) => "leaseUntil" in (row as object))))
        throw new Error("isolate died");
      return results as never;
    };
    Object.assign(app.env, { DB: { prepare: (sql: string) => DB.prepare(sql), batch } });
    await app.pass(5 * HOUR, 10 * MINUTE);
    dies = false;
    await app.pass(HOUR, 10 * MINUTE);
    expect(await app.row()).toMatchObject({ status: "failed", reason: "delivery_crashed", doubt: "unknown" });
    expect(app.dub.calls).toEqual([]);
  });

  it("a lead whose delivery crashes the Worker takes no other with it", async () => {
    const app = await open();
    for (let i = 0; i < 12; i++) await app.send("clerk", signUp(`user_${i}`));
    const { DB } = app.env;
    const batch: typeof DB.batch = async (statements) => {
      const results = await DB.batch(statements as Parameters<typeof DB.batch>[0]);
      const claims = results.flatMap(({ results: rows }) => rows as { claims?: number; lead?: string }[]);
      if (claims.some(({ claims = 0, lead }) => claims <= 10 && lead?.includes('"user_5"')))
        throw new Error("isolate died");
      return results as never;
    };
    Object.assign(app.env, { DB: { prepare: (sql: string) => DB.prepare(sql), batch } });
    await app.pass(3 * HOUR);
    const reasons = (await app.rows()).map(({ reason }) => reason);
    expect(reasons.filter((reason) => reason === "recorded")).toHaveLength(11);
    expect(reasons[5]).toBe("delivery_crashed");
  });

  it("answers of 404 and 500 in turn come to an end", async () => {
    let calls = 0;
    const app = await open({
      dub: { fault: () => (calls++ % 2 === 0 ? "error_before_key" : undefined) },
    });
    await app.send("clerk", signUp("user_1", "unknown-click"));
    await app.pass(5 * DAY, 30 * MINUTE);
    await app.send("clerk", signUp("user_2"));
    await app.pass(DAY, 30 * MINUTE);
    expect((await app.rows())[0]?.status).not.toBe("pending");
    expect(app.dub.calls.length).toBeLessThan(60);
  });
});

describe("the limit that Dub names", () => {
  const limitOf = () => db.prepare("SELECT value FROM marks WHERE name = 'rate_limit'").first("value");

  it("is forgotten when the plan that it came from is upgraded", async () => {
    const app = await open({ dub: { keys: { [LOCAL_KEY]: "low_plan" }, limit: 60 } });
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    expect(await limitOf()).toBe(60);
    app.dub.accept(LOCAL_KEY);
    await app.pass(HOUR, 10 * MINUTE);
    expect(app.dub.recorded).toHaveLength(1);
    expect(await limitOf()).toBeNull();
  });

  it("is forgotten after an hour without an error when it is low, and kept when it is high", async () => {
    const app = await open();
    for (const [limit, left] of [
      [600, null],
      [3000, 3000],
    ] as const) {
      await db.exec(`INSERT INTO marks (name, at, value) VALUES ('rate_limit', ${app.clock.now}, ${limit})`);
      await app.pass(59 * MINUTE);
      expect(await limitOf()).toBe(limit);
      await app.pass(2 * MINUTE);
      expect(await limitOf()).toBe(left);
    }
  });

  it.each([3000, 100_000])("%s a minute: a sweep stays within a Worker's subrequests", async (limit) => {
    const app = await open();
    await db.exec(`INSERT INTO marks (name, at, value) VALUES ('rate_limit', ${START}, ${limit})`);
    const rows = JSON.stringify(Array.from({ length: 5000 }, (_, i) => i));
    await db
      .prepare(
        `INSERT INTO events (id, provider, status, reason, lead, received_at, next_attempt_at)
         SELECT 'e' || value, 'clerk', 'pending', 'new', '{}', ?1, ?1 FROM json_each(?2)`,
      )
      .bind(START, rows)
      .run();
    let sends = 0;
    const { sendBatch } = app.env.EVENTS;
    Object.assign(app.env.EVENTS, {
      sendBatch: (...args: Parameters<typeof sendBatch>) => {
        sends++;
        return sendBatch(...args);
      },
    });
    await app.worker.scheduled({}, app.env);
    expect(app.waiting).toHaveLength(1500);
    expect(sends).toBe(15);
  });
});
