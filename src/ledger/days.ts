/** Days that are compared with Dub's list, and how far that has come. */
import type { D1Database, D1PreparedStatement } from "@cloudflare/workers-types";
import type { Lead } from "../lead.ts";
import { DAY, MINUTE } from "../time.ts";
import { type Mark, setMark } from "./marks.ts";
import { IN_FORCE, PROBING } from "./pauses.ts";

/** A day of UTC. `day`: its beginning. The columns: migration 0013. Times in milliseconds. */
export type Day = {
  day: number;
  pages: number | null;
  page: number;
  listed: number;
  settled: number;
  elsewhere: number;
  others: string;
  twice: string;
  delivered: number | null;
  present: number;
  missing: number;
  linkDeleted: number;
  customerDeleted: number;
  unclear: number;
  otherClick: number;
  doneAt: number | null;
};

const COLUMNS = `day, pages, page, listed, settled, elsewhere, others, twice, delivered, present, missing,
  link_deleted AS linkDeleted, customer_deleted AS customerDeleted, unclear, other_click AS otherClick, done_at AS doneAt`;

/** What is to be done: the day that is compared, the newest one, whether deliveries pause, and why Dub last refused its list. */
export type Work = { open: Day | null; newest: number | null; paused: boolean; refused: Mark | null };

/** Reads it. `fingerprint`: of the settings in use. */
export async function readWork(db: D1Database, now: number, fingerprint: string): Promise<Work> {
  const results = await db.batch([
    db.prepare(`SELECT ${COLUMNS} FROM days WHERE done_at IS NULL ORDER BY day LIMIT 1`),
    db
      .prepare(
        `SELECT (SELECT max(day) FROM days) AS newest,
           EXISTS (SELECT 1 FROM pauses WHERE ${IN_FORCE("?1", "?2")}) OR EXISTS (SELECT 1 FROM marks WHERE name = 'queue_down')
             OR (${PROBING} AND EXISTS (SELECT 1 FROM events WHERE status = 'pending' AND next_attempt_at > 0)) AS paused`,
      )
      .bind(now, fingerprint),
    db.prepare("SELECT at, value FROM marks WHERE name = 'list_refused'"),
  ]);
  const [[open = null], [state], [refused = null]] = results.map(({ results: rows }) => rows) as [
    [Day?],
    [{ newest: number | null; paused: number }],
    [Mark?],
  ];
  return { open, newest: state.newest, paused: state.paused === 1, refused };
}

/** Begins a day; nothing if it was begun before. */
export async function beginDay(db: D1Database, day: number): Promise<void> {
  await db.prepare("INSERT OR IGNORE INTO days (day) VALUES (?1)").bind(day).run();
}

/** Notes how many pages Dub's list of a day has; Dub does list to the key. */
export async function setPages(db: D1Database, day: number, pages: number): Promise<void> {
  await db.batch([
    db.prepare("UPDATE days SET pages = ?2 WHERE day = ?1 AND pages IS NULL").bind(day, pages),
    listingWorks(db),
  ]);
}

/** The statement that notes that Dub lists its leads to the key. */
export const listingWorks = (db: D1Database) => db.prepare("DELETE FROM marks WHERE name = 'list_refused'");

/** Notes that Dub did not list its leads to the key, and why, as a number of the caller. */
export async function noteRefused(db: D1Database, now: number, why: number): Promise<void> {
  await setMark(db, "list_refused", now, why).run();
}

/** What a page has added to a day. `others` and `twice`: the whole counts, with those of earlier pages. */
export type PageRead = {
  pages: number;
  listed: number;
  settled: number;
  elsewhere: number;
  others: Record<string, number>;
  twice: Record<string, number>;
};

/** The statement that counts a page after `page` others: once, whoever has read it. */
export function countPage(
  db: D1Database,
  { day, page }: Pick<Day, "day" | "page">,
  read: PageRead,
): D1PreparedStatement {
  return db
    .prepare(
      `UPDATE days SET page = page + 1, pages = max(pages, ?3), listed = listed + ?4, settled = settled + ?5,
         elsewhere = elsewhere + ?6, others = ?7, twice = ?8 WHERE day = ?1 AND page = ?2`,
    )
    .bind(
      day,
      page,
      read.pages,
      read.listed,
      read.settled,
      read.elsewhere,
      JSON.stringify(read.others),
      JSON.stringify(read.twice),
    );
}

/** Dub dates a lead some time after our clock at the earliest: those of the last minutes of a day may be on the next list. */
const MIDNIGHT = 5 * MINUTE;

/** SQL: whether a row is a lead delivered on the day ?1, of which Dub must have one by its key. */
const DELIVERED = `delivered_at >= ?1 - ${MIDNIGHT} AND delivered_at < ?1 + ${DAY - MIDNIGHT}
  AND reason IN ('recorded', 'recorded_unconfirmed') AND lead_key IS NOT NULL`;
const OPEN = `at_dub IS NULL AND reason IN ('recorded', 'recorded_unconfirmed')`;

/** What is blanked can't be asked for. Late: a webhook may have told of the lead, or an earlier list. */
const BLANKED = `
UPDATE events SET at_dub = 'unclear', at_dub_since = ?2
WHERE id IN (SELECT id FROM events WHERE ${DELIVERED} AND at_dub IS NULL AND lead IS NULL)`;
const COMPARE = `
UPDATE days SET delivered = sums.delivered, present = sums.present, unclear = sums.unclear
FROM (SELECT count(*) AS delivered, coalesce(sum(at_dub = 'listed'), 0) AS present, coalesce(sum(at_dub = 'unclear'), 0) AS unclear
      FROM events WHERE ${DELIVERED}) sums
WHERE day = ?1 AND days.delivered IS NULL AND page >= pages
RETURNING days.delivered, days.present, days.unclear`;

/** Counts what was delivered on a day and what of it is at Dub, once all pages are read; null if that was done before. */
export async function compareDay(
  db: D1Database,
  day: number,
  now: number,
): Promise<{ delivered: number; present: number; unclear: number } | null> {
  const results = await db.batch<{ delivered: number; present: number; unclear: number }>([
    db.prepare(BLANKED).bind(day, now),
    db.prepare(COMPARE).bind(day),
  ]);
  return results[1]?.results[0] ?? null;
}

/** A delivered lead that no list has. `link` is JSON. */
export type Unlisted = { id: string; lead: Lead; link: string | null; deliveredAt: number };

const UNLISTED = `
SELECT id, lead, link, delivered_at AS deliveredAt FROM events WHERE ${DELIVERED} AND at_dub IS NULL AND lead IS NOT NULL
ORDER BY delivered_at LIMIT ?2`;

/** Up to `limit` leads of a day that are to be asked for one by one. */
export async function findUnlisted(db: D1Database, day: number, limit: number): Promise<Unlisted[]> {
  const { results } = await db
    .prepare(UNLISTED)
    .bind(day, limit)
    .all<Omit<Unlisted, "lead"> & { lead: string }>();
  return results.map((row) => ({ ...row, lead: JSON.parse(row.lead) as Lead }));
}

/** What Dub has of one lead that was asked for. */
export type Asked = {
  id: string;
  found: "listed" | "link_deleted" | "customer_deleted" | "unclear" | "missing";
  clickId: string | null;
};

const COUNT_OF = (found: Asked["found"]) =>
  `(SELECT count(*) FROM json_each(?2) a JOIN events ON events.id = a.value->>'id' WHERE a.value->>'found' = '${found}' AND ${OPEN})`;
const COUNT_ASKED = `
UPDATE days SET present = present + ${COUNT_OF("listed")}, missing = missing + ${COUNT_OF("missing")},
  link_deleted = link_deleted + ${COUNT_OF("link_deleted")}, customer_deleted = customer_deleted + ${COUNT_OF("customer_deleted")},
  unclear = unclear + ${COUNT_OF("unclear")}
WHERE day = ?1`;
const NOTE_ASKED = `
UPDATE events SET at_dub = a.value->>'found', at_dub_since = ?2,
  dub_click = nullif(a.value->>'clickId', coalesce(click_id, ''))
FROM json_each(?1) a WHERE events.id = a.value->>'id' AND a.value->>'found' <> 'missing' AND ${OPEN}`;
const CONFIRM = `
UPDATE events SET reason = 'recorded', detail = NULL, doubt = NULL, doubt_since = NULL
FROM json_each(?1) a WHERE events.id = a.value->>'id' AND a.value->>'found' = 'listed' AND reason = 'recorded_unconfirmed'`;
/** The lead stays in doubt and keeps its key, so that only a look before it is recorded again can follow. */
const MISS = `
UPDATE events SET status = 'failed', reason = 'missing_at_dub', detail = NULL, doubt = 'unknown',
  doubt_since = coalesce(doubt_since, received_at), delivered_at = NULL
FROM json_each(?1) a WHERE events.id = a.value->>'id' AND a.value->>'found' = 'missing' AND ${OPEN}`;

/** Writes what was found, and counts each lead once, whoever has asked. */
export async function noteAsked(db: D1Database, day: number, asked: Asked[], now: number): Promise<void> {
  if (asked.length === 0) return;
  const rows = JSON.stringify(asked);
  await db.batch([
    db.prepare(COUNT_ASKED).bind(day, rows),
    db.prepare(NOTE_ASKED).bind(rows, now),
    db.prepare(CONFIRM).bind(rows),
    db.prepare(MISS).bind(rows),
  ]);
}

const OTHER_CLICKS = `SELECT count(*) AS n FROM events WHERE ${DELIVERED} AND dub_click IS NOT NULL AND click_id IS NOT NULL`;
const FINISH = `UPDATE days SET done_at = ?2, other_click = (${OTHER_CLICKS}) WHERE day = ?1`;

/** How many leads of a day Dub credits to another click than the lead's. */
export async function countOtherClicks(db: D1Database, day: number): Promise<number> {
  return (await db.prepare(OTHER_CLICKS).bind(day).first<number>("n")) ?? 0;
}

/** Marks a day as compared. */
export async function finishDay(db: D1Database, day: number, now: number): Promise<void> {
  await db.prepare(FINISH).bind(day, now).run();
}

/** One day; null if it was not begun. */
export function readDay(db: D1Database, day: number): Promise<Day | null> {
  return db.prepare(`SELECT ${COLUMNS} FROM days WHERE day = ?1`).bind(day).first<Day>();
}

/** A delivered lead of a day for which Dub says something else. */
export type DifferentEvent = { id: string; atDub: string | null; dubClick: string | null };

/** Up to `limit` of them; those that are missing have another reason, and are not among them. */
export async function findDifferent(db: D1Database, day: number, limit: number): Promise<DifferentEvent[]> {
  const { results } = await db
    .prepare(
      `SELECT id, at_dub AS atDub, dub_click AS dubClick FROM events
       WHERE ${DELIVERED} AND (at_dub IS NOT 'listed' OR (dub_click IS NOT NULL AND click_id IS NOT NULL)) ORDER BY delivered_at LIMIT ?2`,
    )
    .bind(day, limit)
    .all<DifferentEvent>();
  return results;
}

/** The newest days, newest first. */
export async function readDays(db: D1Database, limit: number): Promise<Day[]> {
  return (await db.prepare(`SELECT ${COLUMNS} FROM days ORDER BY day DESC LIMIT ?1`).bind(limit).all<Day>())
    .results;
}
