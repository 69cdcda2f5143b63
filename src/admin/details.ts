/** Everything that is to be told about one event: its story, and why today's mapping file makes of it what it makes. */
import type { Deps, Env } from "../context.ts";
import { parseJson } from "../json.ts";
import type { Lead } from "../lead.ts";
import { pauseInForce } from "../ledger/pauses.ts";
import { type FoundEvent, holderOf, readEvent, type WholeRow } from "../ledger/search.ts";
import { mappingOf } from "../mapping/cache.ts";
import { type Mapping, MappingError } from "../mapping/compile.ts";
import { type Explanation, explain } from "../mapping/explain.ts";
import { DELIVERY, fingerprintOf, parseSettings, SettingsError, secretName } from "../settings.ts";
import { about } from "../states.ts";
import { exact } from "./marked.ts";
import { type DeliveryNow, type RuleNow, type StoryOf, type StoryStep, storyOf } from "./story.ts";

/** `payload`: undefined when none is kept. `mapping`, `explanation`: null when today's file can't say. */
export type EventDetails = FoundEvent & {
  story: StoryStep[];
  payload: unknown;
  lead: Partial<Lead> | null;
  mapping: Mapping | null;
  explanation: Explanation | null;
};

/** Tells an event; null when there is none with this id. */
export async function readDetails(
  env: Env,
  deps: Pick<Deps, "now" | "mappings">,
  id: string,
): Promise<EventDetails | null> {
  const found = await readEvent(env.DB, id);
  if (!found) return null;
  const { row } = found;
  const now = deps.now();
  const holder = row.reason === "duplicate_here" ? await holderOf(env.DB, id) : null;
  const payload = row.payload === null ? undefined : jsonOf(row.payload);
  const { mapping, problem } = fileOf(row.provider, deps.mappings);
  const { rule, explanation } = mapping
    ? ruleOf(env, mapping, row, payload)
    : { rule: { kind: "unknown" as const, why: problem }, explanation: null };
  const lead = objectOf(row.lead) as Partial<Lead> | null;
  const story = storyOf({
    ...found,
    now,
    lead,
    link: objectOf(row.link) as StoryOf["link"],
    warnings: (jsonOf(row.warnings) ?? []) as StoryOf["warnings"],
    holder,
    provider: mapping && {
      name: mapping.file.name,
      verify: mapping.file.verify,
      secret: secretName(row.provider),
    },
    rule,
    delivery: row.status === "pending" ? await deliveryNow(env, now) : { problem: "" },
  });
  return { ...found, story, payload, lead, mapping, explanation };
}

function fileOf(provider: string, files: Deps["mappings"]): { mapping: Mapping | null; problem: string } {
  try {
    const mapping = mappingOf(provider, files) ?? null;
    return { mapping, problem: "there is no mapping file for its provider any more" };
  } catch (error) {
    if (!(error instanceof MappingError)) throw error;
    return { mapping: null, problem: `the mapping file can't be used (${exact(error.message, 500)})` };
  }
}

function ruleOf(
  env: Env,
  mapping: Mapping,
  row: WholeRow,
  payload: unknown,
): { rule: RuleNow; explanation: Explanation | null } {
  const unknown = (why: string) => ({ rule: { kind: "unknown" as const, why }, explanation: null });
  if (payload === undefined) return unknown("its payload is not kept");
  if (row.reason === "not_split") return unknown("the webhook could not be split into its events");
  let options: { acceptTestEvents: boolean };
  try {
    options = { acceptTestEvents: parseSettings(env, ["ACCEPT_TEST_EVENTS"]).ACCEPT_TEST_EVENTS };
  } catch (error) {
    if (error instanceof SettingsError) return unknown(error.message.replace(/\.$/, ""));
    throw error;
  }
  const explanation = explain(mapping, payload, typeNow(mapping, row, payload), options);
  const { outcome, rule: index } = explanation;
  const rule = index === null ? undefined : mapping.rules[index];
  if (index === null || !rule)
    return {
      rule:
        outcome.kind === "ended"
          ? { kind: "unknown", why: `it ends before a rule takes it, since ${about(outcome.reason).means}` }
          : { kind: "none" },
      explanation,
    };
  const on = rule.on
    .filter(({ types }) => types.test(typeNow(mapping, row, payload) ?? ""))
    .map(({ type, condition }) => (condition ? `${type} if ${condition.source}` : type));
  return { rule: { kind: "taken", index, on, when: rule.when?.source }, explanation };
}

/** The type as today's mapping file reads it; a header is not kept, but what it said is. */
function typeNow(mapping: Mapping, row: Pick<WholeRow, "type">, payload: unknown): string | undefined {
  if ("header" in mapping.type) return row.type ?? undefined;
  try {
    const type = mapping.type.evaluate(payload);
    return typeof type === "number"
      ? String(type)
      : typeof type === "string" && type !== ""
        ? type
        : undefined;
  } catch {
    return undefined;
  }
}

async function deliveryNow(env: Env, now: number): Promise<DeliveryNow> {
  try {
    const settings = parseSettings(env, DELIVERY);
    const pause = await pauseInForce(env.DB, now, await fingerprintOf(settings));
    return { schedule: settings.RETRY_SCHEDULE, pause };
  } catch (error) {
    if (error instanceof SettingsError) return { problem: error.message };
    throw error;
  }
}

/** The value of a JSON column; a text that was changed by hand and is no JSON as it is. */
export function jsonOf(text: string | null): unknown {
  try {
    return text === null ? null : parseJson(text);
  } catch {
    return text;
  }
}

function objectOf(text: string | null): object | null {
  const value = jsonOf(text);
  return typeof value === "object" && !Array.isArray(value) ? value : null;
}
