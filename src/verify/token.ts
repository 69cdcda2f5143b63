/** The token scheme: the secret itself in a header. */
import * as z from "zod/mini";
import { equalBytes, utf8 } from "./bytes.ts";
import { HeaderName } from "./header-name.ts";
import type { Scheme } from "./scheme.ts";
import { readSecret, SecretError } from "./secret.ts";
import { refused } from "./verdict.ts";

const MIN_LENGTH = 16;

const parameters = z.strictObject({
  scheme: z.literal("token"),
  header: HeaderName.check(z.describe("Header that carries the secret itself.")),
  prefix: z.optional(
    z.string().check(z.describe('A word before the secret that may be there or not, such as "Bearer ".')),
  ),
});
type TokenParameters = z.infer<typeof parameters>;

export const token: Scheme<TokenParameters> & { parameters: typeof parameters } = {
  parameters,

  async verifier({ header, prefix = "" }, name, text) {
    const tokens = await readTokens(name, text, prefix);
    return async ({ headers }) => {
      const value = headers.get(header)?.trim();
      if (!value) return refused({ reason: "missing_header", header });
      const prefixed = prefix !== "" && value.toLowerCase().startsWith(prefix.toLowerCase());
      return (await tokens.include(prefixed ? value.slice(prefix.length).trim() : value))
        ? { ok: true, deliveryId: undefined }
        : refused({ reason: "token_mismatch", secrets: tokens.count });
    };
  },

  async signer({ header, prefix = "" }, name, text) {
    const [first = ""] = readSecret(name, text, prefix);
    return async () => ({ [header]: `${prefix}${first}` });
  },

  inspect({ header }, { headers }) {
    const came = Boolean(headers.get(header)?.trim());
    return { headers: [{ name: header, use: "token", came }], signatures: came ? 1 : 0, signed: [] };
  },

  secretFrom: (_, text) => text,
};

/** The tokens of a Worker secret. `include` takes the same time for every wrong token of a length. */
export type Tokens = { count: number; include: (presented: string) => Promise<boolean> };

/**
 * Reads the tokens in the text of the Worker secret `name`. The word `prefix` may stand before each of them. Throws a
 * SecretError when there is none, or when one is shorter than 16 characters.
 */
export async function readTokens(name: string, text: string, prefix = ""): Promise<Tokens> {
  const values = readSecret(name, text, prefix);
  if (values.length === 0 || values.some((value) => value.length < MIN_LENGTH))
    throw new SecretError(
      name,
      values.length > 1
        ? `holds ${values.length} values separated by white space, and each must have at least ${MIN_LENGTH} characters. A single secret must not contain white space: make one with "openssl rand -hex 32"`
        : `must have at least ${MIN_LENGTH} characters: make one with "openssl rand -hex 32"`,
    );
  const digests = await Promise.all(values.map(digest));
  return {
    count: digests.length,
    // Digests have one length, so that the time tells nothing of the secret's.
    async include(presented) {
      const own = await digest(presented);
      return digests.filter((known) => equalBytes(known, own)).length > 0;
    },
  };
}

async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", utf8(text)));
}
