/** Session tokens of an issuer made up here, and its key set. */
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { START } from "./app.ts";

export const ISSUER = "https://clerk.orchard.example";
const KEYS_URL = `${ISSUER}/.well-known/jwks.json`;

type Pair = Awaited<ReturnType<typeof generateKeyPair>>;

/** `publish` puts another key pair into the key set. `asked`: how often the set was fetched. `down`: it can't be. */
export async function createIssuer(alg = "RS256") {
  const pairs = new Map<string, Pair>([["key_1", await generateKeyPair(alg, { extractable: true })]]);
  const state = { asked: 0, down: false };
  const pair = (kid = "key_1") => pairs.get(kid) as Pair;
  return {
    state,
    pair,
    publish: async (kid: string) => void pairs.set(kid, await generateKeyPair(alg, { extractable: true })),
    /** A token of `sub` that holds at the time at which the tests begin. */
    token: (sub: string, claims: JWTPayload = {}, kid = "key_1", at = START) =>
      new SignJWT({ iss: ISSUER, iat: at / 1000, exp: at / 1000 + 60, ...claims })
        .setProtectedHeader({ alg, kid })
        .setSubject(sub)
        .sign(pair(kid).privateKey),
    /** Answers for the key set; undefined for any other address. */
    fetch: async (request: Request): Promise<Response | undefined> => {
      if (request.url !== KEYS_URL) return undefined;
      state.asked++;
      if (state.down) throw new TypeError("Network connection lost.");
      const keys = await Promise.all(
        [...pairs].map(async ([kid, { publicKey }]) => ({
          ...(await exportJWK(publicKey)),
          kid,
          alg,
          use: "sig",
        })),
      );
      return Response.json({ keys });
    },
  };
}
