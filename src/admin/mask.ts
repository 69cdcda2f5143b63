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

/** Under these, an object names the key of the value beside it: `{"name": "password", "value": …}`. */
const NAMES = ["name", "key", "header", "field", "label"];

/** A copy of a JSON value in which texts and numbers under such keys are `[hidden]`, also in a text that is JSON; yes, no and null stay. */
export function mask(value: unknown, hidden = false): unknown {
  if (Array.isArray(value)) return value.map((one) => mask(one, hidden));
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value);
    const named = entries.some(
      ([key, name]) => NAMES.includes(key) && typeof name === "string" && isCredential(name),
    );
    return Object.fromEntries(
      entries.map(([key, one]) => [
        key,
        mask(one, hidden || isCredential(key) || (named && key.toLowerCase() === "value")),
      ]),
    );
  }
  if (hidden && (typeof value === "number" || (typeof value === "string" && value !== ""))) return MASKED;
  return typeof value === "string" ? maskIn(value) : value;
}

/** A text that is JSON is written anew only when something in it is hidden. */
function maskIn(text: string): string {
  if (!/^\s*[[{"]/.test(text)) return text;
  const decoded = decodeBody(utf8(text), "json");
  if (!decoded.ok) return text;
  const masked = JSON.stringify(mask(decoded.value));
  return masked === JSON.stringify(decoded.value) ? text : masked;
}
