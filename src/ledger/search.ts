/** Reading kept events: by what a person is known by, by filters, newest first, and one event whole. */
import type { D1Database } from "@cloudflare/workers-types";
import { hash } from "../hash.ts";
import { type Doubt, REASONS, type Reason, type Status, statusOf } from "../states.ts";
import { DAY } from "../time.ts";
import type { Filter } from "./replay.ts";
import { COMMON, HOLDS_KEY, RARE } from "./sql.ts";

/**
 * Which events. `find`: an e-mail address, a customer id, a click id, an event id of a provider or of ours, exact but
 * for the case of an e-mail address. `related`: also the other events of the customers and e-mail addresses found.
 * `before`: `rowid` of the last event of the page before.
 */
export type Search = Filter & {
  type?: string;
  find?: string;
  related?: boolean;
  before?: number;
  limit: number;
};

/** An event in short. `lead`, `warnings` and `link` are JSON; times in milliseconds since 1970. */
export type FoundRow = {
  rowid: number;
  id: string;
  provider: string;
  eventId: string | null;
  type: string | null;
  status: Status;
  reason: Reason;
  detail: string | null;
  warnings: string | null;
  lead: string | null;
  link: string | null;
  receivedAt: number;
  replayedAt: number | null;
  nextAttemptAt: number | null;
  deliveredAt: number | null;
  tries: number;
};

/** An event whole. `payload` is JSON. `retries`: steps of the retry schedule used. `claims`: deliveries begun and not settled. */
export type WholeRow = FoundRow & {
  payload: string | null;
  doubt: Doubt;
  doubtSince: number | null;
  leaseUntil: number;
  deliveredBy: string | null;
  /** What Dub's list or webhook says of the lead; null: not learned yet. `dubClick`: if it is not the lead's own. */
  atDub: "listed" | "link_deleted" | "customer_deleted" | "unclear" | null;
  atDubSince: number | null;
  dubClick: string | null;
  clickedAt: number | null;
  retries: number;
  claims: number;
};

/** One delivery attempt. `httpStatus`: null for no answer. */
export type AttemptRow = {
  at: number;
  phase: "register" | "record";
  httpStatus: number | null;
  reason: Reason;
  message: string | null;
  milliseconds: number;
};

const SHORT = `rowid, id, provider, event_id AS eventId, type, status, reason, detail, warnings, lead, link,
  received_at AS receivedAt, replayed_at AS replayedAt, next_attempt_at AS nextAttemptAt, delivered_at AS deliveredAt, tries`;
const WHOLE = `${SHORT}, payload, doubt, doubt_since AS doubtSince, lease_until AS leaseUntil, delivered_by AS deliveredBy, retries, claims,
  at_dub AS atDub, at_dub_since AS atDubSince, dub_click AS dubClick, clicked_at AS clickedAt`;
/** Attempts of one event that are read: the newest. */
const MAX_ATTEMPTS = 1000;

/** Events of one click or person that one page looks at, the newest; and customers, and e-mail addresses, of one click. */
const MAX_HITS = 500;
const MAX_PERSONS = 20;

/** SQL: numbers of the newest rows below another one. */
const newest = (where: string, below: string) =>
  `SELECT n FROM (SELECT rowid AS n FROM events WHERE ${where} AND rowid < ${below} ORDER BY rowid DESC LIMIT ${MAX_HITS})`;
/** SQL: numbers of the rows that a text finds; each part uses an index of its own. */
const hits = (below: string) => `
SELECT rowid AS n FROM events WHERE id IN (SELECT value FROM json_each(?1)) AND rowid < ${below}
UNION ${newest("customer_id = ?2", below)}
UNION ${newest("email = lower(?2)", below)}
UNION ${newest("click_id = ?2", below)}`;
const HITS = hits("?4");
/** SQL: the numbers of the rows of those whom `found` names in a column. */
const of = (column: string) => `
SELECT numbers.value FROM (SELECT DISTINCT ${column} AS one FROM found WHERE ${column} IS NOT NULL LIMIT ${MAX_PERSONS}) p
CROSS JOIN json_each((SELECT json_group_array(n) FROM (${newest(`${column} = p.one`, "?4")}))) numbers`;
const RELATED = `
WITH found AS MATERIALIZED (SELECT customer_id, email FROM events WHERE rowid IN (${hits(`${Number.MAX_SAFE_INTEGER}`)}))
SELECT n FROM (${HITS}) UNION ${of("customer_id")} UNION ${of("email")}`;

const PAGE = (rows: string) => `
SELECT ${SHORT} FROM events
WHERE rowid >= ?3 AND rowid < ?4 AND received_at >= ?5 AND received_at < ?6 AND (?7 IS NULL OR provider = ?7)
  AND (?8 IS NULL OR type = ?8) AND (?9 IS NULL OR reason IN (SELECT value FROM json_each(?9))) AND ${rows}
ORDER BY rowid DESC LIMIT ?10`;

/** Rows, and the number below which the next page begins; null after the last. */
export type Page = { rows: FoundRow[]; next: number | null };

/**
 * Up to `limit` events, newest first, of the part of the ledger that one page looks at: a page may have fewer, or none,
 * and still a next one. `providers`: those whose event ids the text may be.
 */
export async function search(db: D1Database, search: Search, providers: string[]): Promise<Page> {
  const { find, related = false, before = Number.MAX_SAFE_INTEGER, limit } = search;
  const { provider = null, type = null, since = 0, until = Number.MAX_SAFE_INTEGER } = search;
  const reasons = reasonsOf(search);
  const page = async (rows: string, given: [string, string | null], low: number, high: number) => {
    const { results } = await db
      .prepare(PAGE(rows))
      .bind(...given, low, high, since, until, provider, type, reasons && JSON.stringify(reasons), limit)
      .all<FoundRow>();
    return results;
  };

  if (find !== undefined) {
    const ids = [find, ...(await Promise.all(providers.map((name) => hash(name, find))))];
    const rows = await page(`rowid IN (${related ? RELATED : HITS})`, [JSON.stringify(ids), find], 0, before);
    return { rows, next: rows.length === limit ? (rows.at(-1)?.rowid ?? null) : null };
  }
  const { low, high } = await numbersOf(db, since, until, before);
  const rare = reasons && (await rareCandidates(db, reasons, low, high));
  const looked = rare ? (rare.length < MAX_RARE ? low : (rare.at(-1) ?? low)) : Math.max(low, high - WINDOW);
  const rows = rare
    ? await page(
        "rowid IN (SELECT value FROM json_each(?1)) AND ?2 IS NULL",
        [JSON.stringify(rare), null],
        looked,
        high,
      )
    : await page("?1 = '' AND ?2 IS NULL", ["", null], looked, high);
  return { rows, next: rows.length === limit ? (rows.at(-1)?.rowid ?? null) : looked > low ? looked : null };
}

/** The reasons that are asked for, by name or by status; null for all. */
function reasonsOf({ status, reason }: Filter): Reason[] | null {
  if (status === undefined) return reason ?? null;
  const all = reason ?? (Object.keys(REASONS) as Reason[]);
  return all.filter((one) => status.includes(statusOf(one)));
}

/** How much later than it came an event may be inserted: it may have waited in the queue while the ledger failed. */
const LATE = DAY;
/** A replay splits a webhook into new rows that came long ago: at most so many beside each other. */
const SPLIT = 1_000;

const BOUNDS = `
SELECT coalesce(max(rowid), 0) + 1 AS top,
  (SELECT rowid FROM events WHERE event_id IS NOT NULL AND received_at >= ?1 ORDER BY received_at LIMIT 1) AS above,
  (SELECT iif(count(*) = ${SPLIT}, min(n), NULL) FROM (SELECT rowid AS n FROM events WHERE event_id IS NOT NULL AND received_at < ?2 ORDER BY received_at DESC LIMIT ${SPLIT})) AS below
FROM events`;

/** The rows of a time, and perhaps a day more, have numbers from `low` on and below `high`. */
async function numbersOf(
  db: D1Database,
  since: number,
  until: number,
  before: number,
): Promise<{ low: number; high: number }> {
  const found = await db
    .prepare(BOUNDS)
    .bind(until + LATE, since - LATE)
    .first<{ top: number; above: number | null; below: number | null }>();
  const { top = 1, above = null, below = null } = found ?? {};
  return { low: (below ?? 0) + 1, high: Math.min(before, top, above ?? top) };
}

/** Rows that one page looks at when it can't know which fit. */
const WINDOW = 5_000;
/** Rows of rare reasons that one page looks at, newest first. */
const MAX_RARE = 1_000;

const OF_REASONS = `
SELECT (SELECT json_group_array(n) FROM (
  SELECT rowid AS n FROM events INDEXED BY events_rare
  WHERE reason = r.value AND ${RARE} AND rowid >= ?2 AND rowid < ?3 ORDER BY rowid DESC LIMIT ${MAX_RARE}
)) AS numbers FROM json_each(?1) r`;
const NEW = `
SELECT rowid AS n, reason FROM events INDEXED BY events_due WHERE status = 'pending' LIMIT ${WINDOW}`;

/**
 * The newest rows that have one of some reasons, at most MAX_RARE; null when only looking at all rows tells: a reason is
 * one that many rows have.
 */
async function rareCandidates(
  db: D1Database,
  reasons: Reason[],
  low: number,
  high: number,
): Promise<number[] | null> {
  if (reasons.includes("recorded") || reasons.includes("no_click_id")) return null;
  const [rare, pending] = await db.batch([
    db.prepare(OF_REASONS).bind(JSON.stringify(reasons.filter((one) => !COMMON.includes(one))), low, high),
    ...(reasons.includes("new") ? [db.prepare(NEW)] : []),
  ]);
  const waiting = (pending?.results ?? []) as { n: number; reason: Reason }[];
  if (waiting.length === WINDOW) return null;
  const numbers = ((rare?.results ?? []) as { numbers: string }[]).flatMap(
    (one) => JSON.parse(one.numbers) as number[],
  );
  numbers.push(
    ...waiting.filter(({ n, reason }) => reason === "new" && n >= low && n < high).map(({ n }) => n),
  );
  return numbers.sort((a, b) => b - a).slice(0, MAX_RARE);
}

/** An event whole, with its newest delivery attempts, oldest first. */
export type FoundEvent = { row: WholeRow; attempts: AttemptRow[] };

/** One event; null when there is none with this id. */
export async function readEvent(db: D1Database, id: string): Promise<FoundEvent | null> {
  const [rows, attempts] = await db.batch([
    db.prepare(`SELECT ${WHOLE} FROM events WHERE id = ?1`).bind(id),
    db
      .prepare(
        `SELECT at, phase, http_status AS httpStatus, reason, message, milliseconds FROM attempts WHERE event = ?1
         ORDER BY at DESC LIMIT ${MAX_ATTEMPTS}`,
      )
      .bind(id),
  ]);
  const [row] = (rows?.results ?? []) as WholeRow[];
  return row ? { row, attempts: ((attempts?.results ?? []) as AttemptRow[]).reverse() } : null;
}

/** Events with the lead key of one that are looked at; the holder is nearly always the oldest. */
const MAX_SAME_KEY = 100;

/** The event that holds the lead key of another one; null when none is found. */
export async function holderOf(db: D1Database, id: string): Promise<string | null> {
  const holder = await db
    .prepare(
      `SELECT id FROM (
         SELECT id, status, reason, doubt FROM events WHERE lead_key = (SELECT lead_key FROM events WHERE id = ?1) ORDER BY rowid LIMIT ${MAX_SAME_KEY}) e
       WHERE id <> ?1 AND ${HOLDS_KEY("e")} LIMIT 1`,
    )
    .bind(id)
    .first<{ id: string }>();
  return holder?.id ?? null;
}
