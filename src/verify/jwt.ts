/** JSON Web Tokens (RFC 7519), checked by jose with keys of a key set. */
import { createLocalJWKSet, decodeJwt, errors, type JSONWebKeySet, type JWTPayload, jwtVerify } from "jose";
import { KeySetError, type KeySets } from "./key-sets.ts";

/** What a token must be. Times in milliseconds. `audience`: not checked when it is undefined. */
export type Expected = {
  keysUrl: string;
  algorithms: readonly string[];
  issuers: string[];
  audience: string[] | undefined;
  now: number;
};

export type Claims = JWTPayload & { sub: string };

/** `unreachable`: it could not be checked, since the key set can't be had. `problem`: why, in a clause. */
export type JwtVerdict = { ok: true; claims: Claims } | { ok: false; unreachable: boolean; problem: string };

/** Clocks may differ by so much (seconds). */
const SKEW = 60;
/** A longer token is none of a session. */
const MAX_TOKEN = 8192;

/** The issuer that a token names, which proves nothing yet; undefined when it is no token or names none. */
export function issuerOf(token: string): string | undefined {
  try {
    const iss: unknown = token.length > MAX_TOKEN ? undefined : decodeJwt(token).iss;
    return typeof iss === "string" ? iss : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Checks a token: algorithm, signature, issuer, audience, `exp`, `nbf`, `iat`; it must have `sub`. A token in which
 * somebody acts for another (`act`, RFC 8693: staff who impersonate a user) is refused.
 */
export async function verifyJwt(keySets: KeySets, token: string, expected: Expected): Promise<JwtVerdict> {
  const refused = (problem: string, unreachable = false): JwtVerdict => ({ ok: false, unreachable, problem });
  try {
    const { set, refreshed } = await keySets(expected.keysUrl);
    const claims = await check(token, set, expected).catch(async (error) => {
      if (!(error instanceof errors.JWKSNoMatchingKey) || refreshed) throw error;
      return check(token, (await keySets(expected.keysUrl, true)).set, expected);
    });
    if (claims.act !== undefined) return refused("somebody acts for the customer in it (act)");
    return { ok: true, claims };
  } catch (error) {
    if (error instanceof KeySetError) return refused(error.message, true);
    if (error instanceof errors.JOSEError) return refused(PROBLEMS[error.code] ?? problemOf(error));
    // The runtime could not read the key.
    return refused(`its key in the key set at ${new URL(expected.keysUrl).host} can't be used`, true);
  }
}

async function check(token: string, set: JSONWebKeySet, expected: Expected): Promise<Claims> {
  const { algorithms, issuers, audience, now } = expected;
  const options = {
    algorithms: [...algorithms],
    issuer: issuers,
    ...(audience && { audience }),
    clockTolerance: SKEW,
    currentDate: new Date(now),
    requiredClaims: ["exp", "sub"],
  };
  const { payload } = await jwtVerify(token, createLocalJWKSet(set), options).catch(async (error) => {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    // Without `kid` each key of its kind is tried.
    for await (const key of error) {
      const result = await jwtVerify(token, key, options).catch((problem) => {
        if (problem instanceof errors.JWSSignatureVerificationFailed) return null;
        throw problem;
      });
      if (result) return result;
    }
    throw new errors.JWSSignatureVerificationFailed();
  });
  if (typeof payload.iat === "number" && payload.iat * 1000 > now + SKEW * 1000)
    throw new errors.JWTClaimValidationFailed("", payload, "iat", "check_failed");
  if (typeof payload.sub !== "string" || payload.sub === "")
    throw new errors.JWTClaimValidationFailed("", payload, "sub", "check_failed");
  return payload as Claims;
}

/** By jose's codes. */
const PROBLEMS: Record<string, string> = {
  ERR_JWT_EXPIRED: "it has expired",
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: "its signature does not match",
  ERR_JWKS_NO_MATCHING_KEY: "the key set has no key for it",
  ERR_JOSE_ALG_NOT_ALLOWED: "its algorithm is not among those of the mapping file",
  ERR_JOSE_NOT_SUPPORTED: "it uses something that is not supported",
};

function problemOf(error: errors.JOSEError): string {
  return error instanceof errors.JWTClaimValidationFailed
    ? `its claim ${error.claim} is missing or not as it must be`
    : "it is no JSON Web Token";
}
