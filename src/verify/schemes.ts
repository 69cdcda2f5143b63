/** The table of schemes. To add one: its file beside this one, and one line here. */
import * as z from "zod/mini";
import { hmac } from "./hmac.ts";
import type { Inspection, Scheme, Signer, Verifier } from "./scheme.ts";
import { standardWebhooks } from "./standard-webhooks.ts";
import { stripe } from "./stripe.ts";
import { token } from "./token.ts";
import type { SignedRequest } from "./verdict.ts";

const SCHEMES = { "standard-webhooks": standardWebhooks, stripe, hmac, token };

type Parameters = (typeof SCHEMES)[keyof typeof SCHEMES]["parameters"];

/** How a webhook proves that it is genuine, as the mapping file says it: the scheme's name and its parameters. */
export const Verify = z
  .discriminatedUnion(
    "scheme",
    Object.values(SCHEMES).map(({ parameters }) => parameters) as [Parameters, ...Parameters[]],
  )
  .check(z.describe("How the webhook proves that it is genuine."));
export type Verify = z.infer<typeof Verify>;

/** The verifier of a scheme under the Worker secret `name`; throws a SecretError when the secret can't be used. */
export function createVerifier(verify: Verify, name: string, text: string): Promise<Verifier> {
  return schemeOf(verify).verifier(verify, name, text);
}

/** The signer of a scheme, for tests and local tools; throws a SecretError when the secret can't be used. */
export function createSigner(verify: Verify, name: string, text: string): Promise<Signer> {
  return schemeOf(verify).signer(verify, name, text);
}

/** What a scheme reads of a request, for local tools. */
export function inspect(verify: Verify, request: SignedRequest): Inspection {
  return schemeOf(verify).inspect(verify, request);
}

/** The same scheme with all its parameters, where it is a preset. */
export function expanded(verify: Verify): Verify {
  const scheme = SCHEMES[verify.scheme];
  return "fixed" in scheme ? scheme.fixed : verify;
}

/** A usable secret for a scheme made from `text` (16 bytes or more), for tests and local tools. */
export function secretFrom(verify: Verify, text: string): string {
  return schemeOf(verify).secretFrom(verify, text);
}

/** The parameters of a mapping file are those of the scheme that they name, which the type of a table can't say. */
function schemeOf({ scheme }: Verify): Scheme<Verify> {
  return SCHEMES[scheme] as unknown as Scheme<Verify>;
}
