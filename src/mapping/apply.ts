/** Applies a compiled mapping: one webhook → its events, each with the lead it makes or the reason why it makes none. */
import { type Lead, type LeadField, tidyLead, type Warning } from "../lead.ts";
import { printable } from "../log.ts";
import type { ReasonOf } from "../states.ts";
import { clickIdProblem, usableClickId } from "../usable.ts";
import { withAnyText } from "./click-text.ts";
import type { Compiled, CompiledRule, Mapping, Value } from "./compile.ts";
import { evaluate, isTrue } from "./expression.ts";
import { milliseconds } from "./functions.ts";

/** The result of mapping one event. `ended` events are kept with their reason, `ignored` ones are not kept. */
export type Outcome =
  | { kind: "lead"; lead: Lead; once: "customer" | "event"; warnings: Warning[]; waits?: Waiting }
  | {
      kind: "ended";
      reason: ReasonOf<"skipped" | "rejected">;
      detail?: string;
      warnings: Warning[];
      /** As far as it could be mapped: never delivered, only to find the event by. */
      lead?: Partial<Lead>;
      waits?: Waiting;
    }
  | { kind: "ignored" };

/** An event that lacks only the click id: it becomes a lead when its click is told. `signedUpAt` in milliseconds, if known. */
export type Waiting = { once: "customer" | "event"; signedUpAt?: number };

export type MappedEvent = {
  event: unknown;
  /** The event's type as the provider names it. */
  type: string | undefined;
  /** What makes a redelivery the same event; undefined when neither mapping nor scheme names it. */
  eventId: string | undefined;
  outcome: Outcome;
};

export type Webhook = { body: unknown; headers: Pick<Headers, "get">; deliveryId: string | undefined };
export type MapOptions = { acceptTestEvents: boolean };

/** Splits a webhook into its events and maps each. Never throws: an expression that fails ends its event. */
export function mapWebhook(mapping: Mapping, webhook: Webhook, options: MapOptions): MappedEvent[] {
  const { events, problem } = split(mapping, webhook.body);
  return events.map((event, i) => {
    const header = (selector: { header: string }) => webhook.headers.get(selector.header) ?? undefined;
    const numbered = (id: string | undefined) => (id && events.length > 1 ? `${id}#${i}` : id);
    const type = "header" in mapping.type ? header(mapping.type) : textOf(mapping.type, event);
    const ownId =
      mapping.id === undefined
        ? undefined
        : "header" in mapping.id
          ? numbered(header(mapping.id))
          : textOf(mapping.id, event);
    const outcome: Outcome = problem ?? mapEvent(mapping, event, type, options);
    return { event, type, eventId: ownId ?? numbered(webhook.deliveryId), outcome };
  });
}

/** What is kept of an event: the whole webhook, if it could not be split into events. */
export type KeptEvent = { event: unknown; type: string | null; eventId: string; whole: boolean };

/** Maps what was kept once more. Headers are not kept: type and id stand in for those that were read from one. */
export function mapAgain(mapping: Mapping, kept: KeptEvent, options: MapOptions): MappedEvent[] {
  const typeHeader = "header" in mapping.type ? mapping.type.header : undefined;
  const headers = { get: (name: string) => (name === typeHeader ? kept.type : kept.eventId) };
  if (kept.whole) {
    const deliveryId = kept.eventId.startsWith("sha256:") ? undefined : kept.eventId;
    return mapWebhook(mapping, { body: kept.event, headers, deliveryId }, options);
  }
  const type = "header" in mapping.type ? (kept.type ?? undefined) : textOf(mapping.type, kept.event);
  const outcome = mapEvent(mapping, kept.event, type, options);
  return [{ event: kept.event, type, eventId: kept.eventId, outcome }];
}

/** Maps one event. `type` is given, since it may have come from a header. */
export function mapEvent(
  mapping: Mapping,
  event: unknown,
  type: string | undefined,
  options: MapOptions,
): Outcome {
  if (typeof event !== "object" || event === null || Array.isArray(event)) return ended("not_an_object");
  try {
    const thin = mapping.thin && evaluated(mapping.thin, event);
    if (isTrue(thin)) return ended("thin_event", typeof thin === "string" ? thin : undefined);
    if (type === undefined) return ended("no_event_type", withoutType(mapping, event));
    const rule = mapping.rules.find((one) => takes(one, type, event));
    if (!rule) return { kind: "ignored" };
    if (truthy(mapping.otherAccount, event)) return { ...ended("other_account"), ...leadOf(rule, event) };
    if (!options.acceptTestEvents && truthy(mapping.test, event))
      return { ...ended("test_event"), ...leadOf(rule, event) };
    return applyRule(rule, event, mapping.signedUpAt);
  } catch (error) {
    if (error instanceof EvaluationError) return ended("expression_failed", error.message);
    throw error;
  }
}

/** Whether a rule is for an event: its type, its condition and `when`. Throws when one of them fails. */
export function takes({ on, when }: CompiledRule, type: string, event: object): boolean {
  return (
    on.some(({ types, condition }) => types.test(type) && (!condition || truthy(condition, event))) &&
    (!when || truthy(when, event))
  );
}

const MAX_KEYS = 10;
const MAX_KEY = 40;

function withoutType({ type }: Mapping, event: object): string {
  const cause = "header" in type ? `header ${type.header} is missing` : `type: ${type.source} gave no text`;
  const keys = Object.keys(event).map((key) => printable(key, MAX_KEY));
  const more = keys.length > MAX_KEYS ? ", …" : "";
  return `${cause}; the event has ${keys.slice(0, MAX_KEYS).join(", ") || "no fields"}${more}`;
}

/** The lead of an event that is not delivered whatever it holds. */
function leadOf(rule: CompiledRule, event: object): { lead?: Partial<Lead> } {
  try {
    const outcome = applyRule(rule, event);
    return outcome.kind !== "ignored" && outcome.lead ? { lead: outcome.lead } : {};
  } catch (error) {
    if (error instanceof EvaluationError) return {};
    throw error;
  }
}

const REQUIRED: LeadField[] = ["customerExternalId", "eventName"];

function applyRule(rule: CompiledRule, event: object, signedUpAt?: Compiled): Outcome {
  const raw: Partial<Record<LeadField, unknown>> = {};
  const failed: Warning[] = [];
  for (const { field, value } of rule.lead) {
    try {
      raw[field] = resolve(value, event);
    } catch (error) {
      if (!(error instanceof EvaluationError) || REQUIRED.includes(field)) throw error;
      failed.push({ field, did: `dropped: ${error.message}` });
    }
  }
  const tidied = tidyLead(raw);
  const withoutClickId = usableClickId(raw.clickId) === undefined;
  const instead = withoutClickId ? insteadOfClickId(rule, event) : [];
  const warnings = [...failed, ...instead, ...tidied.warnings];
  const waits = withoutClickId && tidied.ok && { waits: waiting(rule, event, signedUpAt) };
  if (rule.withoutClickId === "skip" && withoutClickId)
    return { kind: "ended", reason: "no_click_id", warnings, lead: tidied.lead, ...waits };
  if (!tidied.ok)
    return { kind: "ended", reason: tidied.reason, detail: tidied.detail, warnings, lead: tidied.lead };
  return { kind: "lead", lead: tidied.lead, once: rule.once, warnings, ...waits };
}

function waiting({ once }: CompiledRule, event: object, signedUpAt: Compiled | undefined): Waiting {
  try {
    const time = signedUpAt ? milliseconds(signedUpAt.evaluate(event)) : Number.NaN;
    return Number.isNaN(time) ? { once } : { once, signedUpAt: Math.floor(time) };
  } catch {
    return { once };
  }
}

/** What the form passed instead of a click id. */
function insteadOfClickId({ lead }: CompiledRule, event: object): Warning[] {
  const value = lead.find(({ field }) => field === "clickId")?.value;
  if (value?.kind !== "expression") return [];
  try {
    const did = clickIdProblem(evaluate(withAnyText(value.ast), event));
    return did === undefined ? [] : [{ field: "clickId", did }];
  } catch {
    return [];
  }
}

function resolve(value: Value, event: object): unknown {
  switch (value.kind) {
    case "constant":
      return value.value;
    case "expression":
      return evaluated(value, event);
    case "object":
      return Object.fromEntries(value.entries.map(([key, inner]) => [key, resolve(inner, event)]));
  }
}

class EvaluationError extends Error {}

function evaluated(expression: Compiled, event: unknown): unknown {
  try {
    return expression.evaluate(event);
  } catch (error) {
    throw new EvaluationError(`${expression.path}: ${(error as Error).message}`);
  }
}

function truthy(expression: Compiled | undefined, event: unknown): boolean {
  return expression !== undefined && isTrue(evaluated(expression, event));
}

function textOf(expression: Compiled, event: unknown): string | undefined {
  try {
    const value = expression.evaluate(event);
    return typeof value === "string" && value !== ""
      ? value
      : typeof value === "number"
        ? String(value)
        : undefined;
  } catch {
    return undefined;
  }
}

function split(mapping: Mapping, body: unknown): { events: unknown[]; problem?: Outcome } {
  try {
    const events = evaluated(mapping.each, body);
    if (isEmptyBatch(mapping, body)) return { events: [] };
    if (Array.isArray(events) && events.length > 0) return { events };
    if (Array.isArray(events))
      return { events: [body], problem: ended("not_split", "each: gave an empty list") };
    if (events !== null && events !== undefined) return { events: [events] };
    if (body === null) return { events: [null] };
    return { events: [body], problem: ended("not_split", "each: gave no event") };
  } catch (error) {
    return { events: [body], problem: ended("not_split", (error as Error).message) };
  }
}

/** Whether the body of a provider that sends batches says itself that it holds no event, such as `[]` or `{"logs": []}`. */
function isEmptyBatch(mapping: Mapping, body: unknown): boolean {
  if (mapping.file.each === "@" || typeof body !== "object" || body === null) return false;
  if (Array.isArray(body)) return body.length === 0;
  const values = Object.values(body);
  const lists = values.filter(Array.isArray);
  const others = values.filter(
    (value) => typeof value === "string" || (typeof value === "object" && value !== null),
  );
  return lists.length > 0 && lists.every(({ length }) => length === 0) && others.length === lists.length;
}

function ended(reason: ReasonOf<"skipped" | "rejected">, detail?: string): Outcome & { kind: "ended" } {
  return { kind: "ended", reason, warnings: [], ...(detail !== undefined && { detail }) };
}
