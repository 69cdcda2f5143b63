/** What an event looks like whose type can't be read: another provider's, or one in or without an envelope. */
import { type MappedEvent, mapWebhook, type Outcome } from "./apply.ts";
import { mappingOf } from "./cache.ts";
import { type Mapping, MappingError } from "./compile.ts";

/** Events of one webhook that are looked at; those after them are usually of the same shape. */
const MAX_LOOKED_AT = 10;

/** Adds to the detail of each event without a type what it looks like, as far as the mapping `files` can tell. */
export function describeUntyped(
  own: Mapping,
  files: Record<string, unknown>,
  mapped: MappedEvent[],
): MappedEvent[] {
  let lookedAt = 0;
  return mapped.map((one) => {
    const { outcome, event } = one;
    if (outcome.kind !== "ended" || outcome.reason !== "no_event_type") return one;
    if (lookedAt++ >= MAX_LOOKED_AT) return one;
    const shape = shapeOf(own, others(own, files), event as Record<string, unknown>);
    if (!shape) return one;
    return { ...one, outcome: { ...outcome, detail: `${shape}; ${outcome.detail}` } };
  });
}

function shapeOf(own: Mapping, others: Mapping[], event: Record<string, unknown>): string | undefined {
  const named = bestOf(others, event, RULE);
  if (named) return `it looks like a webhook of ${named}: correct the address at the provider`;

  const [, envelope] = "source" in own.type ? (/^(\w+)\.[\w.]+$/.exec(own.type.source) ?? []) : [];
  if (envelope !== undefined && !(envelope in event) && bestOf([own], { [envelope]: event }, TYPE))
    return `it looks like what belongs into "${envelope}", without the rest of the webhook`;

  const bus = "detail-type" in event && "detail" in event;
  for (const [key, value] of Object.entries(event)) {
    const inner = objectIn(value);
    const found = inner && (bestOf([own], inner, TYPE) ?? bestOf(others, inner, RULE));
    if (found)
      return `${bus ? "it is an Amazon EventBridge envelope" : "it is wrapped"}: its "${key}" looks like a webhook of ${found}. Have it sent without the envelope`;
  }
  return bus ? "it is an Amazon EventBridge envelope (detail-type, detail): have it sent without" : undefined;
}

/** How well a mapping fits: a rule is for the event's type, or the type can at least be read. */
const [TYPE, RULE, LEAD] = [1, 2, 3] as const;

/** The providers whose mapping fits an event best, and at least so well, with the type. */
function bestOf(mappings: Mapping[], event: object, least: number): string | undefined {
  const fits = mappings.map((mapping) => ({ provider: mapping.provider, ...fitOf(mapping, event) }));
  const best = Math.max(least, ...fits.map(({ fit }) => fit));
  const named = fits.filter(({ fit }) => fit === best);
  return named.length > 0
    ? named.map(({ provider, type }) => `${provider} (type ${type})`).join(" or ")
    : undefined;
}

function fitOf(mapping: Mapping, event: object): { fit: number; type: string } {
  const webhook = { body: event, headers: { get: () => null }, deliveryId: undefined };
  const [first] = mapWebhook(mapping, webhook, { acceptTestEvents: true });
  return first?.type === undefined
    ? { fit: 0, type: "" }
    : { fit: fitOfOutcome(first.outcome), type: first.type.slice(0, 50) };
}

function fitOfOutcome(outcome: Outcome): number {
  if (outcome.kind === "ignored") return TYPE;
  if (outcome.lead?.customerExternalId && outcome.lead.eventName) return LEAD;
  return ["thin_event", "not_split", "not_an_object"].includes(outcome.kind === "ended" ? outcome.reason : "")
    ? 0
    : RULE;
}

/** An object, also as JSON in a text: so a message bus carries it. */
function objectIn(value: unknown): object | undefined {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  if (typeof value !== "string" || !value.startsWith("{")) return undefined;
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}

/** The other mappings that are in order. */
function others(own: Mapping, files: Record<string, unknown>): Mapping[] {
  return Object.keys(files)
    .filter((provider) => provider !== own.provider)
    .map((provider) => {
      try {
        return mappingOf(provider, files);
      } catch (error) {
        if (error instanceof MappingError) return undefined;
        throw error;
      }
    })
    .filter((mapping) => mapping !== undefined);
}
