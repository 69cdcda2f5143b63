/** Marks: times that all isolates share, and a number with some of them. */
import type { D1Database, D1PreparedStatement } from "@cloudflare/workers-types";

/**
 * cron: the last run of the cron trigger. accepted: Dub last accepted a lead (written once a minute at most).
 * rate_limit: the calls a minute that Dub last named. ended, unknown_click: leads that ended in the hour since `at`,
 * and those of them whose click Dub does not know; counted from the first such lead on.
 */
export type MarkName = "cron" | "accepted" | "rate_limit" | "ended" | "unknown_click";
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

const ADD = `
INSERT INTO marks (name, at, value) VALUES (?1, ?2, ?3)
ON CONFLICT (name) DO UPDATE SET value = iif(at > ?4, value, 0) + excluded.value, at = iif(at > ?4, at, excluded.at)`;

/** The statement that adds to a mark's number, which starts anew when the mark is as old as `since`. */
export function addToMark(
  db: D1Database,
  name: MarkName,
  now: number,
  value: number,
  since: number,
): D1PreparedStatement {
  return db.prepare(ADD).bind(name, now, value, since);
}
