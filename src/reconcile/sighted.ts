/** Leads that Dub was seen to have, by its list or its webhook: the events that they belong to are settled. */
import type { D1Database, D1PreparedStatement } from "@cloudflare/workers-types";
import type { LeadAtDub } from "../dub/list.ts";
import { leadKey } from "../ledger/event.ts";
import { findCandidates, sightingStatements } from "../ledger/sightings.ts";
import { log } from "../log.ts";
import { type KeyedLead, type Matched, match } from "./match.ts";

/** Settles the events of some leads, with `more` statements in the same transaction. No event is made, nothing is sent to Dub. */
export async function sighted(
  db: D1Database,
  leads: LeadAtDub[],
  now: number,
  more: (matched: Matched) => D1PreparedStatement[] = () => [],
): Promise<Matched> {
  const keyed = await Promise.all(leads.map(withKey));
  const candidates = await findCandidates(
    db,
    keyed.map((one) => one.leadKey),
    [...new Set(keyed.map(({ customer }) => customer))],
  );
  const matched = match(keyed, candidates, now);
  const settled = new Set(
    candidates.flatMap(({ id, atDub, dubClick }) => (atDub === "listed" && dubClick === null ? [id] : [])),
  );
  const news = matched.sightings.filter(
    ({ id, becomes, clickedAt }) => becomes !== null || clickedAt !== null || !settled.has(id),
  );
  const statements = [...sightingStatements(db, news, now), ...more(matched)];
  if (statements.length > 0) await db.batch(statements);
  for (const { id, was, becomes } of news)
    if (becomes !== null) log("info", "settled_by_dub", { event: id, was, reason: becomes });
  return matched;
}

async function withKey(lead: LeadAtDub): Promise<KeyedLead> {
  const { customer, eventName } = lead;
  return { ...lead, leadKey: await leadKey({ clickId: "", eventName, customerExternalId: customer }) };
}
