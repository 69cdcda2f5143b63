/** The ledger's row of an event, as it is kept in D1 and carried by the queue. */
import { hash } from "../hash.ts";
import { type Lead, normalEventName } from "../lead.ts";
import { printable } from "../log.ts";
import type { MappedEvent, Outcome, Waiting } from "../mapping/apply.ts";
import { type Reason, type ReasonOf, type Status, statusOf } from "../states.ts";

/** What mapping makes of an event, as the ledger keeps it. `lead` and `warnings` are JSON. */
export type MappedColumns = {
  status: Status;
  reason: Reason;
  detail: string | null;
  warnings: string | null;
  lead: string | null;
  leadKey: string | null;
} & Partial<WaitingColumns>;

/**
 * Of an event that lacks only the click id. waitsKey: the lead key that it gets with one; empty for a lead for each event.
 * customerKey, emailKey: under which its click may have been told.
 */
export type WaitingColumns = {
  waitsKey: string;
  signedUpAt: number | null;
  customerKey: string;
  emailKey: string | null;
};

/** What is known of an event when it arrives. `payload` is JSON; `receivedAt` in milliseconds. */
export type NewEvent = MappedColumns & {
  id: string;
  provider: string;
  eventId: string;
  type: string | null;
  payload: string | null;
  receivedAt: number;
};

/** Payloads longer than this many UTF-16 units are not kept; their leads are. */
const MAX_PAYLOAD = 1024 * 1024;
const MAX_NAME = 255;

/** The row that a mapped event becomes; null for one that is not kept. `text` is the event's JSON, if at hand. */
export async function newEvent(
  provider: string,
  mapped: MappedEvent,
  receivedAt: number,
  text?: string,
): Promise<NewEvent | null> {
  const { outcome } = mapped;
  if (outcome.kind === "ignored") return null;
  const payload = text ?? JSON.stringify(mapped.event);
  const eventId = mapped.eventId ?? `sha256:${await hash(payload)}`;
  return {
    ...(await mappedColumns(outcome)),
    id: await hash(provider, eventId),
    provider,
    eventId: printable(eventId, MAX_NAME),
    type: mapped.type === undefined ? null : printable(mapped.type, MAX_NAME),
    payload: payload.length > MAX_PAYLOAD ? null : payload,
    receivedAt,
  };
}

/** `reasonOfLead`: why a lead that is to be delivered is pending. */
export async function mappedColumns(
  outcome: Exclude<Outcome, { kind: "ignored" }>,
  reasonOfLead: ReasonOf<"pending"> = "new",
): Promise<MappedColumns> {
  const reason: Reason = outcome.kind === "lead" ? reasonOfLead : outcome.reason;
  return {
    status: statusOf(reason),
    reason,
    detail: outcome.kind === "ended" ? (outcome.detail ?? null) : null,
    warnings: outcome.warnings.length > 0 ? JSON.stringify(outcome.warnings) : null,
    lead: outcome.lead ? JSON.stringify(outcome.lead) : null,
    leadKey: outcome.kind === "lead" && outcome.once === "customer" ? await leadKey(outcome.lead) : null,
    ...(outcome.waits && (await waitingColumns(outcome.lead as Lead, outcome.waits))),
  };
}

async function waitingColumns(lead: Lead, { once, signedUpAt }: Waiting): Promise<WaitingColumns> {
  return {
    waitsKey: once === "customer" ? await leadKey(lead) : "",
    signedUpAt: signedUpAt ?? null,
    ...(await clickKeys(lead)),
  };
}

/** The keys under which the click of a lead's customer may have been told. */
export async function clickKeys(lead: Pick<Lead, "customerExternalId" | "customerEmail">) {
  const { customerExternalId, customerEmail } = lead;
  return {
    customerKey: await clickKey("customer", customerExternalId),
    emailKey: customerEmail === undefined ? null : await clickKey("email", customerEmail),
  };
}

/** The key under which a click is kept: a hash of the customer's id, or of the e-mail address in lower case. */
export function clickKey(kind: "customer" | "email", value: string): Promise<string> {
  return hash(kind, kind === "email" ? value.toLowerCase() : value);
}

/**
 * What makes two leads the same at Dub: the customer and the event name as Dub compares it. A lead that only registers
 * the customer counts nothing, and so does not stand in the way of one that does.
 */
export function leadKey(lead: Lead): Promise<string> {
  const registering = lead.mode === "deferred" ? ["deferred"] : [];
  return hash(lead.customerExternalId, normalEventName(lead.eventName), ...registering);
}
