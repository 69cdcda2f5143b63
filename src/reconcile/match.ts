/** Which events leads at Dub belong to, and what follows for them; pure. */
import { SKEW } from "../dub/find.ts";
import type { LeadAtDub } from "../dub/list.ts";
import { normalEventName } from "../lead.ts";
import type { Candidate, Sighting } from "../ledger/sightings.ts";
import { isSettledByDub, REASONS } from "../states.ts";

/** `others`: leads of other senders by event name. `twice`: those of customers who have a lead of ours, too. */
export type Matched = {
  sightings: Sighting[];
  others: Record<string, number>;
  twice: Record<string, number>;
};

/** A lead with its lead key. */
export type KeyedLead = LeadAtDub & { leadKey: string };

/** Matches leads with the events that may be theirs, oldest event first. */
export function match(leads: KeyedLead[], candidates: Candidate[], now: number): Matched {
  const byKey = grouped(candidates, ({ leadKey }) => leadKey);
  const byCustomer = grouped(candidates, ({ customer }) => customer);
  const sightings = new Map<string, Sighting>();
  const others: Record<string, number> = Object.create(null);
  const twice: Record<string, number> = Object.create(null);
  for (const lead of leads) {
    const ofCustomer = byCustomer.get(lead.customer) ?? [];
    const same = ofCustomer.filter((one) => isSameLead(one, lead));
    const row = eventOf([...(byKey.get(lead.leadKey) ?? []), ...same]);
    if (row) {
      const before = sightings.get(row.id);
      if (!before || lead.clickId === row.clickId) sightings.set(row.id, sighted(row, lead, now));
    } else if (!same.some(isOurs)) add(ofCustomer.some(isOurs) ? twice : others, lead.eventName);
  }
  return { sightings: [...sightings.values()], others, twice };
}

/** An event without a lead key: what is no lead yet, or is one for each event. */
const isSameLead = ({ leadKey, eventName }: Candidate, lead: LeadAtDub) =>
  leadKey === null && eventName !== null && normalEventName(eventName) === normalEventName(lead.eventName);

/** Whether Dub has a lead by this event. */
const isOurs = ({ reason }: Candidate) => reason === "recorded" || reason === "recorded_unconfirmed";

/** The event that holds the key, or else the oldest that could have been the lead. */
function eventOf(rows: Candidate[]): Candidate | undefined {
  return (
    rows.find(({ holds, leadKey }) => holds && leadKey !== null) ??
    rows.find(({ leadKey, reason }) => leadKey !== null && isSettledByDub(REASONS[reason])) ??
    rows.find(
      ({ reason, eachEvent }) => !eachEvent && (reason === "no_click_id" || reason === "unknown_customer"),
    )
  );
}

function sighted(row: Candidate, lead: KeyedLead, now: number): Sighting {
  const { customer, leadKey, clickId, at, clickedAt, link } = lead;
  const { id, reason } = row;
  return {
    id,
    was: reason,
    becomes: becomes(row, lead, now),
    customer,
    leadKey,
    clickId,
    at,
    clickedAt,
    link,
  };
}

/** Ours, if a call of ours may have recorded it, and not before that call; another sender's otherwise. */
function becomes(row: Candidate, { at }: LeadAtDub, now: number): Sighting["becomes"] {
  if (!isSettledByDub(REASONS[row.reason]) || row.leaseUntil > now) return null;
  const mayBeOurs = row.doubt === "unknown" || row.claims > 0 || row.status === "delivered";
  return mayBeOurs && !(at < (row.doubtSince ?? 0) - SKEW) ? "recorded" : "duplicate_at_dub";
}

function grouped<T>(rows: T[], key: (row: T) => string | null): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const name = key(row);
    if (name === null) continue;
    const group = groups.get(name);
    if (group) group.push(row);
    else groups.set(name, [row]);
  }
  return groups;
}

function add(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
