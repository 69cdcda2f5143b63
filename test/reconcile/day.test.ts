/** A day that is compared with Dub's list: every planted difference is found, and nothing else; nothing is recorded by it. */
import { describe, expect, it } from "vitest";
import { HOLDS_KEY } from "../../src/ledger/sql.ts";
import { createTestApp, DAY, db, HOUR, MINUTE, START, type TestAppOptions } from "../support/app.ts";
import { countRows, scansOf } from "../support/rows.ts";
import { plant, put } from "./planted.ts";

const TODAY = START - (START % DAY);
const YESTERDAY = TODAY - DAY;

async function open(leads: number, seed = 1, options: TestAppOptions = {}) {
  const app = await createTestApp(options);
  app.clock.now = TODAY + 6 * HOUR;
  const planted = plant(leads, YESTERDAY, seed);
  await put(db, app.dub, planted);
  // The rows are planted, not made by the Worker.
  await db.exec("DELETE FROM transitions");
  const day = (at = YESTERDAY) =>
    db.prepare("SELECT * FROM days WHERE day = ?1").bind(at).first<Record<string, number>>();
  /** Runs cron until the day is done; answers the minutes that it took. */
  const run = async (at = YESTERDAY): Promise<number> => {
    for (let minute = 1; minute < 500; minute++) {
      await app.worker.scheduled({}, app.env);
      app.clock.now += MINUTE;
      if ((await day(at))?.done_at) return minute;
    }
    throw new Error("the day is never done");
  };
  const of = async (where: string) =>
    (await db.prepare(`SELECT customer_id FROM events WHERE ${where}`).all<{ customer_id: string }>()).results
      .map(({ customer_id }) => customer_id)
      .sort();
  return { ...app, planted, day, run, of };
}

describe("a day of 2,000 leads", () => {
  it.each([1, 2])("every planted difference is found, and no other (seed %i)", async (seed) => {
    const app = await open(2000, seed);
    const { by, recorded } = app.planted;
    const minutes = await app.run();
    expect(app.dub.calls).toEqual([]);
    expect(await app.of("reason = 'missing_at_dub'")).toEqual(by.lost.toSorted());
    expect(await app.of("at_dub = 'link_deleted'")).toEqual(by.linkDeleted.toSorted());
    expect(await app.of("at_dub = 'customer_deleted'")).toEqual(by.customerDeleted.toSorted());
    expect(await app.of("dub_click IS NOT NULL AND click_id IS NOT NULL")).toEqual(by.otherClick.toSorted());
    const stuck = JSON.stringify([...by.stuck, ...by.lostAnswer]);
    const settled = `customer_id IN (SELECT value FROM json_each('${stuck}'))`;
    expect(await app.of(`reason = 'recorded' AND doubt IS NULL AND delivered_at > 0 AND ${settled}`)).toEqual(
      [...by.stuck, ...by.lostAnswer].sort(),
    );
    expect(await app.of("reason = 'duplicate_at_dub'")).toEqual(by.skipped.toSorted());
    expect(
      await app.of(`reason = 'duplicate_at_dub' AND ${HOLDS_KEY("events")} AND lead_key IS NULL`),
    ).toEqual([]);
    const day = await app.day();
    const span = recorded.filter(({ at }) => at < TODAY).reduce((sum, { quantity }) => sum + quantity, 0);
    const lost = by.lost.length;
    expect(day).toMatchObject({
      listed: span - by.linkDeleted.length,
      settled: by.stuck.length + by.lostAnswer.length,
      elsewhere: by.skipped.length,
      missing: lost,
      link_deleted: by.linkDeleted.length,
      customer_deleted: by.customerDeleted.length,
      unclear: 0,
      other_click: by.otherClick.length,
      twice: JSON.stringify({ "New customer": by.twice.length }),
      others: JSON.stringify({ "Sign Up": by.elsewhere.length }),
    });
    expect(day?.delivered).toBe(
      (day?.present ?? 0) + lost + by.linkDeleted.length + by.customerDeleted.length,
    );
    const delivered = "delivered_at >= ?1 - 300000 AND delivered_at < ?1 + 86100000";
    expect(
      await db.prepare(`SELECT count(*) AS n FROM events WHERE ${delivered}`).bind(YESTERDAY).first("n"),
    ).toBe((day?.delivered ?? 0) - lost);
    const pages = Math.ceil(span / 500);
    const calls = (path: string) => app.dub.lists.filter((one) => one === path).length;
    const asked = calls("/customers");
    expect(calls("/analytics")).toBe(1);
    expect(calls("/events")).toBeLessThanOrEqual(pages + asked);
    expect(minutes).toBeLessThanOrEqual(pages + Math.ceil(asked / 8) + 4);

    app.clock.now = TODAY + DAY + 6 * HOUR;
    await app.run(TODAY);
    const next = await app.day(TODAY);
    expect(next).toMatchObject({ missing: 0, unclear: 0, delivered: next?.present, twice: "{}" });
    expect(next?.delivered).toBeGreaterThan(0);
    expect(app.dub.calls).toEqual([]);
  });

  it("no query reads a whole table, and about one row is written for each lead", async () => {
    const app = await open(1000);
    const counted = countRows();
    Object.assign(app.env, { DB: counted.db });
    await app.run();
    const scans = await Promise.all([...new Set(counted.queries)].map(scansOf));
    // That index holds pending events alone; the first one will do.
    expect(scans.flat().filter((one) => !one.includes("events_due"))).toEqual([]);
    expect(counted.written).toBeLessThan(1300);
    expect(counted.read).toBeLessThan(100_000);
  });

  it("runs that overlap, and runs that end between any two writes, change nothing in the result", async () => {
    const calm = await open(1000);
    await calm.run();
    const result = async (of: typeof calm) => {
      const { done_at: _, ...day } = (await of.day()) ?? {};
      const rows = await db
        .prepare("SELECT id, reason, at_dub, dub_click, doubt, lead_key FROM events ORDER BY id")
        .all();
      return [day, rows.results];
    };
    const expected = await result(calm);
    const wild = await open(1000, 1, {});
    let writes = 0;
    const dying = new Proxy(wild.env.DB, {
      get(target, key) {
        const value = Reflect.get(target, key);
        if (typeof value !== "function") return value;
        if (key !== "batch") return value.bind(target);
        return async (...args: unknown[]) => {
          if (writes++ % 3 === 0) throw new Error("stopped before the write");
          const done = await value.apply(target, args);
          if (writes % 3 === 0) throw new Error("stopped after the write");
          return done;
        };
      },
    });
    for (let i = 0; i < 300 && !(await wild.day())?.done_at; i++) {
      await Promise.all([
        wild.worker.scheduled({}, { ...wild.env, DB: dying }),
        wild.worker.scheduled({}, wild.env),
      ]);
      wild.clock.now += MINUTE;
    }
    expect(await result(wild)).toEqual(expected);
    expect(wild.dub.calls).toEqual([]);
  });
});
