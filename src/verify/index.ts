/** One function from a request and its keys to a verdict, whatever the scheme. */
import type { TokenParameters, Verify } from "../mapping/schema.ts";
import { equalBytes } from "./bytes.ts";
import { STANDARD_WEBHOOKS, STRIPE, verifyHmac } from "./hmac.ts";
import { digest, hmacKeys, type Keys, tokenKeys } from "./secret.ts";

/** A request as it came: the body as bytes, since text would no longer be what was signed. */
export type SignedRequest = { method: string; url: string; headers: Headers; body: Uint8Array };

/** Why a webhook is refused, with the evidence. For the log and the counter; the caller hears 401 and no more. */
export type Refusal =
  | { reason: "missing_header"; header: string }
  | { reason: "malformed_header"; header: string }
  | { reason: "timestamp_too_old"; seconds: number; tolerance: number }
  | { reason: "timestamp_in_future"; seconds: number; tolerance: number }
  | { reason: "signature_mismatch"; secrets: number }
  | { reason: "token_mismatch"; secrets: number };

/** `deliveryId`: the scheme's own id of this delivery, the same when it is sent again. */
export type Verdict = { ok: true; deliveryId: string | undefined } | { ok: false; refusal: Refusal };

/** What the operator should know of a refusal, in a sentence. */
export function explain(refusal: Refusal, secret: string): string {
  switch (refusal.reason) {
    case "missing_header":
      return `header ${refusal.header} is missing: not sent by the provider, or something in between removed it`;
    case "malformed_header":
      return `header ${refusal.header} is not in the expected form`;
    case "timestamp_too_old":
      return `signed ${refusal.seconds} s ago, ${refusal.tolerance} s are allowed: an old webhook sent again by somebody else`;
    case "timestamp_in_future":
      return `signed ${refusal.seconds} s in the future, ${refusal.tolerance} s are allowed: the sender's clock is wrong`;
    case "signature_mismatch":
      return `the signature fits none of the ${refusal.secrets} secret(s) in ${secret}: copy it again from the provider`;
    case "token_mismatch":
      return `the token fits none of the ${refusal.secrets} secret(s) in ${secret}: set the same value at the provider`;
  }
}

/** Prepares the secrets of a provider for its scheme; throws SecretError when one can't be used. */
export function prepareKeys(verify: Verify, name: string, secret: string): Promise<Keys> {
  if (verify.scheme === "token") return tokenKeys(name, secret, verify.prefix);
  return hmacKeys(name, secret, hmacParameters(verify));
}

/** Judges a request by its scheme. `now` in milliseconds since 1970. */
export async function verify(
  scheme: Verify,
  request: SignedRequest,
  keys: Keys,
  now: number,
): Promise<Verdict> {
  if (scheme.scheme === "token") return verifyToken(scheme, request, "tokens" in keys ? keys.tokens : []);
  return verifyHmac(request, hmacParameters(scheme), "hmac" in keys ? keys.hmac : [], now);
}

export function hmacParameters(scheme: Exclude<Verify, { scheme: "token" }>) {
  switch (scheme.scheme) {
    case "standard-webhooks":
      return STANDARD_WEBHOOKS;
    case "stripe":
      return STRIPE;
    case "hmac":
      return scheme;
  }
}

/** The token scheme: the secret itself in a header. Digests are compared, so that the time tells nothing of the length. */
async function verifyToken(
  { header, prefix = "" }: TokenParameters,
  { headers }: SignedRequest,
  tokens: Uint8Array[],
): Promise<Verdict> {
  const value = headers.get(header)?.trim();
  if (!value) return { ok: false, refusal: { reason: "missing_header", header } };
  const bare =
    prefix && value.toLowerCase().startsWith(prefix.toLowerCase())
      ? value.slice(prefix.length).trim()
      : value;
  const presented = await digest(bare);
  const matches = tokens.filter((token) => equalBytes(token, presented));
  return matches.length > 0
    ? { ok: true, deliveryId: undefined }
    : { ok: false, refusal: { reason: "token_mismatch", secrets: tokens.length } };
}
