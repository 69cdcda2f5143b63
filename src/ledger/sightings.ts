/** Leads that Dub was seen to have: the events that they may belong to, and writing what follows. */
import type { D1Database, D1PreparedStatement } from "@cloudflare/workers-types";
import type { CreditedLink } from "../lead.ts";
import { type Doubt, isSettledByDub, type Reason, type Status, statusOf } from "../states.ts";
import { promoteKnown } from "./settle.ts";
import { HOLDS_KEY, reasons } from "./sql.ts";

/** An event that a lead may belong to. `holds`: it holds its lead key. `eventName`: of its lead, if that is kept. */
export type Candidate = {
  id: string;
  leadKey: string | null;
  customer: string | null;
  eventName: string | null;
  clickId: string | null;
  status: Status;
  reason: Reason;
  doubt: Doubt;
  doubtSince: number | null;
  claims: number;
  leaseUntil: number;
  atDub: string | null;
  dubClick: string | null;
  holds: boolean;
  /** Its rule gives a lead for each event. */
  eachEvent: boolean;
};

/** Rows that are looked at for one page of leads: more than this many events of its customers are left out. */
const MAX_CANDIDATES = 20_000;

const CANDIDATES = `
SELECT id, lead_key AS leadKey, customer_id AS customer,
  iif(json_valid(lead) AND lead->>'mode' IS NOT 'deferred', lead->>'eventName', NULL) AS eventName, click_id AS clickId, status, reason,
  doubt, doubt_since AS doubtSince, claims, lease_until AS leaseUntil, at_dub AS atDub, dub_click AS dubClick, ${HOLDS_KEY("e")} AS holds, waits_key IS '' AS eachEvent
FROM events e WHERE rowid IN (
  SELECT rowid FROM events WHERE lead_key IN (SELECT value FROM json_each(?1))
  UNION SELECT rowid FROM events WHERE customer_id IN (SELECT value FROM json_each(?2)))
ORDER BY rowid LIMIT ${MAX_CANDIDATES}`;

/** The events with one of some lead keys, or of some customers, oldest first. */
export async function findCandidates(
  db: D1Database,
  leadKeys: string[],
  customers: string[],
): Promise<Candidate[]> {
  const { results } = await db
    .prepare(CANDIDATES)
    .bind(JSON.stringify(leadKeys), JSON.stringify(customers))
    .all<Omit<Candidate, "holds" | "eachEvent"> & { holds: number; eachEvent: number }>();
  return results.map(({ holds, eachEvent, ...row }) => ({
    ...row,
    holds: holds === 1,
    eachEvent: eachEvent === 1,
  }));
}

/**
 * What is learned of one event. `becomes`: its reason from now on, or null for the one that it has. `at`: when Dub recorded
 * the lead, `clickedAt`: when its click was made, if known; both in milliseconds.
 */
export type Sighting = {
  id: string;
  was: Reason;
  becomes: "recorded" | "duplicate_at_dub" | null;
  customer: string;
  leadKey: string;
  clickId: string;
  at: number;
  clickedAt: number | null;
  link: CreditedLink | null;
};

/** Of several clicks that Dub lists with leads of one key, the lead's own counts. A row that was blanked stays so. */
const SEE = `
UPDATE events SET at_dub = 'listed', at_dub_since = iif(at_dub = 'listed', at_dub_since, ?2),
  dub_click = iif(lead IS NULL, NULL, iif(at_dub = 'listed' AND dub_click IS NULL, NULL, nullif(s.value->>'clickId', coalesce(click_id, '')))),
  clicked_at = iif(lead IS NULL, NULL, iif(at_dub IS 'listed' AND dub_click IS NULL AND s.value->>'clickId' IS NOT click_id, clicked_at, coalesce(s.value->>'clickedAt', clicked_at)))
FROM json_each(?1) s WHERE events.id = s.value->>'id'`;

/** A row that has changed since it was read, or that a consumer has leased, keeps its state; and one event holds a key. */
const SETTLE = `
UPDATE events SET status = s.value->>'status', reason = s.value->>'becomes', detail = NULL, lead_key = s.value->>'leadKey',
  doubt = NULL, doubt_since = NULL, claims = 0, next_attempt_at = NULL, queued_until = 0,
  link = iif(lead IS NULL, NULL, coalesce(s.value->>'link', link)), delivered_at = iif(s.value->>'becomes' = 'recorded', s.value->>'at', NULL)
FROM json_each(?1) s WHERE events.id = s.value->>'id' AND events.reason = s.value->>'was' AND events.lease_until <= ?2
  AND events.reason IN (${reasons(isSettledByDub)})
  AND NOT EXISTS (SELECT 1 FROM events o WHERE o.lead_key = s.value->>'leadKey' AND o.id <> events.id AND ${HOLDS_KEY("o")})`;

/** The statements that write sightings; they may be run more than once. */
export function sightingStatements(
  db: D1Database,
  sightings: Sighting[],
  now: number,
): D1PreparedStatement[] {
  const settled = sightings.flatMap(({ becomes, link, ...rest }) =>
    becomes === null
      ? []
      : [{ ...rest, becomes, status: statusOf(becomes), link: link && JSON.stringify(link) }],
  );
  if (sightings.length === 0) return [];
  return [
    db.prepare(SEE).bind(JSON.stringify(sightings), now),
    ...(settled.length > 0 ? [db.prepare(SETTLE).bind(JSON.stringify(settled), now)] : []),
    ...promoteKnown(
      db,
      settled.filter(({ becomes }) => becomes === "recorded").map(({ customer }) => customer),
      now,
    ),
  ];
}
