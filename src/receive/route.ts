/** The front door: `POST /webhooks/:provider`. */
import type { Context } from "hono";
import { misconfigured } from "../alert.ts";
import type { Deps, Env } from "../context.ts";
import { newEvent } from "../ledger/event.ts";
import type { RefusalCounter } from "../ledger/refusals.ts";
import { log } from "../log.ts";
import { mapWebhook } from "../mapping/apply.ts";
import { mappingOf } from "../mapping/cache.ts";
import { MappingError } from "../mapping/compile.ts";
import { FRONT_DOOR, parseSettings, type Settings, SettingsError, secretName } from "../settings.ts";
import { explain, verify } from "../verify/index.ts";
import { SecretError } from "../verify/secret.ts";
import { type BodyProblem, decodeBody, readBody } from "./body.ts";
import { type KeepDeps, keepEvents } from "./keep.ts";
import { keysOf } from "./keys.ts";

/** A webhook with more events than this is refused; Auth0 batches hold some hundreds. */
const MAX_EVENTS = 1000;

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
  deps: Deps & Omit<KeepDeps, "background"> & { countRefusal: RefusalCounter },
): Promise<Response> {
  const provider = c.req.param("provider") ?? "";
  const { env } = c;
  const failed = (status: 400 | 401 | 404 | 413 | 503, error: string, message: string) =>
    c.json({ error, message }, status);

  let settings: Pick<Settings, (typeof FRONT_DOOR)[number]>;
  let mapping: ReturnType<typeof mappingOf>;
  let keys: Awaited<ReturnType<typeof keysOf>>;
  try {
    settings = parseSettings(env, FRONT_DOOR);
    mapping = mappingOf(provider, deps.mappings);
    keys = mapping && (await keysOf(mapping, env));
  } catch (error) {
    if (!(error instanceof SettingsError || error instanceof SecretError || error instanceof MappingError))
      throw error;
    c.executionCtx.waitUntil(
      deps.alert(env, misconfigured(error, error instanceof SettingsError ? undefined : provider)),
    );
    return failed(503, "misconfigured", error.message);
  }
  if (!mapping)
    return failed(
      404,
      "unknown_provider",
      `There is no mapping file for this provider. There are: ${Object.keys(deps.mappings).join(", ")}.`,
    );
  const secret = secretName(provider);
  if (!keys)
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
  const verdict = await verify(
    mapping.file.verify,
    { method: c.req.method, url: c.req.url, headers: c.req.raw.headers, body },
    keys,
    now,
  );
  if (!verdict.ok) {
    const { reason } = verdict.refusal;
    const evidence = explain(verdict.refusal, secret);
    refuse(reason, evidence);
    if (reason === "signature_mismatch" || reason === "token_mismatch")
      c.executionCtx.waitUntil(deps.alert(env, { code: "secret_mismatch", provider, means: evidence }));
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
  const kept = await keepEvents(
    env,
    { ...deps, background: (work) => c.executionCtx.waitUntil(work) },
    toKeep,
  );
  if (!kept)
    return failed(503, "not_kept", "Neither the ledger nor the queue took the webhook. Send it again later.");

  const answers = events.map((event, i): EventAnswer => {
    const type = mapped[i]?.type ?? null;
    if (!event) return { type, status: "ignored" };
    const { status, reason } = kept.known.get(event.id) ?? event;
    return { id: event.id, type, status, reason };
  });
  log("info", "webhook", { provider, bytes: body.length, events: answers.length, ...counts(answers) });
  return c.json({ events: answers, ...(kept.warning !== undefined && { warning: kept.warning }) });
}

function counts(answers: EventAnswer[]): Record<string, number> {
  const by: Record<string, number> = {};
  for (const { status } of answers) by[status] = (by[status] ?? 0) + 1;
  return by;
}
