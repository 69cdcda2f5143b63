/** Hides the values under keys that look like credentials, for payloads that are shown. */

import { decodeBody } from "../body.ts";
import { utf8 } from "../verify/bytes.ts";

export const MASKED = "[hidden]";

/** Anywhere in a key, whatever its case and separators. */
const IN_KEY =
  /passw(or)?d|passphrase|passcode|pwd|secret(?!ar)|token|credential|authori[sz]ation|(api|private|access|signing|encryption|session)key|(verification|recovery|backup|security|reset|login|access|auth|mfa|sms|onetime)code|magiclink|otpcode|cookie|bearer/;
/** As a word of its own, since longer words hold it by chance: `shipping` is no `pin`. */
const WORDS = new Set("otp totp hotp pin cvc cvv jwt pass passkey passkeys signature auth ticket".split(" "));

/** Whether a value under this key is likely a password, token or the like. */
export function isCredential(key: string): boolean {
  const words = key
    .replace(/([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])/g, "$1$3 $2$4")
    .toLowerCase()
    .split(/[^a-z0-9]+/);
  return IN_KEY.test(words.join("")) || words.some((word) => WORDS.has(word));
}

/** Also credentials as the name of a query parameter. */
const PARAMETERS = new Set("code key sig hmac oobcode".split(" "));
/** What can name the header or field whose value is beside it: `{"name": "password", "value": …}`, `["password", …]`. */
const NAME = /^[\w.-]{1,64}$/;
const NAMING = /^(k|n|id|header|field|label|param|parameter|property|.*name|.*key)$/i;
const NAMED = /^(v|val|.*values?|contents?|text|data)$/i;

const isNamed = (name: unknown) => typeof name === "string" && NAME.test(name) && isCredential(name);

/**
 * A copy of a JSON value in which texts and numbers under such keys, or beside such names, are `[hidden]`, and so are
 * credentials in addresses; also in a text that is JSON. Yes, no and null stay.
 */
export function mask(value: unknown, hidden = false): unknown {
  if (Array.isArray(value)) return value.map((one, i) => mask(one, hidden || isNamed(value[i - 1])));
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value);
    const named = entries.some(([key, name]) => NAMING.test(key) && isNamed(name));
    return Object.fromEntries(
      entries.map(([key, one]) => [
        key,
        mask(one, hidden || isCredential(key) || (named && NAMED.test(key))),
      ]),
    );
  }
  if (hidden && (typeof value === "number" || (typeof value === "string" && value !== ""))) return MASKED;
  return typeof value === "string" ? maskIn(value) : value;
}

/** A text that is JSON is written anew only when something in it is hidden. */
function maskIn(text: string): string {
  const decoded = /^\s*[[{"]/.test(text) ? decodeBody(utf8(text), "json") : null;
  if (!decoded?.ok) return maskAddress(text);
  const masked = JSON.stringify(mask(decoded.value));
  return masked === JSON.stringify(decoded.value) ? text : masked;
}

const USER = /:\/\/[^\s/?#]*@/g;
const PARAMETER = /(^|[?&#;])([^\s?&#;=]{1,200})=([^\s&#]+)/g;
/** Addresses within a parameter of an address. */
const MAX_DEPTH = 5;

/** Hides `user:password@`, and the values of query parameters that are credentials or hold an address with one. */
function maskAddress(text: string, depth = 0): string {
  if (depth > MAX_DEPTH) return MASKED;
  return text.replace(USER, `://${MASKED}@`).replace(PARAMETER, (all, before, name, value) => {
    const decoded = decode(value);
    const key = decode(name);
    const shown =
      !isCredential(key) &&
      !PARAMETERS.has(key.toLowerCase()) &&
      (!/[=@]/.test(decoded) || maskAddress(decoded, depth + 1) === decoded);
    return shown ? all : `${before}${name}=${MASKED}`;
  });
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
