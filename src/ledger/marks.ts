/** Marks: times that all isolates share, and a number with some of them. */
import type { D1Database, D1PreparedStatement } from "@cloudflare/workers-types";

/**
 * cron: the last run of the cron trigger. accepted: Dub last accepted a lead (written once a minute at most).
 * queue_down: the queue refused the messages of the last sweep. rate_limit: the calls a minute that Dub last named.
 * unknown_click: leads in the hour since `at` that ended because Dub does not know their click. hours: events that came
 * before it are summed (src/ledger/hours.ts). list_refused: Dub did not list its leads to the key; the value says why
 * (src/ledger/days.ts).
 */
export type MarkName =
  | "cron"
  | "accepted"
  | "queue_down"
  | "rate_limit"
  | "unknown_click"
  | "hours"
  | "list_refused";
export type Mark = { at: number; value: number | null };
export type Marks = Partial<Record<MarkName, Mark>>;

/** The statement that reads all marks; `marksOf` makes them of its rows. */
export const readMarks = (db: D1Database) => db.prepare("SELECT name, at, value FROM marks");

export function marksOf(rows: unknown[]): Marks {
  return Object.fromEntries((rows as (Mark & { name: MarkName })[]).map(({ name, ...mark }) => [name, mark]));
}

const SET = `
INSERT INTO marks (name, at, value) VALUES (?1, ?2, ?3)
ON CONFLICT (name) DO UPDATE SET at = excluded.at, value = excluded.value`;

/** The statement that sets a mark. */
export function setMark(
  db: D1Database,
  name: MarkName,
  at: number,
  value: number | null = null,
): D1PreparedStatement {
  return db.prepare(SET).bind(name, at, value);
}

const COUNT = `
INSERT INTO marks (name, at, value) VALUES ('unknown_click', ?1, ?2)
ON CONFLICT (name) DO UPDATE SET value = iif(at > ?3, value, 0) + excluded.value, at = iif(at > ?3, at, excluded.at)
RETURNING value, (SELECT count(*) FROM (SELECT delivered_at FROM events ORDER BY rowid DESC LIMIT 500) WHERE delivered_at > ?3) AS delivered`;

/**
 * Counts leads that ended because Dub does not know their click. Answers how many there are in an hour that began after
 * `since`, and how many of the last 500 events were delivered after it.
 */
export async function countUnknownClicks(
  db: D1Database,
  now: number,
  count: number,
  since: number,
): Promise<{ unknown: number; delivered: number }> {
  const row = await db.prepare(COUNT).bind(now, count, since).first<{ value: number; delivered: number }>();
  return { unknown: row?.value ?? count, delivered: row?.delivered ?? 0 };
}
