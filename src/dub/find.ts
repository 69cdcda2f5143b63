/** Asking Dub whether it has a lead, when the answer to the recording call was lost (source: Dub's server and API reference). */
import * as z from "zod/mini";
import { CreditedLink, type Lead, normalEventName } from "../lead.ts";
import { call, type Dub, waitOf } from "./client.ts";

/** present: Dub lists the lead. absent: it does not, or not yet. refused: the key may not ask. failed: no answer of use. throttled: 429. */
export type Found =
  | { kind: "present"; link: CreditedLink | null }
  | { kind: "absent" }
  | { kind: "refused"; message: string }
  | { kind: "failed"; message: string }
  | { kind: "throttled"; waitMs: number };

/** Calls that `findLead` makes at most. */
export const FIND_CALLS = 2;
/** Dub's clock and ours may differ by so much (milliseconds). */
const SKEW = 300_000;

const Customers = z.array(z.object({ id: z.string(), externalId: z.nullable(z.string()) }));
const Events = z.array(
  z.object({ eventName: z.string(), timestamp: z.string(), link: z.optional(z.nullable(z.unknown())) }),
);

/**
 * Looks for a lead recorded at or after `since` (milliseconds): `GET /customers`, then `GET /events`, which needs a key
 * with the permission analytics.read. Dub lists a lead some time after it has recorded it. Never throws.
 */
export async function findLead(dub: Dub, lead: Lead, since: number): Promise<Found> {
  const customers = await list(dub, "/customers", { externalId: lead.customerExternalId }, Customers);
  if ("kind" in customers) return customers;
  // Dub's database may compare ids without regard to case.
  const id = lead.customerExternalId.toLowerCase();
  const customer = customers.items.find(({ externalId }) => externalId?.toLowerCase() === id);
  if (!customer) return { kind: "absent" };
  const start = new Date(since - SKEW).toISOString();
  const query = { event: "leads", customerId: customer.id, start, limit: "100" };
  const events = await list(dub, "/events", query, Events);
  if ("kind" in events) return events;
  const name = normalEventName(lead.eventName);
  const found = events.items.find(
    ({ eventName, timestamp }) =>
      normalEventName(eventName) === name && !(Date.parse(timestamp) < since - SKEW),
  );
  if (!found) return { kind: "absent" };
  return { kind: "present", link: CreditedLink.safeParse(found.link).data ?? null };
}

async function list<T>(
  dub: Dub,
  path: string,
  query: Record<string, string>,
  schema: z.ZodMiniType<T[]>,
): Promise<{ items: T[] } | Exclude<Found, { kind: "present" | "absent" }>> {
  const reply = await call(dub, `${path}?${new URLSearchParams(query)}`);
  if (reply.status === null) return { kind: "failed", message: reply.message };
  const { status, body, headers } = reply;
  const about = `GET ${path}: ${status}`;
  if (status === 429) return { kind: "throttled", waitMs: waitOf(headers, dub.now()) };
  // What is no JSON comes from something in between.
  if (status >= 500 || body === undefined) return { kind: "failed", message: about };
  const parsed = schema.safeParse(body);
  return reply.ok && parsed.success ? { items: parsed.data } : { kind: "refused", message: about };
}
