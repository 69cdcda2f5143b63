/** The hmac scheme: a signature over the body's bytes. Standard Webhooks and Stripe are presets of it. */
import * as z from "zod/mini";
import { decodeBase64, decodeHex, encodeHex, equalBytes, utf8 } from "./bytes.ts";
import { type HeaderSet, HmacParameters, headerSets, list } from "./hmac-parameters.ts";
import { fill } from "./payload.ts";
import type { Inspection, Scheme, Signer, Verifier } from "./scheme.ts";
import { readSecret, SecretError } from "./secret.ts";
import { refused, type SignedRequest, type Verdict } from "./verdict.ts";

/** Signature headers hold one signature, or two while a secret is rotated; more than this is not looked at. */
const MAX_SIGNATURES = 20;
const MIN_KEY_BYTES = 16;

export const hmac: Scheme<HmacParameters> & { parameters: typeof HmacParameters } = {
  parameters: HmacParameters,
  async verifier(given, name, text): Promise<Verifier> {
    const keys = await importKeys(given, name, text);
    return (request, now) => verify(given, keys, request, now);
  },
  async signer(given, name, text): Promise<Signer> {
    const [key] = await importKeys(given, name, text);
    if (!key) throw new SecretError(name, "is empty");
    return ({ url, body, id, now }) =>
      sign(given, key, { method: "POST", url, headers: new Headers(), body }, id, now);
  },
  inspect,
  secretFrom({ secret: { strip = [], begins = "", encoding } = { encoding: ["utf8"] } }, text) {
    return encoding.includes("base64") ? `${strip.at(-1) ?? ""}${btoa(text)}` : `${begins}${text}`;
  },
};

/** A scheme that is hmac with fixed parameters. `name` is what the mapping file calls it. */
export function preset<N extends string>(name: N, description: string, fixed: HmacParameters) {
  const own = z.strictObject({ scheme: z.literal(name).check(z.describe(description)) });
  const scheme: Scheme<z.infer<typeof own>> = {
    parameters: own,
    verifier: (_, secret, text) => hmac.verifier(fixed, secret, text),
    signer: (_, secret, text) => hmac.signer(fixed, secret, text),
    inspect: (_, request) => hmac.inspect(fixed, request),
    secretFrom: (_, text) => hmac.secretFrom(fixed, text),
  };
  return { ...scheme, parameters: own, fixed };
}

/** The keys of every secret under every encoding that the scheme tries. Every secret must give one. */
async function importKeys(given: HmacParameters, name: string, text: string): Promise<CryptoKey[]> {
  const secrets = readSecret(name, text);
  const raw = secrets.flatMap((secret) => rawKeys(given, name, secret, secrets.length));
  const hash = given.algorithm ?? "SHA-256";
  return Promise.all(
    raw.map((key) => crypto.subtle.importKey("raw", key, { name: "HMAC", hash }, false, ["sign"])),
  );
}

function rawKeys(given: HmacParameters, name: string, secret: string, count: number) {
  const { strip = [], begins = "", encoding = ["utf8"], minBytes = MIN_KEY_BYTES } = given.secret ?? {};
  const whole = "copy the whole signing secret from the provider";
  if (!secret.startsWith(begins)) throw new SecretError(name, `does not begin with "${begins}": ${whole}`);
  const keys = encoding.flatMap((how) => {
    const prefix = strip.find((one) => secret.startsWith(one)) ?? "";
    const raw = how === "utf8" ? utf8(secret) : decodeBase64(secret.slice(prefix.length));
    return raw ? [{ raw, length: how === "utf8" ? raw.length - begins.length : raw.length }] : [];
  });
  const usable = keys.filter(({ length }) => length >= minBytes);
  if (usable.length > 0) return usable.map(({ raw }) => raw);
  const key = keys.at(-1);
  if (!key) {
    const last = strip.at(-1);
    const where =
      last === undefined
        ? ""
        : strip.some((one) => secret.startsWith(one))
          ? ` after ${strip.map((one) => `"${one}"`).join(" or ")}`
          : ` (a leading ${last} is ignored)`;
    throw new SecretError(name, `is not base64${where}: ${whole}`);
  }
  const rest = begins === "" ? "" : ` after "${begins}"`;
  const least = `at least ${minBytes} are needed`;
  if (count > 1)
    throw new SecretError(
      name,
      `contains ${count} secrets separated by white space, one of them of ${key.length} bytes${rest}, ${least} for each. A single secret must not contain white space: ${whole}`,
    );
  const is = encoding.includes("utf8") ? "has" : "decodes to";
  throw new SecretError(name, `${is} ${key.length} bytes${rest}, ${least}: ${whole}`);
}

/** Verifies by each set of headers whose signature is there; one that is valid will do. */
async function verify(
  given: HmacParameters,
  keys: CryptoKey[],
  request: SignedRequest,
  now: number,
): Promise<Verdict> {
  const present = headerSets(given).filter(({ signature }) => headerOf(request, signature) !== undefined);
  const verdicts: Verdict[] = [];
  for (const set of present) {
    const verdict = await verifySet(given, set, keys, request, now);
    if (verdict.ok) return verdict;
    verdicts.push(verdict);
  }
  const complete = verdicts.find((one) => !one.ok && one.refusal.reason !== "missing_header");
  return (
    complete ??
    verdicts[0] ??
    refused({ reason: "missing_header", header: list(given.signature.header).join(" or ") })
  );
}

async function verifySet(
  given: HmacParameters,
  set: HeaderSet,
  keys: CryptoKey[],
  request: SignedRequest,
  now: number,
): Promise<Verdict> {
  const { signatures, id, timestamp } = readSet(given, set, request);
  if (signatures.length === 0) return refused({ reason: "malformed_header", header: set.signature });
  if (set.id !== undefined && id === undefined) return refused({ reason: "missing_header", header: set.id });
  if (given.timestamp) {
    const { field, tolerance } = given.timestamp;
    if (timestamp === undefined)
      return refused({ reason: "missing_header", header: set.timestamp ?? `${set.signature} ${field}=` });
    const signedAt = timeOf(given, timestamp);
    if (signedAt === undefined)
      return refused({ reason: "malformed_header", header: set.timestamp ?? set.signature });
    const age = (now - signedAt) / 1000;
    if (age > tolerance) return refused({ reason: "timestamp_too_old", seconds: Math.round(age), tolerance });
    if (age < -tolerance)
      return refused({ reason: "timestamp_in_future", seconds: Math.round(-age), tolerance });
  }

  const payloads = payloadsOf(given, request, id, timestamp);
  if (payloads.length === 0) return refused({ reason: "signed_json_missing" });
  for (const payload of payloads)
    for (const key of keys) {
      const expected = new Uint8Array(await crypto.subtle.sign("HMAC", key, payload));
      if (signatures.some((signature) => equalBytes(signature, expected)))
        return { ok: true, deliveryId: id };
    }
  return refused({ reason: "signature_mismatch", secrets: keys.length });
}

/** What is in the headers of one sender; `signatures` are those that can be decoded. */
type SetReading = {
  signatures: Uint8Array[];
  id: string | undefined;
  timestamp: string | undefined;
};

function readSet(given: HmacParameters, set: HeaderSet, request: SignedRequest): SetReading {
  const items = parseItems(headerOf(request, set.signature) ?? "", given.signature);
  const decode = given.encoding === "hex" ? decodeHex : decodeBase64;
  const signatures = items.filter(({ key }) => key === given.signature.key).map(({ value }) => decode(value));
  const timestamp =
    set.timestamp === undefined
      ? items.find(({ key }) => key === given.timestamp?.field)?.value
      : headerOf(request, set.timestamp);
  return {
    signatures: signatures.filter((bytes) => bytes !== undefined).slice(0, MAX_SIGNATURES),
    id: set.id === undefined ? undefined : headerOf(request, set.id),
    timestamp: given.timestamp && timestamp,
  };
}

/** Milliseconds since 1970, or undefined for a text that is no time. */
function timeOf({ timestamp }: HmacParameters, text: string): number | undefined {
  if (!/^\d{1,15}$/.test(text)) return undefined;
  return Number(text) * (timestamp?.unit === "ms" ? 1 : 1000);
}

function payloadsOf({ payload }: HmacParameters, request: SignedRequest, id = "", timestamp = "") {
  return list(payload ?? "{body}")
    .map((template) => fill(template, { ...request, id, timestamp }))
    .filter((filled) => filled !== undefined);
}

function inspect(given: HmacParameters, request: SignedRequest): Inspection {
  const came = (name: string) => headerOf(request, name) !== undefined;
  const sets = headerSets(given).map((set) => ({
    set,
    headers: (["signature", "id", "timestamp"] as const).flatMap((use) => {
      const name = set[use];
      return name === undefined ? [] : [{ name, use, came: came(name) }];
    }),
  }));
  const count = ({ headers }: (typeof sets)[number]) => headers.filter((one) => one.came).length;
  const best = sets.reduce((a, b) => (count(b) > count(a) ? b : a));
  // Which sender it is nobody knows when no header came.
  const names = (use: string) =>
    sets.flatMap(({ headers }) => headers.filter((one) => one.use === use).map(({ name }) => name));
  const headers =
    count(best) > 0
      ? best.headers
      : best.headers.map((one) => ({ ...one, name: [...new Set(names(one.use))].join(" or ") }));
  const { signatures, id, timestamp } = readSet(given, best.set, request);
  const signedAt = timestamp === undefined ? undefined : timeOf(given, timestamp);
  return {
    headers,
    signatures: signatures.length,
    ...(given.timestamp && { time: { signedAt, tolerance: given.timestamp.tolerance } }),
    signed: payloadsOf(given, request, id, timestamp),
  };
}

async function sign(
  { signature, timestamp, encoding, payload, ...given }: HmacParameters,
  key: CryptoKey,
  request: SignedRequest,
  id: string,
  now: number,
): Promise<Record<string, string>> {
  const time = String(timestamp?.unit === "ms" ? now : Math.floor(now / 1000));
  const filled = fill(list(payload ?? "{body}")[0] ?? "", { ...request, id, timestamp: time });
  const bytes = new Uint8Array(await crypto.subtle.sign("HMAC", key, filled ?? new Uint8Array()));
  const text = encoding === "hex" ? encodeHex(bytes) : btoa(String.fromCharCode(...bytes));
  const items = [
    signature.kv === undefined
      ? `${signature.prefix ?? ""}${text}`
      : `${signature.key}${signature.kv}${text}`,
  ];
  if (timestamp?.field !== undefined) items.unshift(`${timestamp.field}${signature.kv}${time}`);
  const [set] = headerSets({ signature, timestamp, encoding, ...given });
  if (!set) return {};
  return {
    [set.signature]: items.join(signature.split ?? ""),
    ...(set.timestamp !== undefined && { [set.timestamp]: time }),
    ...(set.id !== undefined && { [set.id]: id }),
  };
}

type Item = { key: string | undefined; value: string };

function parseItems(header: string, { prefix = "", split, kv }: HmacParameters["signature"]): Item[] {
  const items = split === undefined ? [header] : header.split(split);
  return items.map((item) => {
    const text = item.trim().replace(/,$/, "");
    const at = kv === undefined ? -1 : text.indexOf(kv);
    if (kv !== undefined)
      return at < 0
        ? { key: "", value: text }
        : { key: text.slice(0, at), value: text.slice(at + kv.length) };
    return { key: undefined, value: text.startsWith(prefix) ? text.slice(prefix.length) : "" };
  });
}

function headerOf({ headers }: SignedRequest, name: string): string | undefined {
  return headers.get(name)?.trim() || undefined;
}
