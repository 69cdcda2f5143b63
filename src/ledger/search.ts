/** Reading kept events: by what a person is known by, by filters, newest first, and one event whole. */
import type { D1Database } from "@cloudflare/workers-types";
import type { Doubt, Reason, Status } from "../states.ts";
import type { Proof } from "./clicks.ts";
import { hitsOf } from "./hits.ts";
import { type Filter, fitting, partOf } from "./part.ts";

/**
 * Which events. `find`: an e-mail address, a customer id, a click id, an event id of a provider or of ours, exact but
 * for the case of an e-mail address. `related`: also the other events of the customers and e-mail addresses found.
 * `before`: `rowid` of the last event of the page before.
 */
export type Search = Filter & {
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
  /** Who told its click; null: the webhook, or nobody. */
  clickBy: Proof | "email" | null;
};

/**
 * An event whole. `payload` is JSON. `retries`: steps of the retry schedule used. `claims`: deliveries begun and not settled.
 * `clickToldAt`: when its click made it a lead. `signedUpAt`: by the provider's word. `waitsKey`: null: no click makes it a lead.
 */
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
  clickToldAt: number | null;
  signedUpAt: number | null;
  waitsKey: string | null;
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

/** SQL: the columns of a FoundRow. */
export const SHORT = `rowid, id, provider, event_id AS eventId, type, status, reason, detail, warnings, lead, link,
  received_at AS receivedAt, replayed_at AS replayedAt, next_attempt_at AS nextAttemptAt, delivered_at AS deliveredAt, tries,
  click_by AS clickBy`;
const WHOLE = `${SHORT}, payload, doubt, doubt_since AS doubtSince, lease_until AS leaseUntil, delivered_by AS deliveredBy, retries, claims,
  click_told_at AS clickToldAt, signed_up_at AS signedUpAt, waits_key AS waitsKey, at_dub AS atDub, at_dub_since AS atDubSince, dub_click AS dubClick, clicked_at AS clickedAt`;
/** Attempts of one event that are read: the newest. */
const MAX_ATTEMPTS = 1000;

/** Rows, and the number below which the next page begins; null after the last. */
export type Page = { rows: FoundRow[]; next: number | null };

/**
 * Up to `limit` events, newest first, of the part of the ledger that one page looks at: a page may have fewer, or none,
 * and still a next one. `providers`: those whose event ids the text may be.
 */
export async function search(db: D1Database, search: Search, providers: string[]): Promise<Page> {
  const { find, related = false, before = Number.MAX_SAFE_INTEGER, limit } = search;
  const part =
    find === undefined
      ? await partOf(db, search, "newest", before)
      : await hitsOf(db, providers, find, related, before);
  const { where, values } = fitting(part, search);
  const { results: rows } = await db
    .prepare(`SELECT ${SHORT} FROM events WHERE ${where} ORDER BY rowid DESC LIMIT ?9`)
    .bind(...values, limit)
    .all<FoundRow>();
  return { rows, next: rows.length === limit ? (rows.at(-1)?.rowid ?? null) : part.next };
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
