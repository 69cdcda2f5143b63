/** The result of verifying one request, and the closed list of causes why a request is not genuine. */

/** A request as it came: the body as bytes, since text would no longer be what was signed. */
export type SignedRequest = { method: string; url: string; headers: Headers; body: Uint8Array };

/** Why a webhook is refused, with the evidence. For the log and the counter; the sender is told 401 and no more. */
export type Refusal =
  | { reason: "missing_header"; header: string }
  | { reason: "malformed_header"; header: string }
  | { reason: "timestamp_too_old"; seconds: number; tolerance: number }
  | { reason: "timestamp_in_future"; seconds: number; tolerance: number }
  | { reason: "signed_json_missing" }
  | { reason: "signature_mismatch"; secrets: number }
  | { reason: "token_mismatch"; secrets: number };

/** `deliveryId`: the scheme's own id of this delivery, the same when it is sent again. */
export type Verdict = { ok: true; deliveryId: string | undefined } | { ok: false; refusal: Refusal };

export function refused(refusal: Refusal): Verdict {
  return { ok: false, refusal };
}

/** What the operator should know of a refusal, in a sentence. `secret` is the name of the Worker secret. */
export function explain(refusal: Refusal, secret: string): string {
  switch (refusal.reason) {
    case "missing_header":
      return `header ${refusal.header} is missing: not sent by the provider, or something in between removed it`;
    case "malformed_header":
      return `header ${refusal.header} is not in the expected form`;
    case "timestamp_too_old":
      return `signed ${refusal.seconds} s ago, ${refusal.tolerance} s are allowed: it was held up on its way, or is an old one that somebody sends again`;
    case "timestamp_in_future":
      return `signed ${refusal.seconds} s in the future, ${refusal.tolerance} s are allowed: the sender's clock is wrong`;
    case "signed_json_missing":
      return "the signature is over the body's JSON, and the body is not JSON";
    case "signature_mismatch":
      return `the signature does not match ${secretsOf(refusal)} in ${secret}: the secret is another endpoint's, or the body was changed on its way (by a proxy or gateway that parses and rewrites JSON, or unpacks gzip)`;
    case "token_mismatch":
      return `the token does not match ${secretsOf(refusal)} in ${secret}: set the same value at the provider`;
  }
}

function secretsOf({ secrets }: { secrets: number }): string {
  return secrets === 1 ? "the secret" : `any of the ${secrets} secrets`;
}
