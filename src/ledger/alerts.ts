/** Which problems have been said of late, across all isolates. */
import type { D1Database } from "@cloudflare/workers-types";

const TAKE = `
INSERT INTO alerts (kind, said_at) VALUES (?1, ?2)
ON CONFLICT (kind) DO UPDATE SET said_at = excluded.said_at WHERE said_at <= ?2 - ?3 RETURNING kind`;

/** Whether it is this caller's turn to say a problem: true once in `every` milliseconds. */
export async function takeTurn(db: D1Database, kind: string, now: number, every: number): Promise<boolean> {
  return (await db.prepare(TAKE).bind(kind, now, every).first()) !== null;
}
