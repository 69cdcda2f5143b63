/** The webhooks of the planned leads, made of the providers' samples. */
import { readSample } from "../../src/dev/files.ts";
import type { Faults } from "./kinds.ts";

/** A lead that a webhook announces. Customer and event name are its identity. */
export type PlannedLead = {
  customer: string;
  eventName: "Sign Up" | "Started Trial";
  kind: string;
  clickId: string | null;
  /** Whether Dub must record it. */
  counts: boolean;
  elsewhere: boolean;
  faults: Faults;
};

/** `deliveryId` is the same when it is sent again. `leads`: those of its events, in order. */
export type Webhook = { provider: string; deliveryId: string; body: unknown; leads: PlannedLead[] };

/** Clerk's webhook of a sign-up. `nth` tells several webhooks of one lead apart. */
export function clerkSignUp(lead: PlannedLead, nth: string): Webhook {
  const body = structuredClone(readSample("clerk").webhook) as { data: Record<string, unknown> };
  Object.assign(body.data, { id: lead.customer, unsafe_metadata: clickIdIn(lead) });
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

function clickIdIn({ clickId }: PlannedLead): object {
  return clickId === null ? {} : { dubClickId: clickId };
}
