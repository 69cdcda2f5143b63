/** The ledger's side of delivery: claim rows with a lease, write what came of them, find what is due. */
import type { D1Database, D1PreparedStatement } from "@cloudflare/workers-types";
import type { CreditedLink, Lead } from "../lead.ts";
import type { Doubt, Reason, Status } from "../states.ts";
import type { NewEvent } from "./event.ts";
import { HOLDS_KEY, keepStatements } from "./keep.ts";

/** A row claimed for delivery. `leaseUntil` names the claim: only its holder may settle the row. */
export type Claim = {
  id: string;
  provider: string;
  lead: Lead;
  retries: number;
  doubt: Doubt;
  doubtSince: number;
  leadKey: string | null;
  leaseUntil: number;
  reason: Reason;
};

export type Attempt = {
  phase: "register" | "record";
  httpStatus: number | null;
  message: string | null;
  milliseconds: number;
};

/** What a delivery attempt came to. `nextAttemptAt` is set for pending; `doubt`: what a recording call may have done. */
export type Settlement = {
  claim: Claim;
  status: Status;
  reason: Reason;
  detail: string | null;
  nextAttemptAt: number | null;
  retries: number;
  doubt: Doubt;
  link: CreditedLink | null;
  deliveredBy: "register-then-record" | "single" | null;
  certain: boolean;
  attempt: Attempt | null;
};

const CLAIM = `
UPDATE events SET lease_until = ?2, claims = claims + 1, doubt_since = coalesce(doubt_since, ?3)
WHERE id IN (SELECT value FROM json_each(?1)) AND status = 'pending' AND next_attempt_at <= ?3 AND lease_until <= ?3
  AND NOT EXISTS (SELECT 1 FROM pauses WHERE until > ?3)
RETURNING id, provider, lead, lead_key, retries, claims, doubt, doubt_since, lease_until, reason`;

const GIVE_BACK_IF_PAUSED = `
UPDATE events SET queued_until = 0 WHERE id IN (SELECT value FROM json_each(?1)) AND status = 'pending'
  AND EXISTS (SELECT 1 FROM pauses WHERE until > ?2)`;

type ClaimRow = {
  id: string;
  provider: string;
  lead: string;
  lead_key: string | null;
  retries: number;
  claims: number;
  doubt: Doubt;
  doubt_since: number;
  lease_until: number;
  reason: Reason;
};

/**
 * Keeps the events that queue messages carried (the ledger may have been down when they came) and claims what is due
 * among `ids`, until `leaseUntil`. While Dub is left alone nothing is claimed, and the sweep finds the rows afterwards.
 * `perMinute`: the calls that Dub allows, if it has said so.
 */
export async function keepAndClaim(
  db: D1Database,
  carried: NewEvent[],
  ids: string[],
  now: number,
  leaseUntil: number,
): Promise<{ claims: Claim[]; perMinute: number | null }> {
  const named = JSON.stringify(ids);
  const results = await db.batch<ClaimRow & { per_minute: number | null }>([
    ...(carried.length > 0 ? keepStatements(db, carried, () => true) : []),
    db.prepare(GIVE_BACK_IF_PAUSED).bind(named, now),
    db.prepare("SELECT per_minute FROM pauses WHERE per_minute IS NOT NULL"),
    db.prepare(CLAIM).bind(named, leaseUntil, now),
  ]);
  const claims = (results.at(-1)?.results ?? []).map((row) => ({
    id: row.id,
    provider: row.provider,
    lead: JSON.parse(row.lead) as Lead,
    retries: row.retries,
    // A claim that was never settled may have got as far as recording.
    doubt: row.claims > 1 ? "unknown" : row.doubt,
    doubtSince: row.doubt_since,
    leadKey: row.lead_key,
    leaseUntil: row.lease_until,
    reason: row.reason,
  }));
  return { claims, perMinute: results.at(-2)?.results[0]?.per_minute ?? null };
}

const SETTLE = `
UPDATE events SET status = s.value->>'status', reason = s.value->>'reason', detail = s.value->>'detail',
  next_attempt_at = s.value->>'nextAttemptAt', retries = s.value->>'retries', claims = 0, doubt = s.value->>'doubt',
  doubt_since = iif(s.value->>'doubt' IS NULL, NULL, doubt_since),
  lease_until = 0, queued_until = 0, link = s.value->>'link', delivered_by = s.value->>'deliveredBy',
  delivered_at = iif(s.value->>'status' = 'delivered', ?2, NULL),
  certain = iif(s.value->>'status' = 'delivered', s.value->>'certain', NULL)
FROM json_each(?1) s WHERE events.id = s.value->>'id' AND events.lease_until = s.value->>'leaseUntil'`;

const ATTEMPTS = `
INSERT INTO attempts (event, at, phase, http_status, reason, message, milliseconds)
SELECT a.value->>'event', ?2, a.value->>'phase', a.value->>'httpStatus', a.value->>'reason', a.value->>'message', a.value->>'milliseconds'
FROM json_each(?1) a`;

const RELEASE = `
UPDATE events SET status = 'pending', reason = 'new', next_attempt_at = ?2, queued_until = 0
WHERE rowid IN (
  SELECT min(d.rowid) FROM events d WHERE d.reason = 'duplicate_here' AND d.lead IS NOT NULL
    AND d.lead_key IN (SELECT value FROM json_each(?1))
    AND NOT EXISTS (SELECT 1 FROM events h WHERE h.lead_key = d.lead_key AND ${HOLDS_KEY("h")})
  GROUP BY d.lead_key)`;

/** When the holder of a lead key has ended without a lead, the oldest of its duplicates takes its turn. */
export function releaseStatements(
  db: D1Database,
  leadKeys: (string | null)[],
  now: number,
): D1PreparedStatement[] {
  const keys = leadKeys.filter((key) => key !== null);
  return keys.length > 0 ? [db.prepare(RELEASE).bind(JSON.stringify(keys), now)] : [];
}

/** Writes what came of claimed rows, all at once. A row whose lease was taken over by another consumer is left alone. */
export async function settle(db: D1Database, settlements: Settlement[], now: number): Promise<void> {
  if (settlements.length === 0) return;
  const rows = settlements.map(({ claim, link, attempt: _, ...rest }) => ({
    ...rest,
    id: claim.id,
    leaseUntil: claim.leaseUntil,
    certain: rest.certain ? 1 : 0,
    link: link && JSON.stringify(link),
  }));
  const attempts = settlements.flatMap(({ claim, reason, attempt }) =>
    attempt ? [{ event: claim.id, reason, ...attempt }] : [],
  );
  const ended = settlements.filter(({ status }) => ["skipped", "rejected", "failed"].includes(status));
  await db.batch([
    db.prepare(SETTLE).bind(JSON.stringify(rows), now),
    ...(attempts.length > 0 ? [db.prepare(ATTEMPTS).bind(JSON.stringify(attempts), now)] : []),
    ...releaseStatements(
      db,
      ended.map(({ claim }) => claim.leadKey),
      now,
    ),
  ]);
}

/** Gives rows back to the sweep, when they could not be put on their way after all. */
export async function giveBack(db: D1Database, ids: string[]): Promise<void> {
  await db
    .prepare("UPDATE events SET queued_until = 0 WHERE id IN (SELECT value FROM json_each(?1))")
    .bind(JSON.stringify(ids))
    .run();
}

const PAUSE = `
INSERT INTO pauses (name, until, per_minute) VALUES (?1, ?2, ?3)
ON CONFLICT (name) DO UPDATE SET until = max(until, excluded.until), per_minute = coalesce(excluded.per_minute, per_minute)`;

/** Nothing is claimed before `until`. With `rate_limit`, `perMinute` is what Dub says that it allows. */
export async function pause(
  db: D1Database,
  name: "rate_limit" | "outage",
  until: number,
  perMinute: number | null = null,
): Promise<void> {
  await db.prepare(PAUSE).bind(name, until, perMinute).run();
}

/** For so long after an outage (milliseconds), so many rows are tried at a time. */
const PROBE = { time: 120_000, rows: 20 };

/** None in a pause; after an outage first a batch, to see whether it is over; else what Dub takes in a minute at two calls each. */
const DUE = `
UPDATE events SET queued_until = ?2 WHERE rowid IN (
  SELECT rowid FROM events WHERE status = 'pending' AND next_attempt_at <= ?1 AND queued_until <= ?1 AND lease_until <= ?1
    AND NOT EXISTS (SELECT 1 FROM pauses WHERE until > ?1)
  ORDER BY next_attempt_at LIMIT iif(
    EXISTS (SELECT 1 FROM pauses WHERE name = 'outage' AND until > ?1 - ${PROBE.time}), ${PROBE.rows},
    max(1, coalesce((SELECT per_minute FROM pauses WHERE name = 'rate_limit'), ?3) / 2)))
RETURNING id`;

/**
 * Ids of rows that are due and not on their way, marked as on their way until `queuedUntil`; as many as fit into a
 * minute at `perMinute` calls, or at what Dub says that it allows.
 */
export async function takeDue(
  db: D1Database,
  now: number,
  queuedUntil: number,
  perMinute: number,
): Promise<string[]> {
  const { results } = await db.prepare(DUE).bind(now, queuedUntil, perMinute).all<{ id: string }>();
  return results.map((row) => row.id);
}
