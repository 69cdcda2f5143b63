/** The webhook endpoint: `POST /webhooks/:provider`. */
import { type Context, Hono } from "hono";
import { type Decoded, decodeBody, readBody } from "../body.ts";
import type { Deps, Env } from "../context.ts";
import type { Counter } from "../ledger/counter.ts";
import { type NewEvent, newEvent } from "../ledger/event.ts";
import type { Ignored } from "../ledger/ignored.ts";
import { log, printable } from "../log.ts";
import { type MappedEvent, mapWebhook } from "../mapping/apply.ts";
import { mappingOf } from "../mapping/cache.ts";
import { type Mapping, MappingError } from "../mapping/compile.ts";
import { describeUntyped } from "../mapping/untyped.ts";
import { ENDPOINT, parseSettings, type Settings, secretName } from "../settings.ts";
import { about, type Reason } from "../states.ts";
import type { Verifier } from "../verify/scheme.ts";
import { explain } from "../verify/verdict.ts";
import { type EventAnswer, summary } from "./answer.ts";
import { type KeepDeps, type KeptSomewhere, keepEvents } from "./keep.ts";
import { isRefused, MAX_EVENTS, type RefuseDeps, type Refused, refuse, refusedFor } from "./refuse.ts";
import { verifierOf } from "./verifier.ts";

const MAX_PATH = 100;

type ReceiveDeps = Deps & RefuseDeps & Omit<KeepDeps, "background"> & { countIgnored: Counter<Ignored> };
type Webhooks = Context<{ Bindings: Env }>;

/** The routes under `/webhooks`. A slash at the end of the address changes nothing. */
export function webhooks(deps: ReceiveDeps) {
  const routes = new Hono<{ Bindings: Env }>();
  const paths = ["/:provider", "/:provider/"];
  routes.on("POST", paths, (c) => receive(c, deps));
  for (const path of paths) routes.all(path, (c) => refuseMethod(c, deps));
  return routes;
}

/** The answer to any other address: 404, counted if it was a POST, which may be a webhook. */
export function notFound(c: Webhooks, deps: RefuseDeps): Response {
  const { path, method } = c.req;
  if (method === "POST" && !/^\/(api|admin)(\/|$)/.test(path))
    return refuse(c, deps, null, { refused: "not_found", evidence: `POST ${printable(path, MAX_PATH)}` });
  return c.json({ error: "not_found", message: "Webhooks go to POST /webhooks/<provider>." }, 404);
}

function refuseMethod(c: Webhooks, deps: ReceiveDeps): Response {
  const evidence = `${c.req.method} ${printable(c.req.path, MAX_PATH)}`;
  const told =
    "This address takes webhooks by POST. If your provider shows this, enter the final address: a redirect turns POST into GET.";
  return refuse(c, deps, knownProvider(c, deps), { refused: "method_not_allowed", evidence, told });
}

/**
 * Receives one webhook. 200: every event is kept, or no rule takes it. Any other status: nothing is kept that the provider
 * need not send again; see ANSWERS.
 */
async function receive(c: Webhooks, deps: ReceiveDeps): Promise<Response> {
  const result = await take(c, deps);
  return isRefused(result) ? refuse(c, deps, knownProvider(c, deps), result) : c.json(result);
}

/** `warning`: the ledger fails, and the queue alone has the events. */
type Taken = { events: EventAnswer[]; warning?: string };

async function take(c: Webhooks, deps: ReceiveDeps): Promise<Taken | Refused> {
  const now = deps.now();
  const opened = await open(c, deps);
  if (isRefused(opened)) return opened;
  const body = await read(c, opened);
  if (isRefused(body)) return body;
  const proof = await prove(c, opened, body, now);
  if (isRefused(proof)) return proof;
  const decoded = decode(opened, body);
  if (isRefused(decoded)) return decoded;
  const mapped = map(c, deps, opened, decoded, proof.deliveryId);
  if (isRefused(mapped)) return mapped;
  const kept = await keep(c, deps, opened, mapped, decoded, now);
  if (isRefused(kept)) return kept;
  const events = report(c, deps, opened, mapped, kept);
  log("info", "webhook", {
    provider: opened.provider,
    bytes: body.length,
    events: events.length,
    ...summary(mapped, events),
  });
  return { events, ...(kept.warning !== undefined && { warning: kept.warning }) };
}

type Opened = {
  provider: string;
  mapping: Mapping;
  verifier: Verifier;
  settings: Pick<Settings, (typeof ENDPOINT)[number]>;
};

/** Finds settings, mapping and keys. */
async function open(c: Webhooks, deps: ReceiveDeps): Promise<Opened | Refused> {
  const provider = c.req.param("provider") ?? "";
  try {
    const settings = parseSettings(c.env, ENDPOINT);
    const mapping = mappingOf(provider, deps.mappings);
    if (!mapping)
      return {
        refused: "unknown_provider",
        evidence: `POST ${printable(c.req.path, MAX_PATH)}`,
        told: `There is no mapping file for this provider. There are: ${Object.keys(deps.mappings).join(", ")}.`,
      };
    const verifier = await verifierOf(mapping, c.env);
    if (!verifier)
      return {
        refused: "provider_off",
        evidence: `This provider is off. Set the Worker secret ${secretName(provider)} to turn it on.`,
      };
    return { provider, mapping, verifier, settings };
  } catch (error) {
    if (error instanceof MappingError) return { refused: "misconfigured", evidence: error.message };
    return refusedFor(error);
  }
}

/** Reads the body as bytes. */
async function read(c: Webhooks, { settings }: Opened): Promise<Uint8Array<ArrayBuffer> | Refused> {
  const body = await readBody(c.req.raw, settings.MAX_BODY_BYTES);
  return (
    body ?? { refused: "too_large", evidence: `The body is larger than ${settings.MAX_BODY_BYTES} bytes.` }
  );
}

/** Verifies that the webhook is genuine. */
async function prove(
  c: Webhooks,
  { provider, verifier }: Opened,
  body: Uint8Array,
  now: number,
): Promise<{ deliveryId: string | undefined } | Refused> {
  const { method, url, raw } = c.req;
  const verdict = await verifier({ method, url, headers: raw.headers, body }, now);
  if (verdict.ok) return verdict;
  return { refused: verdict.refusal.reason, evidence: explain(verdict.refusal, secretName(provider)) };
}

type Readable = Extract<Decoded, { ok: true }>;

const BODY_PROBLEMS = {
  not_utf8: "The body is not UTF-8. Is it compressed? Content-Encoding is not supported.",
  not_json: "The body is not JSON.",
  too_deep: "The body is nested deeper than 100 levels.",
};

/** Decodes the body into JSON. */
function decode({ mapping }: Opened, body: Uint8Array): Readable | Refused {
  const decoded = decodeBody(body, mapping.file.format);
  return decoded.ok ? decoded : { refused: decoded.problem, evidence: BODY_PROBLEMS[decoded.problem] };
}

/** Maps the webhook to its events. */
function map(
  c: Webhooks,
  { mappings }: Deps,
  { mapping, settings }: Opened,
  { value }: Readable,
  deliveryId: string | undefined,
): MappedEvent[] | Refused {
  const webhook = { body: value, headers: c.req.raw.headers, deliveryId };
  const mapped = mapWebhook(mapping, webhook, { acceptTestEvents: settings.ACCEPT_TEST_EVENTS });
  const toKeep = mapped.filter(({ outcome }) => outcome.kind !== "ignored").length;
  if (toKeep > MAX_EVENTS) {
    const evidence = `The webhook holds ${toKeep} events to keep, ${MAX_EVENTS} are taken. Send smaller batches.`;
    return { refused: "too_many_events", evidence };
  }
  return describeUntyped(mapping, mappings, mapped);
}

/** Keeps the events; the row of each, null for one that no rule takes, with what the ledger says of them. */
async function keep(
  c: Webhooks,
  deps: ReceiveDeps,
  { provider }: Opened,
  mapped: MappedEvent[],
  { value, text }: Readable,
  now: number,
): Promise<({ rows: (NewEvent | null)[] } & KeptSomewhere) | Refused> {
  const rows = await Promise.all(
    mapped.map((one) => newEvent(provider, one, now, one.event === value ? text : undefined)),
  );
  const background = (work: Promise<unknown>) => c.executionCtx.waitUntil(work);
  const kept = await keepEvents(
    c.env,
    { ...deps, background },
    rows.filter((row) => row !== null),
  );
  if (kept) return { rows, ...kept };
  const evidence = "Neither the ledger nor the queue took the webhook. Send it again later.";
  return { refused: "not_kept", evidence };
}

/** Counts what is ignored, alerts what the operator must correct, and says what became of each event. */
function report(
  c: Webhooks,
  { countIgnored, alert }: ReceiveDeps,
  { provider }: Opened,
  mapped: MappedEvent[],
  { rows, known }: { rows: (NewEvent | null)[] } & KeptSomewhere,
): EventAnswer[] {
  const ignored = mapped.filter((_, i) => !rows[i]).map(({ type = "" }) => ({ provider, type }));
  if (mapped.length === 0) ignored.push({ provider, type: "(empty batch)" });
  if (ignored.length > 0) c.executionCtx.waitUntil(countIgnored(c.env.DB, ignored));

  const kept = rows.filter((row) => row !== null);
  for (const code of new Set<Reason>(kept.map(({ reason }) => reason)))
    if (about(code).alert) c.executionCtx.waitUntil(alert(c.env, { code, provider }));
  return rows.map((row, i): EventAnswer => {
    const type = mapped[i]?.type ?? null;
    if (!row) return { type, status: "ignored" };
    const { status, reason, receivedAt } = known.get(row.id) ?? row;
    const redelivery = receivedAt < row.receivedAt;
    return { id: row.id, type, status, reason, ...(redelivery && { redelivery }) };
  });
}

function knownProvider(c: Webhooks, { mappings }: Deps): string | null {
  const provider = c.req.param("provider") ?? "";
  return Object.hasOwn(mappings, provider) ? provider : null;
}
