/** Hourly sums: what cron writes and `GET /api/hours` answers is what the events say, and reading it is bounded. */
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import type { Reason } from "../../src/states.ts";
import { statusOf } from "../../src/states.ts";
import { open, type TestApp, TOKEN } from "../support/admin.ts";
import { DAY, db, HOUR, MINUTE, START } from "../support/app.ts";

type Hours = {
  hours: { hour: string; provider: string; status: string; reason: Reason; events: number }[];
  summedUntil: string | null;
  complete: boolean;
};

async function hoursOf(app: TestApp, since?: number): Promise<Hours> {
  const query = since === undefined ? "" : `?since=${new Date(since).toISOString()}`;
  const response = await app.fetch(
    new Request(`https://leads.example/api/hours${query}`, { headers: { authorization: `Bearer ${TOKEN}` } }),
  );
  if (response.status !== 200) throw new Error(await response.text());
  return response.json<Hours>();
}

// Rows are put in and changed by hand here.
afterEach(async () => {
  await db.exec("DELETE FROM transitions");
});

type Put = { at: number; provider?: string; reason?: Reason };
let made = 0;
async function put(rows: Put[]): Promise<void> {
  const json = rows.map(({ at, provider = "clerk", reason = "no_click_id" }) => ({
    id: `event_${made++}`,
    at,
    provider,
    reason,
    status: statusOf(reason),
  }));
  await db
    .prepare(
      `INSERT INTO events (id, provider, event_id, status, reason, received_at)
       SELECT value->>'id', value->>'provider', 'msg', value->>'status', value->>'reason', value->>'at' FROM json_each(?1)`,
    )
    .bind(JSON.stringify(json))
    .run();
}

const change = (reason: Reason) =>
  db.prepare("UPDATE events SET reason = ?1, status = ?2").bind(reason, statusOf(reason)).run();
const cron = (app: TestApp) => app.worker.scheduled({}, app.env);
/** Lets cron run each `step`; nothing is delivered. */
async function crons(app: TestApp, time: number, step: number) {
  for (const end = app.clock.now + time; app.clock.now < end; ) {
    app.clock.now = Math.min(end, app.clock.now + step);
    await cron(app);
  }
}
const short = ({ hours }: Hours) =>
  hours.map(({ hour, reason, events }) => [hour.slice(0, 13), reason, events]);

describe("sums", () => {
  it("counts an hour once it has ended, and what came since then one by one", async () => {
    const app = await open();
    await crons(app, HOUR, MINUTE);
    await put([{ at: START }, { at: START + HOUR - 1 }, { at: START + HOUR }]);
    const expected = [
      ["2026-03-10T12", "no_click_id", 2],
      ["2026-03-10T13", "no_click_id", 1],
    ];
    expect(short(await hoursOf(app))).toEqual(expected);
    await crons(app, 10 * MINUTE, MINUTE);
    expect(await hoursOf(app)).toMatchObject({ summedUntil: "2026-03-10T13:00:00.000Z", complete: true });
    expect(short(await hoursOf(app))).toEqual(expected);
    expect(short(await hoursOf(app, START + HOUR))).toEqual(expected.slice(1));
  });

  it("sees what became of events one day and three days after", async () => {
    const app = await open();
    await crons(app, 40 * MINUTE, MINUTE);
    await put([{ at: START, reason: "rate_limited" }]);
    await crons(app, 2 * HOUR, HOUR);
    await change("dub_error");
    expect(short(await hoursOf(app))).toEqual([["2026-03-10T12", "rate_limited", 1]]);
    await crons(app, DAY, HOUR);
    expect(short(await hoursOf(app, START))).toEqual([["2026-03-10T12", "dub_error", 1]]);
    await change("retries_exhausted");
    await crons(app, DAY, HOUR);
    expect(short(await hoursOf(app, START))).toEqual([["2026-03-10T12", "dub_error", 1]]);
    await crons(app, DAY, HOUR);
    expect(short(await hoursOf(app, START))).toEqual([["2026-03-10T12", "retries_exhausted", 1]]);
  });

  it("after an update, sums the past thirty days a slice at a time", async () => {
    const app = await open();
    await put(Array.from({ length: 60 }, (_, i) => ({ at: START - i * (DAY / 2) })));
    await cron(app);
    expect((await hoursOf(app)).summedUntil).toBe("2026-02-09T13:00:00.000Z");
    await crons(app, 30 * MINUTE, MINUTE);
    expect((await hoursOf(app)).summedUntil).toBe("2026-03-10T12:00:00.000Z");
    const { hours } = await hoursOf(app, START - 40 * DAY);
    expect(hours.reduce((sum, { events }) => sum + events, 0)).toBe(60);
  });

  it("a slice ends where twenty thousand events are, but holds an hour", async () => {
    const app = await open();
    const rows = (hour: number, count: number) =>
      Array.from({ length: count }, () => ({ at: START + hour * HOUR }));
    await crons(app, 10 * MINUTE, MINUTE);
    await crons(app, 30 * MINUTE, MINUTE);
    app.clock.now = START + 10 * HOUR;
    await put([...rows(0, 21_000), ...rows(2, 15_000), ...rows(3, 6_000)]);
    const steps = [];
    for (let i = 0; i < 3; i++) {
      await crons(app, MINUTE, MINUTE);
      steps.push((await hoursOf(app)).summedUntil?.slice(11, 13));
    }
    // 22:01 to 22:03: the hour from 21:00 to 22:00 has only just ended.
    expect(steps).toEqual(["13", "15", "21"]);
    expect(await hoursOf(app)).toMatchObject({ complete: true });
  });

  it("catches up when cron has not run, and says what could not be counted until then", async () => {
    const app = await open();
    await crons(app, 40 * MINUTE, MINUTE);
    app.clock.now = START + 2 * DAY;
    await put(Array.from({ length: 10_001 }, (_, i) => ({ at: START + (i % 47) * HOUR })));
    expect(await hoursOf(app, START)).toMatchObject({ complete: false });
    await crons(app, 5 * MINUTE, MINUTE);
    const { hours, complete } = await hoursOf(app, START);
    expect([hours.reduce((sum, { events }) => sum + events, 0), complete]).toEqual([10_001, true]);
  });

  it("keeps what it has summed when retention blanks the events, however short it is", async () => {
    const app = await open({ settings: { RETENTION_DAYS: "1" } });
    await crons(app, 40 * MINUTE, MINUTE);
    await put([{ at: START, reason: "dub_error" }, { at: START + 5 * MINUTE }]);
    await crons(app, 12 * HOUR, HOUR);
    await db.exec(
      "UPDATE events SET status = 'failed', reason = 'retries_exhausted' WHERE status = 'pending'",
    );
    await crons(app, 4 * DAY, HOUR);
    expect((await app.rows()).map(({ event_id }) => event_id)).toEqual([null, null]);
    expect(short(await hoursOf(app, START))).toEqual([
      ["2026-03-10T12", "no_click_id", 1],
      ["2026-03-10T12", "retries_exhausted", 1],
    ]);
  });

  it("go after ninety days", async () => {
    const app = await open();
    await db.exec(
      `INSERT INTO hours (hour, provider, reason, events) VALUES (${START - 91 * DAY}, 'clerk', 'recorded', 1), (${START - 89 * DAY}, 'clerk', 'recorded', 1)`,
    );
    await crons(app, MINUTE, MINUTE);
    expect(await db.prepare("SELECT count(*) AS n FROM hours").first("n")).toBe(1);
  });

  it("say the same as a count of all events, whatever came when and however often cron ran", async () => {
    const reason = fc.constantFrom<Reason>(
      "new",
      "recorded",
      "no_click_id",
      "retries_exhausted",
      "duplicate_here",
    );
    const event = fc.record({
      ago: fc.integer({ min: 0, max: 5 * DAY }),
      provider: fc.constantFrom("clerk", "stripe"),
      reason,
    });
    const steps = fc.array(fc.constantFrom(MINUTE, 20 * MINUTE, HOUR, 7 * HOUR, 2 * DAY), {
      minLength: 1,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { maxLength: 60 }),
        fc.array(event, { maxLength: 20 }),
        steps,
        async (old, fresh, waits) => {
          const app = await open();
          const rows = (events: typeof old) =>
            events.map(({ ago, ...rest }) => ({ at: app.clock.now - ago, ...rest }));
          await put(rows(old));
          await crons(app, 31 * MINUTE, MINUTE);
          for (const [i, wait] of waits.entries()) {
            app.clock.now += wait;
            await put(
              rows(
                fresh
                  .filter((_, j) => j % waits.length === i)
                  .map((one) => ({ ...one, ago: one.ago % wait })),
              ),
            );
            await cron(app);
          }
          const since = START - 6 * DAY;
          const { results } = await db
            .prepare(
              `SELECT received_at - received_at % ${HOUR} AS at, provider, reason, status, count(*) AS events FROM events GROUP BY 1, 2, 3`,
            )
            .all<{ at: number; provider: string; reason: Reason; status: string; events: number }>();
          const key = (one: object) => JSON.stringify(one);
          const direct = results.map(({ at, ...rest }) => key({ hour: new Date(at).toISOString(), ...rest }));
          const { hours } = await hoursOf(app, since);
          expect(
            hours
              .map(({ hour, provider, reason, status, events }) =>
                key({ hour, provider, reason, status, events }),
              )
              .sort(),
          ).toEqual(direct.sort());
        },
      ),
      { numRuns: 25 },
    );
  });
});
