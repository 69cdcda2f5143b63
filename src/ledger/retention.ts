/** Retention: payloads and leads of finished events go after a while; their lead keys stay, as hashes. */
import type { D1Database } from "@cloudflare/workers-types";

/** SQL: takes from a row what is personal. */
export const BLANK =
  "payload = NULL, lead = NULL, event_id = NULL, detail = NULL, warnings = NULL, waits_key = NULL, dub_click = NULL, customer = NULL, person = NULL";

const PURGE = `
UPDATE events SET ${BLANK}
WHERE rowid IN (
  SELECT rowid FROM events WHERE event_id IS NOT NULL AND received_at < ?1 AND status <> 'pending'
    AND NOT EXISTS (SELECT 1 FROM attempts WHERE event = events.id AND at >= ?1)
  ORDER BY received_at LIMIT ?2)
RETURNING id`;

/**
 * Blanks up to `limit` finished events that were received and last tried before `before` (milliseconds), and deletes
 * their attempts. What is left recognises a redelivery and a lead counted already, and gives status and reason.
 */
export async function purge(db: D1Database, before: number, limit: number): Promise<void> {
  const { results } = await db.prepare(PURGE).bind(before, limit).all<{ id: string }>();
  if (results.length === 0) return;
  await db
    .prepare("DELETE FROM attempts WHERE event IN (SELECT value FROM json_each(?1))")
    .bind(JSON.stringify(results.map(({ id }) => id)))
    .run();
}
