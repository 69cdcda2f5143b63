/** Who tells a click: the site's server, by CLICKS_TOKEN, or the customer's own browser, by a session token. */
import type { Deps, Env } from "../context.ts";
import { mappingOf } from "../mapping/cache.ts";
import { type Mapping, MappingError } from "../mapping/compile.ts";
import { type Issuer, issuerOf, SettingsError } from "../settings.ts";
import { issuerOf as issuerOfToken, verifyJwt } from "../verify/jwt.ts";
import type { KeySets } from "../verify/key-sets.ts";
import { SecretError } from "../verify/secret.ts";
import { readTokens } from "../verify/token.ts";
import type { Refused } from "./answers.ts";

export const CLICKS_TOKEN = "CLICKS_TOKEN";

/** `customer`: the only customer that a session token speaks of. */
export type Teller = { proof: "site" } | { proof: "session"; provider: string; customer: string };

type ProofDeps = Pick<Deps, "now" | "mappings"> & { keySets: KeySets };
type Sessions = { provider: string; mapping: Mapping; issuer: Issuer };

/** Finds out who sends a request by its Authorization header. */
export async function prove(
  env: Env,
  { now, mappings, keySets }: ProofDeps,
  authorization: string | undefined,
): Promise<Teller | Refused> {
  const secret = env[CLICKS_TOKEN];
  const hasSecret = typeof secret === "string" && secret.trim() !== "";
  try {
    const sessions = sessionsOf(env, mappings);
    if (!hasSecret && sessions.length === 0)
      return {
        refused: "clicks_off",
        evidence: "Click memory is off. Set <PROVIDER>_ISSUER or CLICKS_TOKEN to turn it on.",
      };
    const token = /^bearer +(\S+)\s*$/i.exec(authorization ?? "")?.[1];
    const unauthorized = (evidence: string): Refused => ({ refused: "unauthorized", evidence });
    if (token === undefined)
      return unauthorized("The header Authorization is missing, or is not Bearer and a token.");
    if (hasSecret && (await (await readTokens(CLICKS_TOKEN, secret)).include(token)))
      return { proof: "site" };
    if (token.split(".").length !== 3)
      return unauthorized(
        `What came is no session token, and ${hasSecret ? `not the ${CLICKS_TOKEN}` : `${CLICKS_TOKEN} is not set`}.`,
      );
    return await proveSession(sessions, keySets, token, now());
  } catch (error) {
    if (error instanceof SettingsError || error instanceof SecretError || error instanceof MappingError)
      return { refused: "misconfigured", evidence: error.message };
    throw error;
  }
}

/**
 * The providers whose session tokens are taken: those with an issuer in the settings and `session` in the mapping file.
 * Throws a SettingsError or a MappingError.
 */
export function sessionsOf(env: Env, mappings: Deps["mappings"]): Sessions[] {
  return Object.keys(mappings).flatMap((provider) => {
    const issuer = issuerOf(env, provider);
    if (!issuer) return [];
    const mapping = mappingOf(provider, mappings);
    if (!mapping?.file.session)
      throw new SettingsError(
        `The mapping file of ${provider} has no "session", which its issuer needs: see docs/click-memory.md.`,
      );
    return [{ provider, mapping, issuer }];
  });
}

/** An issuer without a slash at its end: providers and people write it with one or without. */
const bare = (issuer: string) => (issuer.endsWith("/") ? issuer.slice(0, -1) : issuer);

async function proveSession(
  sessions: Sessions[],
  keySets: KeySets,
  token: string,
  now: number,
): Promise<Teller | Refused> {
  const iss = issuerOfToken(token);
  const from = sessions.find(({ issuer }) => issuer.issuers.some((one) => bare(one) === bare(iss ?? "")));
  if (iss === undefined || !from)
    return {
      refused: "unauthorized",
      evidence: "A session token of an issuer that no <PROVIDER>_ISSUER names, or no token at all.",
    };
  const { provider, mapping, issuer } = from;
  const { keys = "", algorithms = [] } = mapping.file.session ?? {};
  const verdict = await verifyJwt(keySets, token, {
    keysUrl: issuer.keysUrl ?? keys.replace("{issuer}", bare(iss)),
    algorithms,
    issuers: [iss],
    audience: issuer.audience,
    now,
  });
  if (!verdict.ok) {
    const refused = verdict.unreachable ? "unavailable" : "unauthorized";
    return { refused, evidence: `A session token of ${provider}: ${verdict.problem}.`, provider };
  }
  const customer = customerOf(mapping, verdict.claims);
  return customer === undefined
    ? {
        refused: "misconfigured",
        evidence: `session.customerExternalId of the mapping file of ${provider} gives no text for a genuine session token.`,
        provider,
      }
    : { proof: "session", provider, customer };
}

function customerOf({ sessionCustomer }: Mapping, claims: object): string | undefined {
  try {
    const id = sessionCustomer?.evaluate(claims);
    return typeof id === "number" ? String(id) : typeof id === "string" && id.trim() ? id.trim() : undefined;
  } catch {
    return undefined;
  }
}
