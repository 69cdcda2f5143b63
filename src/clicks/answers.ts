/** What `POST /clicks` answers when it does not take a click: the closed list, and the one place that counts, alerts and answers. */
import type { Context } from "hono";
import type { Alert } from "../alert.ts";
import type { Env } from "../context.ts";
import type { Counter } from "../ledger/counter.ts";
import type { CountedRefusal } from "../ledger/refusals.ts";
import { log } from "../log.ts";

/** `means` and `todo` are for the operator. `wire`: what the caller is told instead of the evidence, so that it learns no more. */
type Entry = {
  status: 400 | 401 | 404 | 405 | 413 | 503;
  means: string;
  todo: string;
  wire?: string;
  alert?: true;
};

/** The table of answers in docs/click-memory.md is made from this list. */
export const ANSWERS = {
  bad_claim: {
    status: 400,
    means: "the body is not what it must be; the answer names the field",
    todo: "correct the call on your site",
  },
  no_click_id: {
    status: 400,
    means: "the body has no click id that can be used; the answer says what is wrong with it",
    todo: "send the value of the cookie dub_id, and nothing when there is none",
  },
  not_yours: {
    status: 400,
    means: "a session token came with an e-mail address or with the id of another customer",
    todo: "let the browser send only the click: the token says whose it is. Only the site's server may name a customer",
  },
  unauthorized: {
    status: 401,
    means: "neither `CLICKS_TOKEN` nor a genuine session token of a configured issuer",
    todo: "read the evidence; a few expired tokens are normal, of browsers that slept",
    wire: "The click could not be verified. Send a session token of the signed-in customer, or CLICKS_TOKEN from your server.",
  },
  clicks_off: {
    status: 404,
    means: "click memory is off",
    todo: "set `<PROVIDER>_ISSUER` or the secret `CLICKS_TOKEN`, or remove the call from your site",
  },
  method_not_allowed: {
    status: 405,
    means: "the address was called with another method than POST",
    todo: "correct the call on your site",
  },
  too_large: {
    status: 413,
    means: "the body is larger than 4 kB",
    todo: "correct the call on your site",
  },
  misconfigured: {
    status: 503,
    means: "`CLICKS_TOKEN`, a setting of an issuer, or a mapping file is wrong",
    todo: "correct it; the log and the alert say how",
    wire: "A setting of the Worker can't be used; its log says why.",
    alert: true,
  },
  unavailable: {
    status: 503,
    means: "the issuer's key set can't be had, so no session token can be checked",
    todo: "see that `<PROVIDER>_ISSUER` (or `<PROVIDER>_JWKS_URL`) is right; if it is, the issuer has an outage, and browsers tell the click again at the next page",
    wire: "The session token can't be checked at the moment. Send it again later.",
    alert: true,
  },
  not_kept: {
    status: 503,
    means: "the ledger could not be written",
    todo: "nothing: browsers tell the click again at the next page, and a server should send it again",
  },
} as const satisfies Record<string, Entry>;

export type AnswerCode = keyof typeof ANSWERS;

/** A click that is not taken. `evidence`: what the operator should know, in a sentence. */
export type Refused = { refused: AnswerCode; evidence: string; provider?: string };

export function isRefused(value: object): value is Refused {
  return "refused" in value;
}

export type RefuseDeps = { countRefusal: Counter<CountedRefusal>; alert: Alert };

/** The name under which refused clicks are counted. */
export const CLICKS = "clicks";

/** Counts and logs a refusal, alerts the operator if it needs one, and makes the answer. */
export function refuse(
  c: Context<{ Bindings: Env }>,
  { countRefusal, alert }: RefuseDeps,
  { refused, evidence, provider }: Refused,
): Response {
  const { status, todo, wire = evidence, alert: alerts }: Entry = ANSWERS[refused];
  const counted = { provider: CLICKS, reason: refused, evidence };
  log("warn", "click_refused", { ...counted, ...(provider !== undefined && { provider }) });
  c.executionCtx.waitUntil(countRefusal(c.env.DB, [counted]));
  if (alerts) {
    const problem = { code: `clicks_${refused}`, means: evidence.replace(/\.$/, ""), todo };
    c.executionCtx.waitUntil(alert(c.env, { ...problem, ...(provider !== undefined && { provider }) }));
  }
  return c.json({ error: refused, message: wire }, status, status === 405 ? { allow: "POST, OPTIONS" } : {});
}
