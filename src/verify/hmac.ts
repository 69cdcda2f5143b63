/** The hmac scheme: a signature over the body's bytes. Standard Webhooks and Stripe are presets of it. */
import type { HmacParameters } from "../mapping/schema.ts";
import { concat, decodeBase64, decodeHex, equalBytes, utf8 } from "./bytes.ts";
import type { SignedRequest, Verdict } from "./index.ts";

/** Standard Webhooks (standardwebhooks.com) and Svix, which differ only in the headers' names. */
export const STANDARD_WEBHOOKS: HmacParameters = {
  scheme: "hmac",
  signature: { header: ["webhook-signature", "svix-signature"], split: " ", kv: ",", key: "v1" },
  encoding: "base64",
  payload: "{id}.{timestamp}.{body}",
  id: ["webhook-id", "svix-id"],
  timestamp: { header: ["webhook-timestamp", "svix-timestamp"], unit: "s", tolerance: 300 },
  secret: { strip: ["v1,whsec_", "whsec_"], encoding: ["base64"], minBytes: 16 },
};

/** Stripe-Signature (docs.stripe.com/webhooks/signature): the whole secret, prefix included, is the key. */
export const STRIPE: HmacParameters = {
  scheme: "hmac",
  signature: { header: "stripe-signature", split: ",", kv: "=", key: "v1" },
  encoding: "hex",
  payload: "{timestamp}.{body}",
  timestamp: { field: "t", unit: "s", tolerance: 300 },
};

/** Signature headers hold one signature, or two while a secret is rotated; more than this is not looked at. */
const MAX_SIGNATURES = 20;

/** Judges one request. `keys` are tried in turn; any signature that fits any key will do. `now` in milliseconds. */
export async function verifyHmac(
  request: SignedRequest,
  parameters: HmacParameters,
  keys: CryptoKey[],
  now: number,
): Promise<Verdict> {
  const { headers } = request;
  const header = present(headers, parameters.signature.header);
  if (!header)
    return refused({ reason: "missing_header", header: list(parameters.signature.header).join(" or ") });
  const items = parseItems(header.value, parameters.signature);
  const decode = parameters.encoding === "hex" ? decodeHex : decodeBase64;
  const signatures = items
    .filter((item) => item.key === parameters.signature.key)
    .map((item) => decode(item.value));
  const candidates = signatures.filter((bytes) => bytes !== undefined).slice(0, MAX_SIGNATURES);
  if (candidates.length === 0) return refused({ reason: "malformed_header", header: header.name });

  const id = parameters.id === undefined ? undefined : present(headers, parameters.id);
  if (parameters.id !== undefined && !id)
    return refused({ reason: "missing_header", header: list(parameters.id).join(" or ") });

  let timestamp = "";
  if (parameters.timestamp) {
    const { field, unit, tolerance } = parameters.timestamp;
    const names = parameters.timestamp.header;
    const found =
      names === undefined ? items.find((item) => item.key === field)?.value : present(headers, names)?.value;
    if (found === undefined)
      return refused({
        reason: "missing_header",
        header: names ? list(names).join(" or ") : `${header.name} ${field}=`,
      });
    if (!/^\d{1,15}$/.test(found))
      return refused({ reason: "malformed_header", header: names ? list(names).join(" or ") : header.name });
    timestamp = found;
    const age = now / 1000 - Number(found) / (unit === "ms" ? 1000 : 1);
    if (age > tolerance) return refused({ reason: "timestamp_too_old", seconds: Math.round(age), tolerance });
    if (age < -tolerance)
      return refused({ reason: "timestamp_in_future", seconds: Math.round(-age), tolerance });
  }

  for (const template of list(parameters.payload ?? "{body}")) {
    const payload = fill(template, { ...request, id: id?.value ?? "", timestamp });
    for (const key of keys) {
      const expected = new Uint8Array(await crypto.subtle.sign("HMAC", key, payload));
      if (candidates.some((candidate) => equalBytes(candidate, expected)))
        return { ok: true, deliveryId: id?.value };
    }
  }
  return refused({ reason: "signature_mismatch", secrets: keys.length });
}

/** The bytes that are signed: a template with the body put in as it came. */
export function fill(
  template: string,
  of: SignedRequest & { id: string; timestamp: string },
): Uint8Array<ArrayBuffer> {
  const parts = template.split(/(\{\w+\})/).map((part) => {
    if (part === "{body}") return of.body;
    if (part === "{json}") return utf8(reserialised(of.body));
    if (part === "{id}") return utf8(of.id);
    if (part === "{timestamp}") return utf8(of.timestamp);
    if (part === "{method}") return utf8(of.method);
    if (part === "{url}") return utf8(of.url);
    return utf8(part);
  });
  return concat(parts);
}

function reserialised(body: Uint8Array): string {
  try {
    return JSON.stringify(JSON.parse(new TextDecoder().decode(body)));
  } catch {
    return "";
  }
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

function present(headers: Headers, names: string | string[]): { name: string; value: string } | undefined {
  for (const name of list(names)) {
    const value = headers.get(name)?.trim();
    if (value) return { name, value };
  }
  return undefined;
}

function list<T>(value: T | T[]): T[] {
  return Array.isArray(value) ? value : [value];
}

function refused(refusal: Extract<Verdict, { ok: false }>["refusal"]): Verdict {
  return { ok: false, refusal };
}
