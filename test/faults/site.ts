/** The site of a run: its token for clicks, and the issuer of its customers' session tokens. */
import { Hono } from "hono";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { serveDub } from "../../src/dev/stand-in/serve.ts";
import type { Claim } from "./webhooks.ts";

const CLICKS_TOKEN = "the-token-of-the-site-of-a-run";

export type SiteOfRun = Awaited<ReturnType<typeof openSite>>;

/** Serves the issuer's key set on a free port. */
export async function openSite() {
  const { privateKey, publicKey } = await generateKeyPair("RS256");
  const keys = [{ ...(await exportJWK(publicKey)), kid: "key_1", alg: "RS256", use: "sig" }];
  const app = new Hono().get("/.well-known/jwks.json", (c) => c.json({ keys }));
  const { url, close } = await serveDub({ app });
  return {
    settings: { CLICKS_TOKEN, CLERK_ISSUER: url },
    close,
    /** What proves a claim now. */
    tokenOf: async ({ told, customer }: Claim): Promise<string> =>
      told === "session"
        ? new SignJWT({ iss: url })
            .setProtectedHeader({ alg: "RS256", kid: "key_1" })
            .setSubject(customer)
            .setIssuedAt()
            .setExpirationTime("1 minute")
            .sign(privateKey)
        : CLICKS_TOKEN,
  };
}
