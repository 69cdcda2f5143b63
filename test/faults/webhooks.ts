/** The webhooks of the planned leads, made of the providers' samples, and the clicks that are told. */
import { readSample } from "../../src/dev/files.ts";
import { DAY } from "../../src/time.ts";
import type { Faults, Told } from "./kinds.ts";

/** A lead that a webhook announces. Customer and event name are its identity. */
export type PlannedLead = {
  customer: string;
  eventName: "Sign Up" | "Started Trial";
  kind: string;
  clickId: string | null;
  /** Whether Dub must record it. */
  counts: boolean;
  elsewhere: boolean;
  /** How the click is told; undefined: the webhook carries it, if there is one. */
  told: Told | undefined;
  faults: Faults;
};

/** `deliveryId` is the same when it is sent again. `leads`: those of its events, in order. */
export type Webhook = { provider: string; deliveryId: string; body: unknown; leads: PlannedLead[] };

/** A click that is told of a customer: what the provider's webhook lacks. */
export type Claim = { told: Told; customer: string; body: object };

/** Clerk's webhook of a sign-up. `nth` tells several webhooks of one lead apart. */
export function clerkSignUp(lead: PlannedLead, nth: string): Webhook {
  const body = structuredClone(readSample("clerk").webhook) as { data: Record<string, unknown> };
  Object.assign(body.data, { id: lead.customer, unsafe_metadata: clickIdIn(lead) });
  if (lead.told) {
    const now = Date.now();
    Object.assign(body, { timestamp: now });
    Object.assign(body.data, { created_at: now, updated_at: now });
    for (const address of body.data.email_addresses as object[])
      Object.assign(address, { email_address: emailOf(lead) });
  }
  return { provider: "clerk", deliveryId: `msg_${lead.customer}_${nth}`, body, leads: [lead] };
}

/** One batch of Auth0's log with several sign-ups. */
export function auth0SignUps(leads: PlannedLead[]): Webhook {
  const [log] = readSample("auth0-logs").webhook as [{ data: { details: { body: object } } }];
  const body = leads.map((lead) => {
    const { details } = log.data;
    const form = { ...details.body, user_metadata: clickIdIn(lead), app_metadata: {} };
    return {
      ...log,
      log_id: `log_${lead.customer}`,
      data: { ...log.data, user_id: lead.customer, details: { ...details, body: form } },
    };
  });
  return { provider: "auth0-logs", deliveryId: "", body, leads };
}

/** Stripe's webhook of a sign-up or a trial. */
export function stripeWebhook(lead: PlannedLead, nth: string): Webhook {
  const sample = readSample("stripe", lead.eventName === "Sign Up" ? "sign-up" : "trial");
  const body = structuredClone(sample.webhook) as { data: { object: Record<string, unknown> } };
  const id = `evt_${lead.customer}_${lead.eventName.replace(" ", "_")}_${nth}`;
  Object.assign(body, { id });
  Object.assign(body.data.object, {
    metadata: { dubCustomerExternalId: lead.customer, ...clickIdIn(lead) },
  });
  return { provider: "stripe", deliveryId: id, body, leads: [lead] };
}

/** What tells the click of a lead, seen two days before. */
export function claimOf({ told, ...lead }: PlannedLead): Claim | undefined {
  if (told === undefined) return undefined;
  const whose = {
    session: {},
    id: { customerExternalId: lead.customer },
    email: { customerEmail: emailOf(lead) },
  };
  const click = { clickId: lead.clickId, clickedAt: Date.now() - 2 * DAY };
  return { told, customer: lead.customer, body: { ...click, ...whose[told] } };
}

function emailOf({ customer }: Pick<PlannedLead, "customer">): string {
  return `${customer}@example.com`;
}

function clickIdIn({ clickId, told }: PlannedLead): object {
  return clickId === null || told ? {} : { dubClickId: clickId };
}
