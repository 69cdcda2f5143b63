/** Reading kept events: by what a person is known by, by filters, newest first, and one event whole. */
import type { D1Database } from "@cloudflare/workers-types";
import { hash } from "../hash.ts";
import type { Doubt, Reason, Status } from "../states.ts";
import type { Filter } from "./replay.ts";
import { HOLDS_KEY } from "./sql.ts";

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
const WHOLE = `${SHORT}, payload, doubt, doubt_since AS doubtSince, lease_until AS leaseUntil, delivered_by AS deliveredBy, retries, claims`;
/** Attempts of one event that are read: the newest. */
const MAX_ATTEMPTS = 1000;

/** Events of one click or person that are looked at; more than any person has. */
const MAX_HITS = 500;

/** SQL: numbers of the rows that a text finds; each part uses an index of its own. */
const HITS = `
SELECT rowid FROM events WHERE id IN (SELECT value FROM json_each(?1))
UNION SELECT rowid FROM events WHERE customer_id = ?2
UNION SELECT rowid FROM events WHERE email = lower(?2)
UNION SELECT rowid FROM events WHERE click_id = ?2
LIMIT ${MAX_HITS}`;
const RELATED = `
WITH hits AS MATERIALIZED (SELECT rowid, customer_id, email FROM events WHERE rowid IN (${HITS}))
SELECT rowid FROM hits
UNION SELECT e.rowid FROM hits CROSS JOIN events e ON e.customer_id = hits.customer_id
UNION SELECT e.rowid FROM hits CROSS JOIN events e ON e.email = hits.email
LIMIT ${MAX_HITS}`;

const PAGE = (hits: string | null) => `
SELECT ${SHORT} FROM events
WHERE rowid < ?3 AND received_at >= ?4 AND received_at < ?5 AND (?6 IS NULL OR provider = ?6) AND (?7 IS NULL OR type = ?7)
  AND (?8 IS NULL OR status IN (SELECT value FROM json_each(?8))) AND (?9 IS NULL OR reason IN (SELECT value FROM json_each(?9)))
  ${hits === null ? "AND ?1 IS NULL AND ?2 IS NULL" : `AND rowid IN (${hits})`}
ORDER BY rowid DESC LIMIT ?10`;

/** Up to `limit` events, newest first. `providers`: those whose event ids the text may be. */
export async function search(db: D1Database, search: Search, providers: string[]): Promise<FoundRow[]> {
  const {
    find,
    related = false,
    before = Number.MAX_SAFE_INTEGER,
    limit,
    provider = null,
    type = null,
  } = search;
  const { since = 0, until = Number.MAX_SAFE_INTEGER, status, reason } = search;
  const list = (values: string[] | undefined) => (values === undefined ? null : JSON.stringify(values));
  const ids =
    find === undefined ? [] : [find, ...(await Promise.all(providers.map((name) => hash(name, find))))];
  const { results } = await db
    .prepare(PAGE(find === undefined ? null : related ? RELATED : HITS))
    .bind(
      find === undefined ? null : JSON.stringify(ids),
      find ?? null,
      before,
      since,
      until,
      provider,
      type,
      list(status),
      list(reason),
      limit,
    )
    .all<FoundRow>();
  return results;
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
