/** Hides the values under keys that look like credentials, for payloads that are shown. */

import { decodeBody } from "../receive/body.ts";
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

/** What may still be looked at, in characters; null: everything. */
type Room = { left: number } | null;

/** Characters of a payload that a page looks at: far more than it shows. */
const MAX_LOOKED = 50_000;
/** A page shows of a longer text, unless it is JSON, as much as begins it and ends at a space. */
const MAX_TEXT = 10_000;
const BEGINNING = 300;
/** Of an object with more keys, nobody looks whether one of them names another. */
const MAX_KEYS = 1000;

/**
 * A copy of a JSON value in which texts and numbers under such keys, or beside such names, are `[hidden]`, and so are
 * credentials in addresses; also in a text that is JSON. Yes, no and null stay.
 */
export const mask = (value: unknown): unknown => copy(value, false, null);

/** As `mask`, but only the beginning of a large value: what is left out is counted in its place, such as `"… 912 more"`. */
export const maskBeginning = (value: unknown): unknown => copy(value, false, { left: MAX_LOOKED });

function copy(value: unknown, hidden: boolean, room: Room): unknown {
  if (room) room.left -= 4;
  if (Array.isArray(value)) {
    const shown = whileRoom(value, room, (one, i) => copy(one, hidden || isNamed(value[i - 1]), room));
    return shown.length < value.length ? [...shown, more(value.length - shown.length)] : shown;
  }
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value);
    const named =
      (room !== null && entries.length > MAX_KEYS) ||
      entries.some(([key, name]) => NAMING.test(key) && isNamed(name));
    const shown = whileRoom(entries, room, ([key, one]) => {
      if (room) room.left -= key.length;
      return [key, copy(one, hidden || isCredential(key) || (named && NAMED.test(key)), room)] as const;
    });
    const rest = entries.length - shown.length;
    return Object.fromEntries(rest > 0 ? [...shown, ["…", more(rest)]] : shown);
  }
  if (hidden && (typeof value === "number" || (typeof value === "string" && value !== ""))) return MASKED;
  return typeof value === "string" ? maskIn(value, room) : value;
}

const more = (count: number) => `… ${count} more`;

/** What becomes of the first items, as long as there is room. */
function whileRoom<T, U>(items: T[], room: Room, become: (item: T, i: number) => U): U[] {
  const results: U[] = [];
  for (const [i, item] of items.entries()) {
    if (room && room.left <= 0) break;
    results.push(become(item, i));
  }
  return results;
}

/** A text that is JSON is written anew only when something in it is hidden. */
function maskIn(text: string, room: Room): string {
  const isJson = /^\s*[[{"]/.test(text);
  if (room && text.length > (isJson ? room.left : MAX_TEXT)) {
    room.left -= BEGINNING;
    // A part of an address, or of JSON, could show what the whole would hide.
    const beginning = isJson ? "" : text.slice(0, BEGINNING).replace(/\S*$/, "");
    return `${maskAddress(beginning)}… (${text.length} characters)`;
  }
  if (room) room.left -= text.length;
  const decoded = isJson ? decodeBody(utf8(text), "json") : null;
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
