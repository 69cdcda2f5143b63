/** Turns: what all isolates together do at most once in a while, such as an alert. */
import type { D1Database } from "@cloudflare/workers-types";

const TAKE = `
INSERT INTO alerts (kind, said_at) VALUES (?1, ?2)
ON CONFLICT (kind) DO UPDATE SET said_at = excluded.said_at WHERE said_at <= ?2 - ?3 RETURNING kind`;

/** Takes a turn: true for one caller in `every` milliseconds. `kind`: what the turn is for. */
export async function takeTurn(db: D1Database, kind: string, now: number, every: number): Promise<boolean> {
  return (await db.prepare(TAKE).bind(kind, now, every).first()) !== null;
}
