/** The front door: `POST /webhooks/:provider`. */
import type { Context } from "hono";
import { type Alert, misconfigured } from "../alert.ts";
import type { Deps, Env } from "../context.ts";
import { type NewEvent, newEvent } from "../ledger/event.ts";
import { keep } from "../ledger/keep.ts";
import type { RefusalCounter } from "../ledger/refusals.ts";
import { log } from "../log.ts";
import { mapWebhook } from "../mapping/apply.ts";
import { mappingOf } from "../mapping/cache.ts";
import { MappingError } from "../mapping/compile.ts";
import { enqueue, fitsQueue } from "../queue.ts";
import { FRONT_DOOR, parseSettings, type Settings, SettingsError, secretName } from "../settings.ts";
import { SecretError } from "../verify/secret.ts";
import { explain } from "../verify/verdict.ts";
import { type BodyProblem, decodeBody, readBody } from "./body.ts";
import { verifierOf } from "./verifier.ts";

/** A webhook with more events than this is refused; Auth0 batches hold some hundreds. */
const MAX_EVENTS = 1000;

const WHO_SENDS =
  "see in the provider's dashboard how its webhooks are answered: if with 401, the secret is wrong; if with 200, somebody else forges webhooks, and they are refused";

const BODY_PROBLEMS: Record<BodyProblem, string> = {
  not_utf8: "The body is not UTF-8. Is it compressed? Content-Encoding is not supported.",
  not_json: "The body is not JSON.",
  too_deep: "The body is nested deeper than 100 levels.",
};

/** What the answer says of one event. `id` is the ledger's; events that no mapping rule takes have none. */
export type EventAnswer =
  | { id: string; type: string | null; status: string; reason: string }
  | { type: string | null; status: "ignored" };

/**
 * Receives one webhook. 200: every event is kept, or is of no interest. 400, 413: can't be read. 401: not genuine.
 * 404: no such provider, or its secret is not set. 503: could not be judged or kept, so that the provider sends again.
 */
export async function receive(
  c: Context<{ Bindings: Env }>,
  deps: Deps & { countRefusal: RefusalCounter; alert: Alert },
): Promise<Response> {
  const provider = c.req.param("provider") ?? "";
  const { env } = c;
  const failed = (status: 400 | 401 | 404 | 413 | 503, error: string, message: string) =>
    c.json({ error, message }, status);

  let settings: Pick<Settings, (typeof FRONT_DOOR)[number]>;
  let mapping: ReturnType<typeof mappingOf>;
  let verifier: Awaited<ReturnType<typeof verifierOf>>;
  try {
    settings = parseSettings(env, FRONT_DOOR);
    mapping = mappingOf(provider, deps.mappings);
    verifier = mapping && (await verifierOf(mapping, env));
  } catch (error) {
    if (!(error instanceof SettingsError || error instanceof SecretError || error instanceof MappingError))
      throw error;
    c.executionCtx.waitUntil(
      deps.alert(env, misconfigured(error, error instanceof SettingsError ? undefined : provider)),
    );
    return failed(
      503,
      "misconfigured",
      error instanceof SecretError
        ? `The Worker secret ${error.secret} can't be used; the log says why.`
        : error.message,
    );
  }
  if (!mapping)
    return failed(
      404,
      "unknown_provider",
      `There is no mapping file for this provider. There are: ${Object.keys(deps.mappings).join(", ")}.`,
    );
  const secret = secretName(provider);
  if (!verifier)
    return failed(
      404,
      "provider_off",
      `This provider is off. Set the Worker secret ${secret} to turn it on.`,
    );

  const now = deps.now();
  const refuse = (reason: string, evidence: string) => {
    log("warn", "refused", { provider, reason, evidence });
    c.executionCtx.waitUntil(
      deps
        .countRefusal(env.DB, provider, reason, evidence, now)
        .catch((error: Error) => log("error", "ledger_down", { during: "count", message: error.message })),
    );
  };

  const body = await readBody(c.req.raw, settings.MAX_BODY_BYTES);
  if (!body) {
    const message = `The body is larger than ${settings.MAX_BODY_BYTES} bytes.`;
    refuse("too_large", message);
    return failed(413, "too_large", message);
  }
  const verdict = await verifier(
    { method: c.req.method, url: c.req.url, headers: c.req.raw.headers, body },
    now,
  );
  if (!verdict.ok) {
    const { reason } = verdict.refusal;
    const evidence = explain(verdict.refusal, secret);
    refuse(reason, evidence);
    if (reason === "signature_mismatch" || reason === "token_mismatch")
      c.executionCtx.waitUntil(
        deps.alert(env, { code: "secret_mismatch", provider, means: evidence, todo: WHO_SENDS }),
      );
    return failed(401, "unauthorized", "The webhook could not be verified.");
  }
  const decoded = decodeBody(body, mapping.file.format);
  if (!decoded.ok) {
    refuse(decoded.problem, BODY_PROBLEMS[decoded.problem]);
    return failed(400, decoded.problem, BODY_PROBLEMS[decoded.problem]);
  }

  const mapped = mapWebhook(
    mapping,
    { body: decoded.value, headers: c.req.raw.headers, deliveryId: verdict.deliveryId },
    { acceptTestEvents: settings.ACCEPT_TEST_EVENTS },
  );
  if (mapped.length > MAX_EVENTS) {
    const message = `The webhook holds ${mapped.length} events, ${MAX_EVENTS} are taken. Send smaller batches.`;
    refuse("too_many_events", message);
    return failed(413, "too_many_events", message);
  }
  const events = await Promise.all(
    mapped.map((one) => newEvent(provider, one, now, one.event === decoded.value ? decoded.text : undefined)),
  );
  const toKeep = events.filter((event) => event !== null);
  const known = await keepSomewhere(env, toKeep);
  if (!known)
    return failed(503, "not_kept", "Neither the ledger nor the queue took the webhook. Send it again later.");

  const answers = events.map((event, i): EventAnswer => {
    const type = mapped[i]?.type ?? null;
    if (!event) return { type, status: "ignored" };
    const { status, reason } = known.get(event.id) ?? event;
    return { id: event.id, type, status, reason };
  });
  log("info", "webhook", { provider, bytes: body.length, events: answers.length, ...counts(answers) });
  return c.json({ events: answers });
}

/**
 * Keeps events in the ledger and, if they are to be delivered, in the queue, side by side. Either is enough. Answers
 * what the ledger says of them (nothing when it is down), or null when neither has them all.
 */
async function keepSomewhere(env: Env, events: NewEvent[]): Promise<Awaited<ReturnType<typeof keep>> | null> {
  if (events.length === 0) return new Map();
  const queueable = new Set(events.filter((event) => event.status === "pending" && fitsQueue(event)));
  const messages = (some: Iterable<NewEvent>) => [...some].map((event) => ({ event }));
  const [ledger, queue] = await Promise.allSettled([
    keep(env.DB, events, (event) => queueable.has(event)),
    enqueue(env.EVENTS, messages(queueable)),
  ]);
  if (queue.status === "rejected")
    log("error", "queue_down", { during: "receive", events: queueable.size, message: message(queue.reason) });
  if (ledger.status === "fulfilled") return ledger.value;

  log("error", "ledger_down", { during: "receive", events: events.length, message: message(ledger.reason) });
  const rest = events.filter((event) => !queueable.has(event));
  if (queue.status === "rejected" || !rest.every(fitsQueue)) return null;
  return enqueue(env.EVENTS, messages(rest)).then(
    () => new Map(),
    () => null,
  );
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function counts(answers: EventAnswer[]): Record<string, number> {
  const by: Record<string, number> = {};
  for (const { status } of answers) by[status] = (by[status] ?? 0) + 1;
  return by;
}
