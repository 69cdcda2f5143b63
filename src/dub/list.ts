/** Dub's list of a day's leads, and what Dub has of one customer (source: Dub's server and API reference). Nothing is recorded by it. */
import * as z from "zod/mini";
import { CreditedLink, type Lead, normalEventName } from "../lead.ts";
import type { Dub } from "./client.ts";
import { ask, list, SKEW, type Unlisted } from "./find.ts";

/** Leads of a page: 1.4 MB of JSON. Dub takes 1,000, and its host answers at most 4.5 MB. */
export const PAGE = 500;

/** A lead that Dub has. `clickedAt`: when its click was made, if that is known. Times in milliseconds. */
export type LeadAtDub = {
  customer: string;
  eventName: string;
  at: number;
  clickId: string;
  clickedAt: number | null;
  link: CreditedLink | null;
};

const Count = z.object({ leads: z.number() });
const Leads = z.array(
  z.object({
    timestamp: z.string(),
    eventName: z.string(),
    click: z.object({ id: z.string() }),
    link: z.optional(z.nullable(z.unknown())),
    customer: z.object({
      id: z.string(),
      externalId: z.nullable(z.string()),
      name: z.optional(z.nullable(z.string())),
    }),
  }),
);

const spanOf = (day: number) => {
  const date = new Date(day).toISOString();
  return { event: "leads", start: date, end: date };
};

/** How many leads Dub has of a day of UTC, those of deleted links included. Never throws. */
export async function countDay(dub: Dub, day: number): Promise<{ kind: "count"; leads: number } | Unlisted> {
  const answer = await ask(dub, "/analytics", { ...spanOf(day), groupBy: "count" }, Count);
  return "kind" in answer ? answer : { kind: "count", leads: answer.value.leads };
}

/**
 * A page of the leads of a day of UTC, from page 1 on. `rows`: leads on it, deleted customers included; fewer than PAGE
 * does not make it the last one, since Dub leaves out the leads of deleted links afterwards. Never throws.
 */
export async function listDay(
  dub: Dub,
  day: number,
  page: number,
): Promise<{ kind: "page"; rows: number; leads: LeadAtDub[] } | Unlisted> {
  const query = { ...spanOf(day), limit: String(PAGE), page: String(page) };
  const answer = await list(dub, "/events", query, Leads);
  if ("kind" in answer) return answer;
  const leads = answer.items.flatMap(({ timestamp, eventName, click, link, customer }) => {
    const { externalId, id, name } = customer;
    // Dub shows a deleted customer by its own id.
    if (externalId === null || (externalId === id && name === "Deleted Customer")) return [];
    const credited = CreditedLink.safeParse(link).data ?? null;
    const at = Date.parse(timestamp);
    return [{ customer: externalId, eventName, at, clickId: click.id, clickedAt: null, link: credited }];
  });
  return { kind: "page", rows: answer.items.length, leads };
}

const Customers = z.array(
  z.object({
    id: z.string(),
    externalId: z.nullable(z.string()),
    link: z.optional(z.nullable(z.object({ id: z.string() }))),
  }),
);

/** What Dub has of one lead. unclear: the customer is there with another link than the lead's, which may be deleted. */
export type LeadThere =
  | { kind: "listed"; clickId: string }
  | { kind: "missing" | "link_deleted" | "customer_deleted" | "unclear" };

/**
 * Asks for one lead that was recorded at or after `since` (milliseconds): `GET /customers`, and, if the customer and its
 * link are there, `GET /events`. `linkId`: of the link that Dub named when it recorded the lead. Never throws.
 */
export async function lookUp(
  dub: Dub,
  lead: Lead,
  since: number,
  linkId: string | null,
): Promise<LeadThere | Unlisted> {
  const externalId = lead.customerExternalId;
  const customers = await list(dub, "/customers", { externalId, includeExpandedFields: "true" }, Customers);
  if ("kind" in customers) return customers;
  // Dub's database may compare ids without regard to case.
  const same = (id: string | null) => id?.toLowerCase() === externalId.toLowerCase();
  const customer = customers.items.find((one) => same(one.externalId));
  if (!customer) return { kind: "customer_deleted" };
  if (customer.link === null) return { kind: "link_deleted" };
  const start = new Date(since - SKEW).toISOString();
  const query = { event: "leads", customerId: customer.id, start, limit: "100" };
  const events = await list(dub, "/events", query, Leads);
  if ("kind" in events) return events;
  const name = normalEventName(lead.eventName);
  const found = events.items.filter(({ eventName }) => normalEventName(eventName) === name);
  const own = found.find(({ click }) => click.id === lead.clickId) ?? found[0];
  if (own) return { kind: "listed", clickId: own.click.id };
  return { kind: linkId !== null && customer.link?.id !== linkId ? "unclear" : "missing" };
}
