/** Secrets of providers: from the text of a Worker secret to keys, checked before the first webhook is judged. */
import type { HmacParameters } from "../mapping/schema.ts";
import { decodeBase64, utf8 } from "./bytes.ts";

/** What a scheme compares with: imported HMAC keys, or SHA-256 digests of tokens. */
export type Keys = { hmac: CryptoKey[] } | { tokens: Uint8Array[] };

/** A secret that can't be used; the message names the secret and never holds its value. */
export class SecretError extends Error {}

const MIN_KEY_BYTES = 16;
const MIN_TOKEN_LENGTH = 16;

/** The keys for every secret in `text` (several are separated by white space) under every encoding the scheme tries. */
export async function hmacKeys(name: string, text: string, parameters: HmacParameters): Promise<Keys> {
  const { strip = [], encoding = ["utf8"], minBytes = MIN_KEY_BYTES } = parameters.secret ?? {};
  const raw: Uint8Array<ArrayBuffer>[] = [];
  for (const secret of words(text)) {
    for (const how of encoding) {
      if (how === "utf8") {
        raw.push(utf8(secret));
        continue;
      }
      const prefix = strip.find((p) => secret.startsWith(p)) ?? "";
      const bytes = decodeBase64(secret.slice(prefix.length));
      if (bytes && bytes.length >= minBytes) raw.push(bytes);
      else if (encoding.length === 1)
        throw new SecretError(
          bytes
            ? `${name} decodes to ${bytes.length} bytes, at least ${minBytes} are needed: copy the whole secret from the provider`
            : `${name} is not base64${strip.length > 0 ? ` after ${strip.map((p) => `"${p}"`).join(" or ")}` : ""}: copy the whole secret from the provider`,
        );
    }
  }
  const hash = parameters.algorithm ?? "SHA-256";
  return {
    hmac: await Promise.all(
      raw.map((key) => crypto.subtle.importKey("raw", key, { name: "HMAC", hash }, false, ["sign"])),
    ),
  };
}

/** Digests of every token in `text`; the optional prefix of the header may stand in the secret too. */
export async function tokenKeys(name: string, text: string, prefix: string | undefined): Promise<Keys> {
  const tokens = words(text).filter((word) => word !== prefix?.trim());
  const short = tokens.find((token) => token.length < MIN_TOKEN_LENGTH);
  if (tokens.length === 0 || short !== undefined)
    throw new SecretError(
      `${name} must have at least ${MIN_TOKEN_LENGTH} characters: make one with "openssl rand -hex 32"`,
    );
  return { tokens: await Promise.all(tokens.map(digest)) };
}

export async function digest(text: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", utf8(text)));
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}
