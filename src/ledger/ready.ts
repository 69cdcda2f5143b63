/** Whether the ledger can be used: it answers, and has the tables and columns of the newest migration. */
import type { D1Database } from "@cloudflare/workers-types";

/** Throws D1's error when it can't. */
export async function checkLedger(db: D1Database): Promise<void> {
  await db.batch([
    db.prepare("SELECT customer_id, email, click_id, tries, replayed_at FROM events LIMIT 0"),
    db.prepare("SELECT reason, fingerprint, count FROM pauses LIMIT 0"),
    db.prepare("SELECT at, value FROM marks LIMIT 0"),
    db.prepare("SELECT hour, provider, reason, events FROM hours LIMIT 0"),
  ]);
}
