/** The events that belong to another one: the one that holds its lead key, and the others of its customer. */
import type { D1Database } from "@cloudflare/workers-types";
import { type FoundRow, SHORT } from "./search.ts";
import { HOLDS_KEY } from "./sql.ts";

/** Events with the lead key of one that are looked at; the holder is nearly always the oldest. */
const MAX_SAME_KEY = 100;

/** The event that holds the lead key of another one; null when none is found. */
export function holderOf(db: D1Database, id: string): Promise<FoundRow | null> {
  return db
    .prepare(
      `SELECT ${SHORT} FROM events WHERE rowid = (
         SELECT n FROM (
           SELECT rowid AS n, id, status, reason, doubt FROM events
           WHERE lead_key = (SELECT lead_key FROM events WHERE id = ?1) ORDER BY rowid LIMIT ${MAX_SAME_KEY}) e
         WHERE id <> ?1 AND ${HOLDS_KEY("e")} LIMIT 1)`,
    )
    .bind(id)
    .first<FoundRow>();
}

/** Other events of a customer that are shown beside one. */
export const MAX_OTHERS = 10;

/** The newest other events of the customer of an event, newest first, and whether there are more. */
export async function othersOf(db: D1Database, id: string): Promise<{ rows: FoundRow[]; more: boolean }> {
  const { results } = await db
    .prepare(
      `SELECT ${SHORT} FROM events INDEXED BY events_customer_id
       WHERE customer_id = (SELECT customer_id FROM events WHERE id = ?1) AND id <> ?1
       ORDER BY rowid DESC LIMIT ${MAX_OTHERS + 1}`,
    )
    .bind(id)
    .all<FoundRow>();
  return { rows: results.slice(0, MAX_OTHERS), more: results.length > MAX_OTHERS };
}
