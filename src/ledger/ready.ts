/** Whether the ledger can be used: it answers, and has the tables, columns and indexes of the newest migration. */
import type { D1Database } from "@cloudflare/workers-types";
import { RARE } from "./sql.ts";

/** Throws D1's error when it can't. */
export async function checkLedger(db: D1Database): Promise<void> {
  await db.batch([
    db.prepare(
      "SELECT customer_id, email, click_id, tries, replayed_at, waits_key, signed_up_at, click_by, click_told_at, at_dub, dub_click, clicked_at FROM events LIMIT 0",
    ),
    db.prepare(`SELECT 1 FROM events INDEXED BY events_rare WHERE ${RARE} LIMIT 0`),
    db.prepare("SELECT 1 FROM events INDEXED BY events_late WHERE late = 1 LIMIT 0"),
    db.prepare("SELECT reason, fingerprint, count FROM pauses LIMIT 0"),
    db.prepare("SELECT at, value FROM marks LIMIT 0"),
    db.prepare("SELECT day, pages, delivered, done_at FROM days LIMIT 0"),
    db.prepare("SELECT hour, provider, reason, events, by_memory FROM hours LIMIT 0"),
    db.prepare("SELECT key, click_id, proof, clicked_at, told_at FROM clicks LIMIT 0"),
  ]);
}
