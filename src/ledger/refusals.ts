/** Counts refused webhooks: one row for each provider and reason, written at most every few seconds by an isolate. */
import type { D1Database } from "@cloudflare/workers-types";

const FLUSH_EVERY = 10_000;

type Counter = { provider: string; reason: string; count: number; lastAt: number; evidence: string };

export type RefusalCounter = (
  db: D1Database,
  provider: string,
  reason: string,
  evidence: string,
  now: number,
) => Promise<void>;

/**
 * Makes the counter of an isolate. It notes one refusal and, if the last write was more than ten seconds ago, writes
 * all that are noted. A flood of forged webhooks therefore costs one statement in ten seconds, and no row more than
 * providers × reasons.
 */
export function createRefusalCounter(): RefusalCounter {
  const waiting = new Map<string, Counter>();
  let flushedAt = Number.NEGATIVE_INFINITY;
  return async (db, provider, reason, evidence, now) => {
    const key = `${provider} ${reason}`;
    const count = (waiting.get(key)?.count ?? 0) + 1;
    waiting.set(key, { provider, reason, count, lastAt: now, evidence });
    if (now - flushedAt < FLUSH_EVERY) return;
    flushedAt = now;
    const counters = [...waiting.values()];
    waiting.clear();
    await db.prepare(WRITE).bind(JSON.stringify(counters)).run();
  };
}

const WRITE = `
INSERT INTO refusals (provider, reason, count, last_at, evidence)
SELECT r.value->>'provider', r.value->>'reason', r.value->>'count', r.value->>'lastAt', r.value->>'evidence' FROM json_each(?1) r WHERE true
ON CONFLICT (provider, reason) DO UPDATE SET count = count + excluded.count, last_at = excluded.last_at, evidence = excluded.evidence`;
