/** Asking Dub whether it has a lead, when the answer to the recording call was lost (source: Dub's server and API reference). */
import * as z from "zod/mini";
import { CreditedLink, type Lead, normalEventName } from "../lead.ts";
import { call, type Dub, waitOf, wordsOf } from "./client.ts";
import { type Refusal, refusalOf } from "./refusal.ts";

/** present: Dub lists the lead. absent: it does not, or not yet. refused: Dub does not let the key ask; `said`: why, in Dub's words. failed: no answer of use. throttled: 429; `listsOnly`: by the limit of lists and analytics, which is counted apart. */
export type Found =
  | { kind: "present"; link: CreditedLink | null }
  | { kind: "absent" }
  | { kind: "refused"; why: Refusal; message: string; said?: string }
  | { kind: "failed"; message: string }
  | { kind: "throttled"; waitMs: number; listsOnly: boolean };

/** No list: see `Found`. */
export type Unlisted = Exclude<Found, { kind: "present" | "absent" }>;

/** Calls that `findLead` makes at most. */
export const FIND_CALLS = 2;
/** Dub's clock and ours may differ by so much (milliseconds). */
export const SKEW = 300_000;

const Customers = z.array(z.object({ id: z.string(), externalId: z.nullable(z.string()) }));
const Events = z.array(
  z.object({ eventName: z.string(), timestamp: z.string(), link: z.optional(z.nullable(z.unknown())) }),
);

/** A lead as Dub lists it. */
export type ListedLead = { eventName: string; timestamp: string; link: CreditedLink | null };

/** What Dub lists for a customer; `known`: whether it has a customer of this id. */
export type Listed = { kind: "listed"; known: boolean; leads: ListedLead[] } | Unlisted;

/**
 * Looks for a lead recorded at or after `since` (milliseconds). Dub lists a lead some time after it has recorded it.
 * Never throws.
 */
export async function findLead(dub: Dub, lead: Lead, since: number): Promise<Found> {
  const start = since - SKEW;
  const listed = await listLeads(dub, lead.customerExternalId, start);
  if (listed.kind !== "listed") return listed;
  const name = normalEventName(lead.eventName);
  const found = listed.leads.find(
    ({ eventName, timestamp }) => normalEventName(eventName) === name && !(Date.parse(timestamp) < start),
  );
  return found ? { kind: "present", link: found.link } : { kind: "absent" };
}

/**
 * The leads of a customer since `start` (milliseconds), 100 at most: `GET /customers`, then `GET /events`, which needs a
 * key with the permission analytics.read. Never throws.
 */
export async function listLeads(dub: Dub, externalId: string, start: number): Promise<Listed> {
  const customers = await list(dub, "/customers", { externalId }, Customers);
  if ("kind" in customers) return customers;
  // Dub's database may compare ids without regard to case.
  const id = externalId.toLowerCase();
  const customer = customers.items.find((one) => one.externalId?.toLowerCase() === id);
  if (!customer) return { kind: "listed", known: false, leads: [] };
  const query = {
    event: "leads",
    customerId: customer.id,
    start: new Date(start).toISOString(),
    limit: "100",
  };
  const events = await list(dub, "/events", query, Events);
  if ("kind" in events) return events;
  const leads = events.items.map(({ eventName, timestamp, link }) => ({
    eventName,
    timestamp,
    link: CreditedLink.safeParse(link).data ?? null,
  }));
  return { kind: "listed", known: true, leads };
}

/** Asks Dub for a list. Never throws. */
export async function list<T>(
  dub: Dub,
  path: string,
  query: Record<string, string>,
  schema: z.ZodMiniType<T[]>,
): Promise<{ items: T[] } | Unlisted> {
  const answer = await ask(dub, path, query, schema);
  return "kind" in answer ? answer : { items: answer.value };
}

/** Asks Dub for what `schema` describes. Never throws. */
export async function ask<T>(
  dub: Dub,
  path: string,
  query: Record<string, string>,
  schema: z.ZodMiniType<T>,
): Promise<{ value: T } | Unlisted> {
  const reply = await call(dub, `${path}?${new URLSearchParams(query)}`);
  if (reply.status === null) return { kind: "failed", message: reply.message };
  const { status, body, headers } = reply;
  const about = `GET ${path}: ${status}`;
  if (status === 429)
    return { kind: "throttled", waitMs: waitOf(headers, dub.now()), listsOnly: path !== "/customers" };
  // What is no JSON comes from something in between.
  if (status >= 500 || body === undefined) return { kind: "failed", message: about };
  const parsed = schema.safeParse(body);
  if (reply.ok && parsed.success) return { value: parsed.data };
  const said = wordsOf(body);
  return {
    kind: "refused",
    why: refusalOf(status, said),
    message: about,
    ...(said !== undefined && { said }),
  };
}
