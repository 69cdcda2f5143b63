/** The ledger's side of replay: find kept events by a filter, and write what mapping makes of them now. */
import type { D1Database } from "@cloudflare/workers-types";
import type { Doubt, Reason, Status } from "../states.ts";
import type { MappedColumns, NewEvent } from "./event.ts";
import { chunks, keepStatements } from "./keep.ts";
import { type Filter, fitting, partOf } from "./part.ts";
import { promoteDuplicates } from "./settle.ts";
import { HOLDS_KEY } from "./sql.ts";

/** A row as replay looks at it. */
export type KeptRow = {
  rowid: number;
  id: string;
  provider: string;
  event_id: string | null;
  type: string | null;
  status: Status;
  reason: Reason;
  lead: string | null;
  lead_key: string | null;
  payload: string | null;
  received_at: number;
  lease_until: number;
  claims: number;
  doubt: Doubt;
};

/** What becomes of one row. kept: its lead is delivered as it is. split: the webhook it kept becomes its events. */
export type Change =
  | { kind: "mapped"; row: KeptRow; columns: MappedColumns }
  | { kind: "kept"; row: KeptRow; doubt: Doubt }
  | { kind: "split"; row: KeptRow; events: NewEvent[] };

const COLUMNS =
  "rowid, id, provider, event_id, type, status, reason, lead, lead_key, payload, received_at, lease_until, claims, doubt";
/** Payloads held in memory at a time, in UTF-16 units; one alone may be larger. */
const SLICE_LENGTH = 4_000_000;

/** SQL: the first rows that fit, as long as their payloads do not become too long together; `fit`: how many there are, up to one more. */
const FIND = (where: string) => `
SELECT ${COLUMNS}, fit FROM (
  SELECT *, count(*) OVER () AS fit,
    sum(length(payload)) OVER (ORDER BY rowid ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM (
      SELECT ${COLUMNS} FROM events WHERE ${where} ORDER BY rowid LIMIT ?9 + 1))
WHERE coalesce(before, 0) < ${SLICE_LENGTH} ORDER BY rowid LIMIT ?9`;

/** Rows, and the number after which the following ones are looked for; null after the last. */
export type Slice = { rows: KeptRow[]; next: number | null };

/**
 * Up to `limit` rows of a filter, the oldest first, after the row numbered `after`, of the part of the ledger that one
 * request looks at: there may be fewer, or none, and still a next one.
 */
export async function find(db: D1Database, filter: Filter, after: number, limit: number): Promise<Slice> {
  const part = await partOf(db, filter, "oldest", after);
  const { where, values } = fitting(part, filter);
  const { results: rows } = await db
    .prepare(FIND(where))
    .bind(...values, limit)
    .all<KeptRow & { fit: number }>();
  const [{ fit } = { fit: 0 }] = rows;
  return { rows, next: fit > rows.length ? (rows.at(-1)?.rowid ?? null) : part.next };
}

export function findOne(db: D1Database, id: string): Promise<KeptRow | null> {
  return db.prepare(`SELECT ${COLUMNS} FROM events WHERE id = ?1`).bind(id).first<KeptRow>();
}

/** A row that has changed since it was read, or that a consumer has leased, is not changed. */
const CHANGE = `
UPDATE events SET status = c.value->>'status', reason = c.value->>'reason', detail = c.value->>'detail',
  warnings = iif(c.value->>'kept', events.warnings, c.value->>'warnings'),
  lead = iif(c.value->>'kept', events.lead, c.value->>'lead'),
  lead_key = iif(c.value->>'kept', events.lead_key, c.value->>'leadKey'),
  doubt = c.value->>'doubt', doubt_since = iif(c.value->>'doubt' IS NULL, NULL, coalesce(doubt_since, received_at)),
  retries = 0, tries = 0, claims = 0, replayed_at = ?2,
  next_attempt_at = iif(c.value->>'status' = 'pending', ?2, NULL),
  queued_until = iif(c.value->>'status' = 'pending', ?3, 0)
FROM json_each(?1) c WHERE events.id = c.value->>'id' AND events.status = c.value->>'wasStatus'
  AND events.reason = c.value->>'wasReason' AND events.doubt IS c.value->>'wasDoubt'
  AND (c.value->>'kept' = 0 OR events.lead IS NOT NULL) AND events.lease_until <= ?2`;

/** One lead for each key: the row that holds it already, else the oldest of those replayed together. */
const MARK_DUPLICATES = `
UPDATE events SET status = 'duplicate', reason = 'duplicate_here', next_attempt_at = NULL, queued_until = 0
WHERE id IN (SELECT value FROM json_each(?1)) AND reason = 'replayed' AND EXISTS (
  SELECT 1 FROM events o WHERE o.lead_key = events.lead_key AND o.id <> events.id AND ${HOLDS_KEY("o")}
    AND (o.rowid < events.rowid OR o.reason <> 'replayed' OR o.id NOT IN (SELECT value FROM json_each(?1))))`;

/** Writes all changes at once; answers the state of each event afterwards. Pending ones are marked as queued until `queuedUntil`. */
export async function change(
  db: D1Database,
  changes: Change[],
  now: number,
  queuedUntil: number,
): Promise<{ id: string; status: Status; reason: Reason }[]> {
  if (changes.length === 0) return [];
  const splits = changes.filter((one) => one.kind === "split");
  const rows = changes.flatMap((one) => {
    if (one.kind === "split") return [];
    const { id, status: wasStatus, reason: wasReason, doubt: wasDoubt } = one.row;
    const columns =
      one.kind === "kept"
        ? { kept: 1, status: "pending", reason: "replayed", doubt: one.doubt }
        : { kept: 0, ...one.columns };
    return [{ id, wasStatus, wasReason, wasDoubt, ...columns }];
  });
  const ids = JSON.stringify(rows.map(({ id }) => id));
  const events = splits.flatMap((one) => one.events);
  const all = JSON.stringify([...rows, ...events].map(({ id }) => id));
  const results = await db.batch<{ id: string; status: Status; reason: Reason }>([
    ...chunks(rows, (row) => JSON.stringify(row).length).map((chunk) =>
      db.prepare(CHANGE).bind(JSON.stringify(chunk), now, queuedUntil),
    ),
    db.prepare(MARK_DUPLICATES).bind(ids),
    ...promoteDuplicates(
      db,
      changes.map(({ row }) => row.lead_key),
      now,
    ),
    ...(events.length > 0
      ? [
          db
            .prepare(
              "DELETE FROM events WHERE reason = 'not_split' AND id IN (SELECT value FROM json_each(?1))",
            )
            .bind(JSON.stringify(splits.map(({ row }) => row.id))),
          ...keepStatements(db, events, () => true),
        ]
      : []),
    db
      .prepare("SELECT id, status, reason FROM events WHERE id IN (SELECT value FROM json_each(?1))")
      .bind(all),
  ]);
  return results.at(-1)?.results ?? [];
}

/** Those of some lead keys that a row holds which is not among `ids`. */
export async function heldKeys(db: D1Database, keys: string[], ids: string[]): Promise<Set<string>> {
  const { results } = await db
    .prepare(
      `SELECT DISTINCT lead_key FROM events e WHERE lead_key IN (SELECT value FROM json_each(?1))
         AND id NOT IN (SELECT value FROM json_each(?2)) AND ${HOLDS_KEY("e")}`,
    )
    .bind(JSON.stringify(keys), JSON.stringify(ids))
    .all<{ lead_key: string }>();
  return new Set(results.map((row) => row.lead_key));
}

/** Ends a pending event by hand; false when it is not pending, or is being delivered. A lead in doubt keeps its key. */
export async function end(db: D1Database, { id, lead_key }: KeptRow, now: number): Promise<boolean> {
  const [ended] = await db.batch([
    db
      .prepare(
        `UPDATE events SET status = 'failed', reason = 'ended_by_operator', next_attempt_at = NULL,
           doubt = iif(claims > 0, 'unknown', doubt), claims = 0
         WHERE id = ?1 AND status = 'pending' AND lease_until <= ?2 RETURNING id`,
      )
      .bind(id, now),
    ...promoteDuplicates(db, [lead_key], now),
  ]);
  return ended?.results.length === 1;
}
