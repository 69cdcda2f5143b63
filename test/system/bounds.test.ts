/** The limits of queue, D1 and Worker: kept at the edge, one past it, and with the worst that a body can hold. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { StandInOptions } from "../../src/dev/stand-in/dub.ts";
import { enqueue, type QueueMessage } from "../../src/queue.ts";
import type { Status } from "../../src/states.ts";
import { answerOf, createTestApp, DAY, db, HOUR, MINUTE, START, signUp } from "../support/app.ts";

const MIB = 1024 * 1024;
const MESSAGE_BYTES = 120_000;
/** The platform's own limits, of the Free plan where plans differ. */
const PLATFORM = {
  subrequests: 50,
  connections: 6,
  statements: 50,
  parameters: 100,
  parameterBytes: 2_000_000,
  batchCount: 100,
  batchBytes: 256_000,
};

const utf8 = (text: string) => new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>;
const size = (text: string) => utf8(text).length;
/** What a character takes inside JSON text. */
const sizeInJson = (char: string) => size(JSON.stringify(char)) - 2;

/** An app that notes the most it asks of the platform: in one invocation, at once, and in one D1 statement. */
async function openMeasured(dub: StandInOptions = {}) {
  const most = { subrequests: 0, connections: 0, statements: 0, parameters: 0, parameterBytes: 0 };
  const spent = { subrequests: 0, statements: 0 };
  let connections = 0;
  const spend = (what: keyof typeof spent, count: number) => {
    spent[what] += count;
    most[what] = Math.max(most[what], spent[what]);
  };
  const counted =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      spend("subrequests", 1);
      most.connections = Math.max(most.connections, ++connections);
      try {
        return await call(...args);
      } finally {
        connections--;
      }
    };
  const measured = (statement: D1PreparedStatement): D1PreparedStatement =>
    new Proxy(statement, {
      get(target, key) {
        if (key === "bind")
          return (...values: unknown[]) => {
            most.parameters = Math.max(most.parameters, values.length);
            most.parameterBytes = Math.max(most.parameterBytes, ...values.map((one) => size(String(one))));
            return measured(target.bind(...values));
          };
        const value = Reflect.get(target, key);
        if (!["run", "all", "first", "raw"].includes(String(key))) return value;
        return counted((...args: unknown[]) => {
          spend("statements", 1);
          return value.apply(target, args);
        });
      },
    });

  const app = await createTestApp({
    fetch: counted((request: Request) => answerOf(app.dub.app, request)),
    dub: { limit: Number.POSITIVE_INFINITY, ...dub },
  });
  const { DB, EVENTS } = app.env;
  Object.assign(app.env, {
    DB: {
      prepare: (sql: string) => measured(DB.prepare(sql) as unknown as D1PreparedStatement),
      batch: counted((statements: Parameters<typeof DB.batch>[0]) => {
        spend("statements", statements.length);
        return DB.batch(statements);
      }),
    },
    EVENTS: { sendBatch: counted(EVENTS.sendBatch) },
  });
  for (const name of ["fetch", "queue", "scheduled"] as const) {
    const handler = app.worker[name] as (...args: unknown[]) => unknown;
    const invocation = (...args: unknown[]) => {
      Object.assign(spent, { subrequests: 0, statements: 0 });
      return handler(...args);
    };
    Object.assign(app.worker, { [name]: invocation });
  }
  const expectWithinLimits = () => {
    for (const [name, value] of Object.entries(most))
      expect.soft(value, name).toBeLessThanOrEqual(PLATFORM[name as keyof typeof most]);
  };
  return { ...app, most, expectWithinLimits };
}

/** A sign-up at Clerk as JSON of 1 MiB, filled up with a character. */
function clerkOf(char: string): Uint8Array<ArrayBuffer> {
  const room = MIB - size(JSON.stringify({ ...signUp("user_1"), pad: "" }));
  const pad = char.repeat(room / sizeInJson(char)) + "x".repeat(room % sizeInJson(char));
  return utf8(JSON.stringify({ ...signUp("user_1"), pad }));
}

/** A sign-up of an Auth0 log stream as JSON; `description` and `strategy` are JSON too. */
function log(i: number, description = '""', strategy = '"auth0"'): string {
  const user_metadata = { dubClickId: "Xk3pQ9vLm2RtYw7B" };
  const data = { type: "ss", user_id: `auth0|${i}`, details: { body: { user_metadata } } };
  const own = JSON.stringify({ log_id: `log_${i}`, data });
  return `${own.slice(0, -2)},"description":${description},"strategy":${strategy}}}`;
}

/** As many logs as a body of 1 MiB holds, 1,000 at most. */
function logs(one: (i: number) => string): Uint8Array<ArrayBuffer> {
  const count = Math.min(1000, Math.floor((MIB - 2) / (size(one(999)) + 1)));
  return utf8(`[${Array.from({ length: count }, (_, i) => one(i)).join()}]`);
}

/** 1,000 logs that fill 1 MiB up with a character. */
function thousandOf(char: string): Uint8Array<ArrayBuffer> {
  const room = Math.floor(MIB / 1000) - 1 - size(log(999));
  return logs((i) => log(i, JSON.stringify(char.repeat(room / sizeInJson(char)))));
}

/** Numbers of 5 bytes that JSON.stringify writes with 22. */
const growing = (count: number) => `[${Array(count).fill("1e20").join()}]`;

/** Puts `count` rows into the ledger, the newest first. */
function put(kind: string, count: number, status: Status, receivedAt: number, nextAttemptAt: number | null) {
  return db
    .prepare(
      `INSERT INTO events (id, provider, event_id, status, reason, lead, payload, received_at, next_attempt_at)
       SELECT ?1 || value, 'clerk', 'msg', ?2, iif(?2 = 'pending', 'new', 'no_click_id'), '{}', '{}', ?3 - value, ?4 FROM json_each(?5)`,
    )
    .bind(kind, status, receivedAt, nextAttemptAt, JSON.stringify(Array.from({ length: count }, (_, i) => i)))
    .run();
}

describe("queue messages", () => {
  it.each([
    ["a letter", "x"],
    ["two bytes", "é"],
    ["three bytes", "美"],
    ["four bytes", "🌱"],
    ["a quote, escaped twice", '"'],
  ])("an event of 120,000 bytes goes by the queue, one of a byte more by the sweep: %s", async (_, char) => {
    const sent = async (pad: string) => {
      const app = await createTestApp();
      await app.send("clerk", { ...signUp("user_1"), pad }, { id: "msg_1" });
      return { app, sizes: app.waiting.map(({ body }) => size(body)) };
    };
    const [bare = 0] = (await sent("")).sizes;
    const [one = 0] = (await sent(char)).sizes;
    const room = MESSAGE_BYTES - bare;
    const pad = char.repeat(room / (one - bare)) + "x".repeat(room % (one - bare));

    const fits = await sent(pad);
    expect(fits.sizes).toEqual([MESSAGE_BYTES]);
    await fits.app.pump();
    expect(fits.app.dub.recorded).toHaveLength(1);

    const past = await sent(`${pad}x`);
    expect(past.sizes).toEqual([]);
    await past.app.pass(MINUTE);
    expect(past.app.dub.recorded).toHaveLength(1);
    expect(await past.app.row()).toMatchObject({ status: "delivered", reason: "recorded" });
  });
});

describe("queue batches", () => {
  const message = (bytes: number): QueueMessage => ({ id: "x".repeat(bytes - size('{"id":""}')) });
  const batchesOf = async (messages: QueueMessage[]) => {
    const batches: QueueMessage[][] = [];
    const queue = {
      sendBatch: async (batch: Iterable<{ body: QueueMessage }>) =>
        void batches.push([...batch].map(({ body }) => body)),
    };
    await enqueue(queue as unknown as Parameters<typeof enqueue>[0], messages);
    return batches;
  };

  it.each([
    ["no message", [], []],
    ["100 messages", Array(100).fill(50), [100]],
    ["101 messages", Array(101).fill(50), [100, 1]],
    ["two of the largest", [MESSAGE_BYTES, MESSAGE_BYTES], [2]],
    ["two of the largest and the smallest", [MESSAGE_BYTES, MESSAGE_BYTES, 9], [2, 1]],
    ["100 that fill a batch", Array(100).fill(2400), [100]],
    ["100 of which one is a byte too long", [...Array(99).fill(2400), 2401], [99, 1]],
  ])("%s", async (_, sizes, counts) => {
    expect((await batchesOf(sizes.map(message))).map(({ length }) => length)).toEqual(counts);
  });

  it("carry each message once, in order, within the queue's limits, whatever the sizes", async () => {
    const own = 100; // what the queue adds to a message
    const bytes = fc.oneof(
      { weight: 9, arbitrary: fc.integer({ min: 9, max: 4000 }) },
      { weight: 1, arbitrary: fc.integer({ min: 9, max: MESSAGE_BYTES }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(bytes, { maxLength: 350, size: "max" }), async (sizes) => {
        const messages = sizes.map(message);
        const batches = await batchesOf(messages);
        const carried = batches.flat();
        expect(carried.length).toBe(messages.length);
        expect(carried.every((one, i) => one === messages[i])).toBe(true);
        for (const batch of batches) {
          const whole = batch.reduce((sum, one) => sum + size(JSON.stringify(one)) + own, 0);
          expect(batch.length).toBeLessThanOrEqual(PLATFORM.batchCount);
          expect(whole).toBeLessThanOrEqual(PLATFORM.batchBytes);
        }
      }),
    );
  });
});

describe("1 MiB of the worst is kept within D1's limits and delivered once", () => {
  it.each<[string, string, () => Uint8Array<ArrayBuffer>, number]>([
    ["a webhook of quotes", "clerk", () => clerkOf('"'), 1],
    ["a webhook of backslashes", "clerk", () => clerkOf("\\"), 1],
    ["a webhook of control characters", "clerk", () => clerkOf("\u0001"), 1],
    ["a webhook of three bytes each", "clerk", () => clerkOf("美"), 1],
    ["a log of numbers that grow", "auth0-logs", () => utf8(`[${log(1, growing(209_600))}]`), 1],
    [
      "a log of numbers that grow and of three bytes each",
      "auth0-logs",
      () => utf8(`[${log(1, `[${growing(34_000)},"${"美".repeat(290_000)}"]`)}]`),
      1,
    ],
    ["1,000 logs of quotes", "auth0-logs", () => thousandOf('"'), 1000],
    ["logs that grow to a queue message", "auth0-logs", () => logs((i) => log(i, growing(5380))), 38],
    ["logs that fill a statement", "auth0-logs", () => logs((i) => log(i, `"${"美".repeat(66_000)}"`)), 5],
  ])("%s", async (_, provider, body, leads) => {
    const bytes = body();
    expect(bytes.length).toBeGreaterThan(0.94 * MIB);
    expect(bytes.length).toBeLessThanOrEqual(MIB);
    const app = await openMeasured();
    await app.send(provider, bytes);
    await app.pass(MINUTE);
    expect(app.dub.recorded).toHaveLength(leads);
    const rows = await app.rows();
    expect(rows.map(({ status }) => status)).toEqual(Array(leads).fill("delivered"));
    for (const row of rows)
      expect(size(Object.values(row).join(""))).toBeLessThanOrEqual(PLATFORM.parameterBytes);
    app.expectWithinLimits();
  });

  it.each([
    ["1 MiB", 0, true],
    ["one character more", 1, false],
  ])("a payload that has grown to %s", async (_, past, kept) => {
    const grown = (fill: number) => log(1, `[${growing(40_000)},"${"x".repeat(fill)}"]`);
    const fill = MIB - JSON.stringify(JSON.parse(grown(0))).length;
    const app = await createTestApp();
    await app.send("auth0-logs", utf8(`[${grown(fill + past)}]`));
    expect((await app.row()).payload?.length).toBe(kept ? MIB : undefined);
    await app.pass(MINUTE);
    expect(app.dub.recorded).toHaveLength(1);
  });
});

describe("at most 50 subrequests in one invocation and 6 connections at once", () => {
  it.each<[string, () => Uint8Array<ArrayBuffer>, number, number]>([
    ["1,000 small events", () => logs((i) => log(i)), 1000, 0],
    ["events as large as a queue message", () => logs((i) => log(i, `"${"x".repeat(118_000)}"`)), 8, 118_000],
    ["events that grow as large as a queue message", () => logs((i) => log(i, growing(5380))), 38, 118_000],
    ["events that grow in payload and lead", () => logs((i) => log(i, '""', growing(450))), 434, 20_000],
  ])("the endpoint with %s", async (_, body, count, bytes) => {
    const app = await openMeasured();
    await app.send("auth0-logs", body());
    const sizes = app.waiting.map((message) => size(message.body));
    expect(sizes).toHaveLength(count);
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(bytes);
    expect(await app.rows()).toHaveLength(count);
    app.expectWithinLimits();
  });

  it.each([
    ["that fill 1 MiB", ""],
    ["that grow", growing(18)],
  ])("the endpoint with 4,000 events %s", async (_, description) => {
    const app = await openMeasured();
    const all = Array.from({ length: 4000 }, (_, i) => log(i, description || '""'));
    const room = description ? 0 : Math.floor((MIB - 2) / 4000) - 1 - size(log(3999));
    const body = utf8(`[${all.map((one) => one.replace('"",', `"${"x".repeat(room)}",`)).join()}]`);
    expect(body.length).toBeGreaterThan(0.99 * MIB);
    expect(body.length).toBeLessThanOrEqual(MIB);
    await app.send("auth0-logs", body);
    expect(await app.rows()).toHaveLength(4000);
    expect(app.waiting).toHaveLength(1000);
    app.expectWithinLimits();
  });

  it.each<[string, NonNullable<StandInOptions["fault"]>, number]>([
    ["are recorded", () => undefined, 42],
    ["fail while recording", ({ phase }) => (phase === "record" ? "error_after_key" : undefined), 42],
    [
      "meet the rate limit at the last of them",
      ({ phase, customerExternalId }) =>
        phase === "record" && customerExternalId === "user_19" ? "rate_limited" : undefined,
      43,
    ],
  ])("the consumer with 20 leads that %s", async (_, fault, subrequests) => {
    const app = await openMeasured({ fault });
    for (let i = 0; i < 20; i++) await app.send("clerk", signUp(`user_${i}`));
    await app.pump();
    expect(app.dub.asked).toHaveLength(40);
    expect(app.most.subrequests).toBe(subrequests);
    app.expectWithinLimits();
  });

  it("the consumer with 20 leads whose answers were lost takes two batches", async () => {
    const app = await openMeasured({
      fault: () => (app.clock.now < START + MINUTE ? "reset_after" : undefined),
    });
    for (let i = 0; i < 20; i++) await app.send("clerk", signUp(`user_${i}`));
    await db.exec("UPDATE events SET doubt = 'unknown', doubt_since = received_at");
    await app.pump();
    app.clock.now += 2 * MINUTE;
    await app.pass(20 * MINUTE);
    expect((await app.rows()).map(({ status }) => status)).toEqual(Array(20).fill("delivered"));
    app.expectWithinLimits();
  });

  it("the consumer that sweeps first and then meets leads whose answers were lost", async () => {
    const app = await openMeasured();
    await app.send(
      "auth0-logs",
      logs((i) => log(i)),
    );
    await db.exec("UPDATE events SET queued_until = 0, doubt = 'unknown', doubt_since = received_at");
    for (let i = 0; i < 11; i++)
      await app.dub.app.request("/track/lead", {
        method: "POST",
        headers: { authorization: `Bearer ${app.env.DUB_API_KEY}` },
        body: JSON.stringify({ ...JSON.parse((await app.rows())[i]?.lead ?? ""), mode: "async" }),
      });
    const mine = app.waiting.splice(0, 11);
    app.waiting.length = 0;
    app.waiting.push({ body: '{"sweep":true}', due: 0, attempts: 1 }, ...mine);
    await app.pump();
    app.expectWithinLimits();
  });

  it("cron with 2,000 rows due and 2,000 past retention takes its share of both each minute", async () => {
    const app = await openMeasured();
    await put("due_", 2000, "pending", START, START);
    await put("old_", 2000, "skipped", START - 31 * DAY, null);
    const done = async () => {
      await app.worker.scheduled({}, app.env);
      const blank = await db.prepare("SELECT count(*) AS n FROM events WHERE payload IS NULL").first("n");
      return [app.waiting.length, blank];
    };
    expect([await done(), await done(), await done(), await done()]).toEqual([
      [600, 500],
      [1200, 1000],
      [1800, 1500],
      [2000, 2000],
    ]);
    expect(new Set(app.waiting.map(({ body }) => body)).size).toBe(2000);
    app.expectWithinLimits();
  });
});

it("retention blanks the oldest 500 a minute and takes their attempts, nothing else", async () => {
  const app = await createTestApp();
  await put("old_", 1100, "skipped", START - 31 * DAY, null);
  await put("waiting_", 10, "pending", START - 31 * DAY, START + HOUR);
  await put("fresh_", 10, "skipped", START - 29 * DAY, null);
  await db.exec("INSERT INTO attempts SELECT id, received_at, 'record', 200, reason, NULL, 1 FROM events");
  const blanked = async () => {
    await app.worker.scheduled({}, app.env);
    const { results } = await db
      .prepare(
        `SELECT id FROM events WHERE coalesce(event_id, payload, lead, detail, warnings) IS NULL
           AND id NOT IN (SELECT event FROM attempts) ORDER BY received_at`,
      )
      .all<{ id: string }>();
    expect(await app.attempts()).toHaveLength(1120 - results.length);
    return results.map(({ id }) => id);
  };
  const oldest = Array.from({ length: 1100 }, (_, i) => `old_${1099 - i}`);
  for (const count of [500, 1000, 1100, 1100]) expect(await blanked()).toEqual(oldest.slice(0, count));
});

it("a lead costs twelve rows written, a sign-up without a click id five", async () => {
  const app = await createTestApp();
  let written = 0;
  const { DB } = app.env;
  Object.assign(app.env, {
    DB: {
      prepare: (sql: string) => DB.prepare(sql),
      batch: async (statements: Parameters<typeof DB.batch>[0]) => {
        const results = await DB.batch(statements);
        written += results.reduce((sum, { meta }) => sum + meta.rows_written, 0);
        return results;
      },
    },
  });
  const costOf = async (user: string, clickId: string | null) => {
    written = 0;
    await app.send("clerk", signUp(user, clickId));
    await app.pump();
    return written;
  };
  await costOf("first", "First00000000001");
  await costOf("second", null);
  expect(await costOf("user_1", "Click00000000001")).toBe(12);
  expect(await costOf("user_2", null)).toBe(5);
});
