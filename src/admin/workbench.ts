/** The workbench: maps a webhook by a mapping file that is being written. Nothing is stored or sent. */
import { type Context, Hono } from "hono";
import { type BodyProblem, decodeBody, readBody } from "../body.ts";
import type { Deps, Env } from "../context.ts";
import { JsonError, type JsonText, positionOf, readJsonText } from "../json-text.ts";
import { type MapOptions, type MappedEvent, mapAgain, mapWebhook } from "../mapping/apply.ts";
import { within } from "../mapping/budget.ts";
import { compileMapping, type Mapping, MappingError } from "../mapping/compile.ts";
import { explain, explainExpression, explainNames, type Step } from "../mapping/explain.ts";
import { describeUntyped } from "../mapping/untyped.ts";
import { parseSettings, SettingsError } from "../settings.ts";
import { about, statusOf } from "../states.ts";
import { utf8 } from "../verify/bytes.ts";

/** Bytes that are taken of a webhook, of a mapping file, and of both in one request. */
const MAX_WEBHOOK = 256 * 1024;
const MAX_MAPPING = 64 * 1024;
export const MAX_REQUEST = MAX_WEBHOOK + MAX_MAPPING + 16 * 1024;
/** Events of one webhook that are shown. */
export const MAX_SHOWN = 10;

const MAX_VALUE = 300;
const MAX_READS = 20;
const MAX_MISTAKES = 20;
/** Steps of evaluation for all of it, of which mapping takes so many at most, and explaining one event. */
const ALL_STEPS = 8_000_000;
const MAP_STEPS = 3_000_000;
const EXPLAIN_STEPS = 2_000_000;

/** `isEvent`: the text is one event of a webhook that is split by `each`. */
export type Trial = {
  provider: string;
  mapping: string;
  webhook: string;
  headers: Record<string, string>;
  isEvent: boolean;
};

/** What is wrong with a text. `line`, `column`: in it; `path`, `expression`, `at` (a column): in the mapping file. */
export type Mistake = {
  in: "mapping" | "webhook";
  message: string;
  line?: number;
  column?: number;
  path?: string;
  expression?: string;
  at?: number;
};

/** A value that is too long is `cut`: the beginning of its JSON. `line`: of the mapping file. */
export type TriedStep = Step & { line: number; cut?: string };

export type TriedEvent = {
  type: string | null;
  eventId: string | null;
  becomes: "lead" | "skipped" | "rejected" | "ignored";
  reason?: string;
  means?: string;
  todo?: string;
  detail?: string;
  lead?: Record<string, unknown>;
  warnings: { field: string; did: string }[];
  rule: number | null;
  steps: TriedStep[];
};

/**
 * `events`: the first ten. Of the mapping file, as far as it could be read: `headers`, those that it needs; `isSplit`,
 * whether `each` takes a webhook apart.
 */
export type Tried = {
  mistakes: Mistake[];
  each: TriedStep | null;
  events: TriedEvent[];
  more: number;
  headers: string[];
  isSplit: boolean;
};

/** The route `POST /workbench`. */
export function workbenchRoute({ mappings }: Pick<Deps, "mappings">) {
  const route = new Hono<{ Bindings: Env }>();
  route.post("/workbench", async (c) => {
    const trial = await readTrial(c);
    if (typeof trial === "string") return c.json({ error: "bad_request", message: trial }, 400);
    return c.json(tryMapping(trial, c.env, mappings));
  });
  return route;
}

/** The trial in a request's JSON; else a sentence with what it must be. */
async function readTrial(c: Context): Promise<Trial | string> {
  const bytes = await readBody(c.req.raw, MAX_REQUEST);
  if (!bytes) return TOO_LARGE;
  const decoded = decodeBody(bytes, "json");
  const given = decoded.ok ? (decoded.value as Partial<Record<keyof Trial, unknown>> | null) : null;
  const { mapping, webhook, provider = "new", headers = {}, isEvent = false } = Object(given);
  if (mapping === undefined || webhook === undefined)
    return 'Send a JSON object such as {"mapping": {…}, "webhook": {…}, "headers": {}}; mapping and webhook may be texts.';
  const isText = (value: unknown) => typeof value === "string";
  const isMap = typeof headers === "object" && headers !== null && Object.values(headers).every(isText);
  if (!isText(provider) || typeof isEvent !== "boolean" || !isMap)
    return "provider must be a text, headers an object of texts, isEvent true or false.";
  const text = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));
  return { provider, mapping: text(mapping), webhook: text(webhook), headers, isEvent };
}

export const TOO_LARGE = `The webhook may have ${MAX_WEBHOOK / 1024} kB, and the mapping file ${MAX_MAPPING / 1024} kB.`;

/** Maps the webhook of a trial by its mapping file. `files`: the mapping files in use, to tell another provider's webhook. */
export function tryMapping(trial: Trial, env: Env, files: Record<string, unknown>): Tried {
  return within(ALL_STEPS, () => tryWithin(trial, env, files));
}

function tryWithin(trial: Trial, env: Env, files: Record<string, unknown>): Tried {
  const tried: Tried = { mistakes: [], each: null, events: [], more: 0, headers: [], isSplit: false };
  const read = readMapping(trial);
  if (!read.ok) {
    const mistakes = read.mistakes.slice(0, MAX_MISTAKES);
    const headers = Object.keys(trial.headers).slice(0, 2);
    return { ...tried, mistakes, headers, isSplit: trial.isEvent };
  }
  const { mapping, text } = read;
  tried.headers = [mapping.type, mapping.id].flatMap((one) => (one && "header" in one ? one.header : []));
  tried.isSplit = mapping.file.each !== "@";
  if (trial.webhook.trim() === "") return tried;
  const bytes = utf8(trial.webhook);
  if (bytes.length > MAX_WEBHOOK) return { ...tried, mistakes: [{ in: "webhook", message: TOO_LARGE }] };
  const decoded = decodeBody(bytes, mapping.file.format);
  if (!decoded.ok) return { ...tried, mistakes: [mistakeIn("webhook", trial.webhook, decoded.problem)] };

  const options = { acceptTestEvents: acceptsTestEvents(env) };
  const body = decoded.value;
  const mapped = within(MAP_STEPS, () => mapAll(mapping, body, trial, options));
  const shown = within(MAP_STEPS, () => describeUntyped(mapping, files, mapped.slice(0, MAX_SHOWN)));
  const place = (step: Step): TriedStep => ({ ...shortened(step), line: positionOf(text, step.path).line });
  if (tried.isSplit && !trial.isEvent)
    tried.each = within(EXPLAIN_STEPS, () => place(explainExpression(mapping.each, body)));
  tried.more = mapped.length - shown.length;
  tried.events = shown.map((one) => within(EXPLAIN_STEPS, () => triedEvent(mapping, one, options, place)));
  return tried;
}

function mapAll(mapping: Mapping, body: unknown, trial: Trial, options: MapOptions): MappedEvent[] {
  const headers = new Map(Object.entries(trial.headers).map(([name, value]) => [name.toLowerCase(), value]));
  const get = (name: string) => headers.get(name.toLowerCase()) || null;
  if (!trial.isEvent) return mapWebhook(mapping, { body, headers: { get }, deliveryId: undefined }, options);
  const header = (selector: Mapping["id"]) =>
    selector && "header" in selector ? get(selector.header) : null;
  const kept = { event: body, type: header(mapping.type), eventId: header(mapping.id) ?? "", whole: false };
  return mapAgain(mapping, kept, options);
}

function triedEvent(
  mapping: Mapping,
  { event, type, eventId, outcome }: MappedEvent,
  options: MapOptions,
  place: (step: Step) => TriedStep,
): TriedEvent {
  const isSplit = !(outcome.kind === "ended" && outcome.reason === "not_split");
  const { rule, steps } = isSplit ? explain(mapping, event, type, options) : { rule: null, steps: [] };
  const names = isSplit ? explainNames(mapping, event) : [];
  const known = {
    type: type ?? null,
    eventId: eventId || null,
    rule,
    steps: [...steps, ...names].map(place),
  };
  if (outcome.kind === "ignored")
    return { ...known, becomes: "ignored", warnings: [], ...ignored(mapping, type) };
  const { warnings, lead } = outcome;
  if (outcome.kind === "lead") return { ...known, becomes: "lead", warnings, lead: outcome.lead };
  const { reason, detail } = outcome;
  const { means, todo } = about(reason);
  return {
    ...known,
    becomes: statusOf(reason),
    reason,
    means,
    todo,
    ...(detail !== undefined && { detail: detail.slice(0, 1000) }),
    ...(lead && { lead }),
    warnings,
  };
}

function ignored({ rules }: Mapping, type = "") {
  const isFor = rules.some(({ on }) => on.some(({ types }) => types.test(type)));
  const types = [...new Set(rules.flatMap(({ on }) => on.map((one) => one.type)))].slice(0, MAX_SHOWN);
  return {
    means: "no rule takes the event: it is answered, and not kept",
    detail: isFor
      ? "a rule is for its type, and its condition is not met"
      : `the rules are for ${types.join(", ").slice(0, 1000)}`,
  };
}

function readMapping(
  trial: Trial,
): { ok: true; mapping: Mapping; text: JsonText } | { ok: false; mistakes: Mistake[] } {
  const { mapping: written, provider } = trial;
  const bytes = utf8(written);
  if (bytes.length > MAX_MAPPING) return { ok: false, mistakes: [{ in: "mapping", message: TOO_LARGE }] };
  const decoded = decodeBody(bytes, "json");
  if (!decoded.ok) return { ok: false, mistakes: [mistakeIn("mapping", written, decoded.problem)] };
  try {
    const text = readJsonText(written);
    try {
      return { ok: true, mapping: compileMapping(provider, text.value), text };
    } catch (error) {
      if (!(error instanceof MappingError)) throw error;
      const mistakes = error.problems.map(({ path, message, expression, column }): Mistake => {
        const position = positionOf(text, path, { column, key: message === "unknown key" });
        return {
          in: "mapping",
          message,
          path,
          ...position,
          ...(expression !== undefined && { expression }),
          ...(column !== undefined && { at: column }),
        };
      });
      return { ok: false, mistakes };
    }
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    return { ok: false, mistakes: [{ in: "mapping", ...placeOf(error) }] };
  }
}

function mistakeIn(text: Mistake["in"], written: string, problem: BodyProblem): Mistake {
  if (problem === "too_deep") return { in: text, message: "it is nested more than 100 levels deep" };
  try {
    readJsonText(written);
  } catch (error) {
    if (error instanceof JsonError) return { in: text, ...placeOf(error) };
    throw error;
  }
  return { in: text, message: "it is no JSON" };
}

function placeOf({ message, line, column }: JsonError): Pick<Mistake, "message" | "line" | "column"> {
  return { message, line, column };
}

function shortened({ value = null, ...step }: Step): Step & { cut?: string } {
  const reads = step.reads.slice(0, MAX_READS);
  if (step.error) return { ...step, reads };
  const text = JSON.stringify(value);
  return text.length > MAX_VALUE
    ? { ...step, cut: `${text.slice(0, MAX_VALUE).toWellFormed()}…`, reads }
    : { ...step, value, reads };
}

function acceptsTestEvents(env: Env): boolean {
  try {
    return parseSettings(env, ["ACCEPT_TEST_EVENTS"]).ACCEPT_TEST_EVENTS;
  } catch (error) {
    if (error instanceof SettingsError) return false;
    throw error;
  }
}
