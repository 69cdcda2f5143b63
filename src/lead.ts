/**
 * The lead body: what Dub's `POST /track/lead` accepts, and the tidying that keeps a lead valid, so that an
 * optional field never makes the lead fail.
 */
import * as z from "zod/mini";
import { isEmail, isPlaceholder, isUsable, usableClickId } from "./usable.ts";

/** Limits of the lead body, in UTF-16 units or pieces (source: Dub's OpenAPI document and server; avatar: ours). */
export const LIMITS = {
  avatar: 2000,
  name: 100,
  externalId: 100,
  eventName: 255,
  quantity: 100,
  metadata: 10_000,
};

/** At most `max` UTF-16 units; zod's own maxLength counts whole characters, Dub's does not. */
const atMost = (max: number) => z.refine<string>((value) => value.length <= max);

/** The nine fields of Dub's TrackLeadRequestBody. `clickId: ""` means "the click of a customer Dub knows". */
export const Lead = z.strictObject({
  clickId: z.string(),
  eventName: z.string().check(z.minLength(1), atMost(LIMITS.eventName)),
  customerExternalId: z.string().check(z.minLength(1), atMost(LIMITS.externalId)),
  customerName: z.optional(z.string().check(atMost(LIMITS.name))),
  customerEmail: z.optional(z.string().check(z.refine(isEmail))),
  customerAvatar: z.optional(z.string()),
  eventQuantity: z.optional(z.int().check(z.gte(1), z.lte(LIMITS.quantity))),
  mode: z.optional(z.enum(["async", "wait", "deferred"])),
  metadata: z.optional(
    z.record(z.string(), z.unknown()).check(z.refine((m) => JSON.stringify(m).length <= LIMITS.metadata)),
  ),
});
export type Lead = z.infer<typeof Lead>;
export type LeadField = keyof Lead;
export const LEAD_FIELDS = Object.keys(Lead.shape) as LeadField[];

/** The link that Dub credited with a lead, as Dub writes it. */
export const CreditedLink = z.object({
  id: z.string(),
  shortLink: z.optional(z.nullable(z.string())),
  partnerId: z.optional(z.nullable(z.string())),
});
export type CreditedLink = z.infer<typeof CreditedLink>;

/** One repair made to a lead, kept with the event. `did` never repeats the value: it may be personal. */
export type Warning = { field: LeadField; did: string };

export type Tidied =
  | { ok: true; lead: Lead; warnings: Warning[] }
  | {
      ok: false;
      reason: "no_customer_id" | "customer_id_too_long" | "no_event_name";
      detail: string;
      warnings: Warning[];
      /** What the event can be found by all the same. */
      lead: Partial<Lead>;
    };

const DROPPED_PLACEHOLDER = "dropped: a placeholder such as undefined or null";

/**
 * Makes a valid lead of what a mapping gave. Optional fields that Dub would answer with 422 are cut, capped or
 * dropped, each with a warning; a missing or overlong customer id or a missing event name is an error.
 */
export function tidyLead(raw: Partial<Record<LeadField, unknown>>): Tidied {
  const warnings: Warning[] = [];
  const warn = (field: LeadField, did: string) => warnings.push({ field, did });
  const fail = (reason: Extract<Tidied, { ok: false }>["reason"], detail: string): Tidied => ({
    ok: false,
    reason,
    detail,
    warnings,
    lead: identityOf(raw),
  });

  const customerExternalId = text(raw.customerExternalId);
  if (!customerExternalId) return fail("no_customer_id", "lead.customerExternalId gave no value");
  if (!isUsable("customerExternalId", customerExternalId))
    return fail("no_customer_id", "lead.customerExternalId gave a placeholder such as undefined or null");
  if (customerExternalId.length > LIMITS.externalId)
    return fail(
      "customer_id_too_long",
      `lead.customerExternalId gave ${customerExternalId.length} characters, Dub takes ${LIMITS.externalId}`,
    );
  const eventName = text(raw.eventName);
  if (!eventName || isPlaceholder(eventName))
    return fail("no_event_name", `lead.eventName gave ${eventName ? "a placeholder" : "no value"}`);

  const lead: Lead = {
    clickId: usableClickId(raw.clickId) ?? "",
    eventName: cut(eventName, LIMITS.eventName),
    customerExternalId,
  };
  if (lead.eventName !== eventName) warn("eventName", `cut to ${LIMITS.eventName} characters`);

  const given = text(raw.customerName);
  const name = given && isUsable("customerName", given) ? withoutPlaceholders(given) : undefined;
  if (given && name !== given && isPlaceholder(given)) warn("customerName", DROPPED_PLACEHOLDER);
  else if (given && name && name !== given)
    warn("customerName", "a placeholder such as undefined was cut out");
  if (name) {
    lead.customerName = cut(name, LIMITS.name);
    if (lead.customerName !== name) warn("customerName", `cut to ${LIMITS.name} characters`);
  }
  const email = text(raw.customerEmail);
  if (email) {
    if (isEmail(email)) lead.customerEmail = email;
    else
      warn(
        "customerEmail",
        isPlaceholder(email) ? DROPPED_PLACEHOLDER : "dropped: Dub would refuse this address",
      );
  }
  const avatar = text(raw.customerAvatar);
  if (avatar && isPlaceholder(avatar)) warn("customerAvatar", DROPPED_PLACEHOLDER);
  else if (avatar && avatar.length <= LIMITS.avatar) lead.customerAvatar = avatar;
  else if (avatar) warn("customerAvatar", `dropped: longer than ${LIMITS.avatar} characters`);

  const quantity = present(raw.eventQuantity) ? numeric(raw.eventQuantity) : undefined;
  if (quantity !== undefined) {
    if (Number.isNaN(quantity)) warn("eventQuantity", "dropped: not a number");
    else {
      lead.eventQuantity = Math.min(LIMITS.quantity, Math.max(1, Math.floor(quantity)));
      if (lead.eventQuantity !== quantity)
        warn(
          "eventQuantity",
          `set to ${lead.eventQuantity}: Dub takes whole numbers from 1 to ${LIMITS.quantity}`,
        );
    }
  }
  const mode = text(raw.mode);
  if (mode) {
    const known = Lead.shape.mode.safeParse(mode);
    if (known.success) lead.mode = known.data;
    else warn("mode", "dropped: it is neither async, wait nor deferred");
  }
  const metadata = tidyMetadata(raw.metadata);
  if (metadata === "not an object") warn("metadata", "dropped: not an object");
  else if (metadata === "too long")
    warn("metadata", `dropped: longer than ${LIMITS.metadata} characters as JSON`);
  else if (metadata) lead.metadata = metadata;
  return { ok: true, lead, warnings };
}

/** The usable ones of the fields that say whose a lead is. */
function identityOf(raw: Partial<Record<LeadField, unknown>>): Partial<Lead> {
  const clickId = usableClickId(raw.clickId);
  const customerExternalId = text(raw.customerExternalId);
  const customerEmail = text(raw.customerEmail);
  return {
    ...(clickId !== undefined && { clickId }),
    ...(customerExternalId &&
      customerExternalId.length <= LIMITS.externalId &&
      isUsable("customerExternalId", customerExternalId) && { customerExternalId }),
    ...(customerEmail && isEmail(customerEmail) && { customerEmail }),
  };
}

/** Event name as Dub compares it for deduplication: lower case, each space a dash (source: Dub's server). */
export function normalEventName(name: string): string {
  return name.trim().toLowerCase().replaceAll(" ", "-");
}

function tidyMetadata(value: unknown): Record<string, unknown> | "not an object" | "too long" | undefined {
  if (!present(value)) return undefined;
  if (typeof value !== "object" || Array.isArray(value)) return "not an object";
  const entries = Object.entries(value as object).filter(([, v]) => v !== null && v !== undefined);
  if (entries.length === 0) return undefined;
  const metadata = Object.fromEntries(entries);
  return JSON.stringify(metadata).length > LIMITS.metadata ? "too long" : metadata;
}

/** A trimmed, non-empty string; numbers become strings. Booleans are what `a && b` leaves behind: absent. */
function text(value: unknown): string | undefined {
  if (typeof value === "number" && Number.isFinite(value)) return String(value);
  if (typeof value !== "string") return undefined;
  return value.trim() || undefined;
}

/** The number in a number or text; NaN for anything else. Number() itself would call what an object names toString. */
function numeric(value: unknown): number {
  return typeof value === "number" || typeof value === "string" ? Number(value) : Number.NaN;
}

function present(value: unknown): boolean {
  return value !== null && value !== undefined && value !== "" && typeof value !== "boolean";
}

/** A name without the words that programs leave in it: `Mira undefined` → `Mira`. */
function withoutPlaceholders(name: string): string {
  if (!/\bundefined\b|\bnull\b|\[object \w+\]/.test(name)) return name;
  const words = name.replace(/\[object \w+\]/g, "").split(/\s+/);
  return words.filter((word) => word !== "" && word !== "undefined" && word !== "null").join(" ") || name;
}

/** At most `max` UTF-16 units, never ending inside a character. */
function cut(value: string, max: number): string {
  if (value.length <= max) return value;
  let end = 0;
  for (const { segment } of new Intl.Segmenter().segment(value)) {
    if (end + segment.length > max) break;
    end += segment.length;
  }
  return value.slice(0, end).trimEnd();
}
