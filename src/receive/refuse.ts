/** What the webhook endpoint answers to a webhook that it does not take: the closed list, and the one place that counts, alerts and answers. */
import type { Context } from "hono";
import type { Alert } from "../alert.ts";
import type { Env } from "../context.ts";
import type { Counter } from "../ledger/counter.ts";
import type { CountedRefusal } from "../ledger/refusals.ts";
import { log } from "../log.ts";
import { SettingsError } from "../settings.ts";
import { SecretError } from "../verify/secret.ts";

/**
 * `means` and `todo` are for the operator. `wire`: what the sender is told where it must not learn more; otherwise it is
 * told the name of the answer and the evidence. `alert`: the code under which the operator is told at once.
 */
type Entry = {
  status: 400 | 401 | 404 | 405 | 413 | 503;
  means: string;
  todo: string;
  wire?: { error: string; message?: string };
  alert?: string;
};

/** A webhook with more events to keep is refused: more do not fit into a request of the Free plan. */
export const MAX_EVENTS = 4000;

const UNAUTHORIZED = { error: "unauthorized", message: "The webhook could not be verified." };
const WHO_SENDS =
  "see in the provider's dashboard how its webhooks are answered: if with 200, somebody else sent this one, and there is nothing to do; if with 401";

/** The table of answers in docs/reasons.md is made from this list. */
export const ANSWERS = {
  not_utf8: {
    status: 400,
    means: "genuine, but the body is not UTF-8, or it is compressed",
    todo: "have the provider, or a proxy in between, send plain UTF-8",
    alert: "unreadable_body",
  },
  not_json: {
    status: 400,
    means: "genuine, but the body is not JSON",
    todo: "set the provider's content type to JSON",
    alert: "unreadable_body",
  },
  too_deep: {
    status: 400,
    means: "genuine, but nested deeper than 100 levels",
    todo: "leave out what is nested so deep",
    alert: "unreadable_body",
  },
  missing_header: {
    status: 401,
    means: "a header of the signature, or the one with the token, is missing",
    todo: `${WHO_SENDS}, set the header at the provider that \`verify\` of the mapping file names, and let a proxy or gateway in between pass it on`,
    wire: UNAUTHORIZED,
    alert: "missing_header",
  },
  malformed_header: {
    status: 401,
    means: "a header of the signature is not in the expected form",
    todo: `${WHO_SENDS}, compare the header with \`verify\` of the mapping file`,
    wire: UNAUTHORIZED,
  },
  timestamp_too_old: {
    status: 401,
    means: "signed longer ago than the scheme allows",
    todo: "nothing, if the provider sends it again: it makes a new signature",
    wire: UNAUTHORIZED,
  },
  timestamp_in_future: {
    status: 401,
    means: "signed further in the future than the scheme allows",
    todo: "correct the sender's clock",
    wire: UNAUTHORIZED,
  },
  signed_json_missing: {
    status: 401,
    means: "the signature is over the body's JSON (`{json}`), and the body is not JSON",
    todo: "set the provider's content type to JSON",
    wire: UNAUTHORIZED,
  },
  signature_mismatch: {
    status: 401,
    means: "the signature does not match: a wrong secret, a body that was changed on its way, or a forgery",
    todo: `${WHO_SENDS}, copy the endpoint's signing secret again; if that does not help, have the proxy or gateway in between pass the body on unchanged`,
    wire: UNAUTHORIZED,
    alert: "secret_mismatch",
  },
  token_mismatch: {
    status: 401,
    means: "the token does not match: a wrong secret, or a forgery",
    todo: `${WHO_SENDS}, set the same value at the provider and in the Worker secret`,
    wire: UNAUTHORIZED,
    alert: "secret_mismatch",
  },
  not_found: {
    status: 404,
    means: "sent to an address that is not `/webhooks/<provider>`",
    todo: "correct the address at the provider",
    wire: { error: "not_found", message: "Webhooks go to POST /webhooks/<provider>." },
  },
  unknown_provider: {
    status: 404,
    means: "there is no mapping file for the provider in the address",
    todo: "correct the address at the provider, or add the mapping file",
  },
  provider_off: {
    status: 404,
    means: "the provider's Worker secret is not set",
    todo: "set it by `npx wrangler secret put`, or remove the webhook at the provider",
  },
  method_not_allowed: {
    status: 405,
    means: "a webhook's address was called with another method than POST",
    todo: "nothing, if webhooks arrive; otherwise enter the final https address at the provider: a redirect turns POST into GET",
  },
  too_large: {
    status: 413,
    means: "the body is larger than `MAX_BODY_BYTES`",
    todo: "have the provider send smaller batches, or raise `MAX_BODY_BYTES` (1 MiB at most)",
    alert: "too_large",
  },
  too_many_events: {
    status: 413,
    means: `genuine, but with more than ${MAX_EVENTS.toLocaleString("en")} events that would be kept`,
    todo: "have the provider send smaller batches",
    alert: "too_large",
  },
  misconfigured: {
    status: 503,
    means:
      "the secret, the mapping file, `MAX_BODY_BYTES` or `ACCEPT_TEST_EVENTS` is wrong; of a secret, only the log and the alert say how",
    todo: "correct it, and deploy again if it is a file; the provider sends again",
    alert: "misconfigured",
  },
  not_kept: {
    status: 503,
    means: "neither ledger nor queue took the webhook",
    todo: "nothing: the provider sends again",
  },
} as const satisfies Record<string, Entry>;

export type AnswerCode = keyof typeof ANSWERS;

/**
 * A webhook that is not taken. `evidence`: what the operator should know, in a sentence. `told`: what the sender is told
 * instead of it. `everyProvider`: the cause is not this provider's own, so it is alerted once for all.
 */
export type Refused = { refused: AnswerCode; evidence: string; told?: string; everyProvider?: true };

export function isRefused(value: object): value is Refused {
  return "refused" in value;
}

/** A webhook that is not taken since a secret or setting can't be used; throws any other error. */
export function refusedFor(error: unknown): Refused {
  if (error instanceof SecretError) {
    // A stranger must not learn how a secret is made.
    const told = `The Worker secret ${error.secret} can't be used; the log says why.`;
    return { refused: "misconfigured", evidence: error.message, told };
  }
  if (error instanceof SettingsError)
    return { refused: "misconfigured", evidence: error.message, everyProvider: true };
  throw error;
}

export type RefuseDeps = { countRefusal: Counter<CountedRefusal>; alert: Alert };

/** The provider under which refusals are counted that belong to none; no mapping file can have this name. */
const NO_PROVIDER = "-";

/** Counts and logs a refusal, alerts the operator if it needs one, and makes the answer. `provider`: a known one, or null. */
export function refuse(
  c: Context<{ Bindings: Env }>,
  { countRefusal, alert }: RefuseDeps,
  provider: string | null,
  { refused, evidence, told = evidence, everyProvider }: Refused,
): Response {
  const { status, todo, wire, alert: code }: Entry = ANSWERS[refused];
  const counted = { provider: provider ?? NO_PROVIDER, reason: refused, evidence };
  log("warn", "refused", counted);
  c.executionCtx.waitUntil(countRefusal(c.env.DB, [counted]));
  if (code !== undefined) {
    const problem = { code, means: evidence.replace(/\.$/, ""), todo };
    const own = provider !== null && !everyProvider;
    c.executionCtx.waitUntil(alert(c.env, own ? { ...problem, provider } : problem));
  }
  const { error = refused, message = told } = wire ?? {};
  return c.json({ error, message }, status, status === 405 ? { allow: "POST" } : {});
}
