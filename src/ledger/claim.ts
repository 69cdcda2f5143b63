/** Claiming rows for delivery, with a lease. */
import type { D1Database } from "@cloudflare/workers-types";
import type { Lead } from "../lead.ts";
import { log } from "../log.ts";
import type { Doubt, Reason } from "../states.ts";
import type { NewEvent } from "./event.ts";
import { keepStatements } from "./keep.ts";
import { type Marks, marksOf, readMarks } from "./marks.ts";
import { IN_FORCE, type Pause, readPauses } from "./pauses.ts";
import { PENDING_SINCE } from "./sql.ts";

/**
 * A row claimed for delivery. `leaseUntil` names the claim: only its holder may settle the row. `lead`: null if it is
 * no JSON object. `claims`: deliveries begun and not settled, this one included. `doubtSince`: when the doubtful
 * recording call was made, or now. `awaited`: another lead of the customer, with a click id, is pending.
 */
export type Claim = {
  id: string;
  provider: string;
  type: string | null;
  lead: Lead | null;
  retries: number;
  tries: number;
  claims: number;
  doubt: Doubt;
  doubtSince: number;
  leadKey: string | null;
  claimedAt: number;
  leaseUntil: number;
  reason: Reason;
  since: number;
  awaited: boolean;
};

const POSTPONE = `
UPDATE events SET queued_until = 0, reason = p.reason, next_attempt_at = p.until
FROM (SELECT coalesce(reason, 'dub_error') AS reason, until FROM pauses WHERE ${IN_FORCE("?2", "?3")} ORDER BY until DESC LIMIT 1) p
WHERE id IN (SELECT value FROM json_each(?1)) AND status = 'pending' AND next_attempt_at <= ?2 AND lease_until <= ?2`;

/** Rows that were claimed so often and never settled are claimed one at a time: one of them may crash the Worker. */
const SUSPECT_CLAIMS = 3;

const CLAIM = `
UPDATE events SET lease_until = ?2, claims = claims + 1, doubt_since = coalesce(doubt_since, ?3)
WHERE NOT EXISTS (SELECT 1 FROM pauses WHERE ${IN_FORCE("?3", "?4")}) AND id IN (
  SELECT id FROM (
    SELECT id, row_number() OVER (ORDER BY claims DESC) AS place, max(claims) OVER () AS most FROM events
    WHERE id IN (SELECT value FROM json_each(?1)) AND status = 'pending' AND next_attempt_at <= ?3 AND lease_until <= ?3)
  WHERE most < ${SUSPECT_CLAIMS} OR place = 1)
RETURNING id, provider, type, lead, lead_key AS leadKey, retries, tries, claims, doubt, doubt_since AS doubtSince,
  lease_until AS leaseUntil, reason, ${PENDING_SINCE} AS since,
  click_id IS NULL AND EXISTS (SELECT 1 FROM events o WHERE o.customer_id = events.customer_id AND o.status = 'pending'
    AND o.id <> events.id AND o.click_id IS NOT NULL) AS awaited`;

/** What is due and was not claimed waits for the next sweep. */
const RELEASE = `
UPDATE events SET queued_until = 0
WHERE id IN (SELECT value FROM json_each(?1)) AND status = 'pending' AND queued_until > 0 AND next_attempt_at <= ?2 AND lease_until <= ?2`;

type ClaimRow = Omit<Claim, "lead" | "awaited" | "claimedAt"> & {
  lead: string;
  awaited: number;
};

/** What delivery starts from. */
export type Claimed = { claims: Claim[]; pauses: Pause[]; marks: Marks };

/**
 * Keeps the events that queue messages carried (the ledger may have been down when they came) and claims what is due
 * among `ids`, until `leaseUntil`. In a pause nothing is claimed, and what is due waits until its end.
 * `fingerprint`: of the settings in use.
 */
export async function keepAndClaim(
  db: D1Database,
  carried: NewEvent[],
  ids: string[],
  now: number,
  leaseUntil: number,
  fingerprint: string,
): Promise<Claimed> {
  const named = JSON.stringify(ids);
  const results = await db.batch([
    ...(carried.length > 0 ? keepStatements(db, carried, () => true, now) : []),
    db.prepare(POSTPONE).bind(named, now, fingerprint),
    readPauses(db),
    readMarks(db),
    db.prepare(CLAIM).bind(named, leaseUntil, now, fingerprint),
    db.prepare(RELEASE).bind(named, now),
  ]);
  const [pauses, marks, claimed] = results.slice(-4, -1).map(({ results: rows }) => rows);
  return {
    claims: (claimed as ClaimRow[]).map((row) => claimOf(row, now)),
    pauses: pauses as Pause[],
    marks: marksOf(marks ?? []),
  };
}

function claimOf({ lead: json, awaited, ...row }: ClaimRow, claimedAt: number): Claim {
  return {
    ...row,
    lead: readLead(row.id, json),
    claimedAt,
    awaited: awaited === 1,
    // A claim that was never settled may have got as far as recording.
    doubt: row.claims > 1 ? "unknown" : row.doubt,
  };
}

function readLead(id: string, json: string): Lead | null {
  try {
    const lead: unknown = JSON.parse(json);
    if (typeof lead === "object" && lead !== null && "clickId" in lead) return lead as Lead;
  } catch {}
  log("error", "lead_unreadable", { event: id });
  return null;
}
