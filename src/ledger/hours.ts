/** Sums of events by the hour, written by cron, so that a month is counted without reading its events. */
import type { D1Database } from "@cloudflare/workers-types";
import type { Reason } from "../states.ts";
import { DAY, HOUR, MINUTE } from "../time.ts";
import { setMark } from "./marks.ts";

/**
 * Events of one provider and reason, received in one span of time that begins `at` (milliseconds). `byMemory`: those of
 * them whose click was told to the Worker.
 */
export type Count = { at: number; provider: string; reason: Reason; events: number; byMemory: number };

/** `summedUntil`: later events were counted one by one; null: all were. `complete`: whether all could be counted. */
export type Counts = { counts: Count[]; summedUntil: number | null; complete: boolean };

/** An hour is summed this long after its end: its last events may still be on their way into the ledger. */
const SETTLED = 5 * MINUTE;
/** It is summed again at these ages, since retries end late. */
const AGES = [DAY, 3 * DAY];
/** The first run looks so far back, and one after a long stop. */
const HISTORY = 30 * DAY;
/** Sums are kept for so long. */
const KEEP = 90 * DAY;
/** Retention needs so long at most until it blanks an event, and blanked ones can't be found by their time. */
const RETENTION_MARGIN = 3 * HOUR;
/** Events and time that one run sums at most, but always an hour. */
const SLICE_EVENTS = 20_000;
const SLICE_TIME = DAY;
/** Events of the hours that are not summed yet: so many are counted, the newest. */
const MAX_COUNTED = 10_000;

const hourOf = (at: number) => at - (at % HOUR);

const CURSOR = "SELECT at, value AS begun FROM marks WHERE name = 'hours'";
const SLICE_END = `
SELECT received_at AS at FROM events WHERE event_id IS NOT NULL AND received_at >= ?1 AND received_at < ?2
ORDER BY received_at LIMIT 1 OFFSET ${SLICE_EVENTS}`;
const CLEAR = "DELETE FROM hours WHERE hour >= ?1 AND hour < ?2";
const SUM = `
INSERT INTO hours (hour, provider, reason, events, by_memory)
SELECT received_at - received_at % ${HOUR}, provider, reason, count(*), sum(click_by IS NOT NULL) FROM events
WHERE event_id IS NOT NULL AND received_at >= ?1 AND received_at < ?2 GROUP BY 1, 2, 3`;

/**
 * Sums the hours that have ended since the last run, a slice at a time, and once more those that are older by each of
 * AGES. The mark `hours` says how far it has come and, as its value, where the first run stood: what is older was summed
 * late enough. `keptFor`: retention blanks no event that is younger (milliseconds).
 */
export async function sumHours(db: D1Database, now: number, keptFor: number): Promise<void> {
  const end = hourOf(now - SETTLED);
  const cursor = await db.prepare(CURSOR).first<{ at: number; begun: number }>();
  const oldest = hourOf(now - Math.min(HISTORY, keptFor)) + HOUR;
  const from = Math.max(cursor?.at ?? 0, oldest);
  if (from >= end) return;
  const begun = cursor?.begun ?? end;
  const full = (await db.prepare(SLICE_END).bind(from, end).first<number>("at")) ?? end;
  const to = Math.min(end, from + SLICE_TIME, Math.max(hourOf(full), from + HOUR));
  const again = from < begun ? [] : AGES.map((age) => Math.min(age, keptFor - RETENTION_MARGIN));
  const spans = [0, ...again]
    .map((age) => [Math.max(from - age, oldest), to - age] as const)
    .filter(([first, last]) => first < last);
  await db.batch([
    ...spans.flatMap((span) => [CLEAR, SUM].map((sql) => db.prepare(sql).bind(...span))),
    db.prepare("DELETE FROM hours WHERE hour < ?1").bind(now - KEEP),
    setMark(db, "hours", to, begun),
  ]);
}

const READ = `
SELECT hour - hour % ?2 AS at, provider, reason, sum(events) AS events, sum(by_memory) AS byMemory FROM hours
WHERE hour >= ?1 AND hour < coalesce((SELECT at FROM marks WHERE name = 'hours'), 0) GROUP BY 1, 2, 3`;
const COUNT = `
SELECT received_at - received_at % ?2 AS at, provider, reason, count(*) AS events, sum(click_by IS NOT NULL) AS byMemory FROM (
  SELECT received_at, provider, reason, click_by FROM events
  WHERE event_id IS NOT NULL AND received_at >= max(?1, coalesce((SELECT at FROM marks WHERE name = 'hours'), 0))
  ORDER BY received_at DESC LIMIT ${MAX_COUNTED})
GROUP BY 1, 2, 3`;

/** The sums of hours since a full hour, in spans of `step`: without the events that cron has not summed yet. */
export async function readSums(db: D1Database, since: number, step: number): Promise<Count[]> {
  const { results } = await db.prepare(READ).bind(since, step).all<Count>();
  return results;
}

/** Counts the events received since a full hour, in spans of `step` (an hour or a day of UTC), oldest first. */
export async function countHours(db: D1Database, since: number, step: number): Promise<Counts> {
  const results = await db.batch([
    db.prepare(CURSOR),
    db.prepare(READ).bind(since, step),
    db.prepare(COUNT).bind(since, step),
  ]);
  const [[cursor], summed, live] = results.map(({ results: rows }) => rows) as unknown as [
    [{ at: number }?],
    Count[],
    Count[],
  ];
  const counts = new Map<string, Count>();
  for (const one of [...summed, ...live]) {
    const key = `${one.at} ${one.provider} ${one.reason}`;
    const { events = 0, byMemory = 0 } = counts.get(key) ?? {};
    counts.set(key, { ...one, events: one.events + events, byMemory: one.byMemory + byMemory });
  }
  return {
    counts: [...counts.values()].sort((a, b) => a.at - b.at),
    summedUntil: cursor?.at ?? null,
    complete: live.reduce((sum, { events }) => sum + events, 0) < MAX_COUNTED,
  };
}
