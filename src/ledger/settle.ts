/** Writing the results of delivery attempts. */
import type { D1Database, D1PreparedStatement } from "@cloudflare/workers-types";
import type { CreditedLink } from "../lead.ts";
import { type Doubt, isSettledByDub, type Reason, STATUSES, statusOf } from "../states.ts";
import type { Claim } from "./claim.ts";
import { joinStatements } from "./clicks.ts";
import { clickKeys } from "./event.ts";
import { HOLDS_KEY, reasons } from "./sql.ts";

/** One call to Dub as it is kept. `httpStatus`: null for no answer. */
export type Attempt = {
  phase: "register" | "record";
  httpStatus: number | null;
  message: string | null;
  milliseconds: number;
};

/** The result of a delivery attempt. `nextAttemptAt` is set for pending rows. */
export type Settlement = {
  claim: Claim;
  reason: Reason;
  detail: string | null;
  nextAttemptAt: number | null;
  retries: number;
  tries: number;
  doubt: Doubt;
  link: CreditedLink | null;
  deliveredBy: "register-then-record" | "single" | null;
  attempt: Attempt | null;
};

const SETTLE = `
UPDATE events SET status = s.value->>'status', reason = s.value->>'reason', detail = s.value->>'detail',
  next_attempt_at = s.value->>'nextAttemptAt', retries = s.value->>'retries', tries = s.value->>'tries', claims = 0,
  doubt = s.value->>'doubt', doubt_since = iif(s.value->>'doubt' IS NULL, NULL, doubt_since),
  lease_until = 0, queued_until = 0, link = s.value->>'link', delivered_by = s.value->>'deliveredBy',
  delivered_at = iif(s.value->>'status' = 'delivered', ?2, NULL)
FROM json_each(?1) s WHERE events.id = s.value->>'id' AND events.lease_until = s.value->>'leaseUntil'`;

const ATTEMPTS = `
INSERT OR REPLACE INTO attempts (event, at, phase, http_status, reason, message, milliseconds)
SELECT a.value->>'event', ?2, a.value->>'phase', a.value->>'httpStatus', a.value->>'reason', a.value->>'message', a.value->>'milliseconds'
FROM json_each(?1) a`;

/** Dub's webhook may come before the result of the call whose answer was lost is written. */
const CONFIRM_SEEN = `
UPDATE events SET status = 'delivered', reason = 'recorded', detail = NULL, doubt = NULL, doubt_since = NULL,
  next_attempt_at = NULL, delivered_at = at_dub_since
WHERE id IN (SELECT value FROM json_each(?1)) AND lease_until = 0 AND at_dub = 'listed' AND doubt = 'unknown'
  AND reason IN (${reasons(isSettledByDub)})`;

/** The oldest row of each lead key among those of a reason, unless a row of another reason holds the key. */
const PROMOTE = (reason: Reason, column: "lead_key" | "customer_id", values: string) => `
UPDATE events SET status = 'pending', reason = 'new', next_attempt_at = ?2, queued_until = 0, retries = 0, tries = 0
WHERE rowid IN (
  SELECT oldest FROM (
    SELECT min(rowid) AS oldest, lead_key FROM events
    WHERE reason = '${reason}' AND ${column} IN (${values}) AND lead IS NOT NULL
    GROUP BY coalesce(lead_key, id)) d
  WHERE NOT EXISTS (SELECT 1 FROM events h WHERE h.lead_key = d.lead_key AND h.reason <> '${reason}' AND ${HOLDS_KEY("h")}))`;

const PROMOTE_DUPLICATES = PROMOTE("duplicate_here", "lead_key", "SELECT value FROM json_each(?1)");

/** Customers whom Dub knows now, and those of whom another consumer has delivered a lead since. */
const KNOWN_CUSTOMERS = `
SELECT value FROM json_each(?1) UNION ALL
SELECT customer_id FROM events WHERE customer_id IN (SELECT value FROM json_each(?3)) AND delivered_at >= ?4`;
const PROMOTE_CUSTOMERS = PROMOTE("unknown_customer", "customer_id", KNOWN_CUSTOMERS);

const WAKE_CUSTOMERS = `
UPDATE events SET next_attempt_at = ?2, queued_until = 0
WHERE customer_id IN (SELECT value FROM json_each(?1)) AND status = 'pending' AND reason = 'customer_not_known_yet' AND lease_until <= ?2`;

/** When the holder of a lead key has ended without a lead, the oldest of its duplicates is delivered instead. */
export function promoteDuplicates(
  db: D1Database,
  leadKeys: (string | null)[],
  now: number,
): D1PreparedStatement[] {
  const keys = leadKeys.filter((key) => key !== null);
  return keys.length > 0 ? [db.prepare(PROMOTE_DUPLICATES).bind(JSON.stringify(keys), now)] : [];
}

/** The statements that deliver what waits for customers whom Dub knows now. */
export function promoteKnown(db: D1Database, customers: string[], now: number): D1PreparedStatement[] {
  if (customers.length === 0) return [];
  const known = JSON.stringify(customers);
  return [
    db.prepare(PROMOTE_CUSTOMERS).bind(known, now, "[]", now),
    db.prepare(WAKE_CUSTOMERS).bind(known, now),
  ];
}

/** Once Dub knows customers, their leads without a click id are delivered too, however long ago they ended. */
function promoteCustomers(
  db: D1Database,
  known: Claim[],
  unknown: Claim[],
  now: number,
): D1PreparedStatement[] {
  if (known.length + unknown.length === 0) return [];
  const customers = (claims: Claim[]) =>
    JSON.stringify(claims.flatMap(({ lead }) => lead?.customerExternalId ?? []));
  const since = Math.min(...unknown.map(({ claimedAt }) => claimedAt), now);
  return [
    db.prepare(PROMOTE_CUSTOMERS).bind(customers(known), now, customers(unknown), since),
    db.prepare(WAKE_CUSTOMERS).bind(customers(known), now),
  ];
}

/**
 * Writes settlements, all at once, with `more` statements in the same transaction. A row whose lease was taken over by
 * another consumer is not changed.
 */
export async function settle(
  db: D1Database,
  settlements: Settlement[],
  now: number,
  more: D1PreparedStatement[],
): Promise<void> {
  const rows = settlements.map(({ claim, link, attempt: _, ...rest }) => ({
    ...rest,
    id: claim.id,
    status: statusOf(rest.reason),
    leaseUntil: claim.leaseUntil,
    link: link && JSON.stringify(link),
  }));
  const attempts = settlements.flatMap(({ claim, reason, attempt }) =>
    attempt ? [{ event: claim.id, reason, ...attempt }] : [],
  );
  const claimsOf = (which: (reason: Reason) => boolean) =>
    settlements.filter(({ reason }) => which(reason)).map(({ claim }) => claim);
  const ended = claimsOf((reason) => !STATUSES[statusOf(reason)].holdsKey && reason !== "duplicate_at_dub");
  const known = claimsOf((reason) => statusOf(reason) === "delivered" || reason === "duplicate_at_dub");
  const unknown = claimsOf((reason) => reason === "unknown_customer");
  const inDoubt = rows.filter(({ doubt }) => doubt === "unknown").map(({ id }) => id);
  const statements = [
    ...(rows.length > 0 ? [db.prepare(SETTLE).bind(JSON.stringify(rows), now)] : []),
    ...(inDoubt.length > 0 ? [db.prepare(CONFIRM_SEEN).bind(JSON.stringify(inDoubt))] : []),
    ...(attempts.length > 0 ? [db.prepare(ATTEMPTS).bind(JSON.stringify(attempts), now)] : []),
    ...promoteDuplicates(
      db,
      ended.map(({ leadKey }) => leadKey),
      now,
    ),
    ...promoteCustomers(db, known, unknown, now),
    ...joinStatements(db, await Promise.all(unknown.map(waiting)), now),
    ...more,
  ];
  if (statements.length > 0) await db.batch(statements);
}

/** A lead that ended because Dub does not know its customer: the click may have been told. */
async function waiting({ id, lead }: Claim) {
  return lead ? { id, ...(await clickKeys(lead)) } : { id };
}
