/** Signing samples as the provider would: the counterpart of receive/verify. */

import type { Sample, Verify } from "../../mapping/schema.ts";
import { secretName } from "../../settings.ts";
import { encodeHex, utf8 } from "../../verify/bytes.ts";
import { fill } from "../../verify/hmac.ts";
import { hmacParameters, prepareKeys } from "../../verify/index.ts";

export type SignOptions = {
  provider: string;
  secret: string;
  url: string;
  body: Uint8Array;
  id: string;
  now: number;
};

/** The headers that prove `body` genuine under a scheme. `now` in milliseconds. With several secrets, the first signs. */
export async function sign(
  verify: Verify,
  { provider, secret, url, body, id, now }: SignOptions,
): Promise<Record<string, string>> {
  const first = secret.trim().split(/\s+/)[0] ?? "";
  if (verify.scheme === "token") return { [verify.header]: `${verify.prefix ?? ""}${first}` };
  const parameters = hmacParameters(verify);
  const keys = await prepareKeys(verify, secretName(provider), first);
  const [key] = "hmac" in keys ? keys.hmac : [];
  if (!key) throw new Error("no key");
  const { signature, timestamp, encoding } = parameters;
  const time = String(timestamp?.unit === "ms" ? now : Math.floor(now / 1000));
  const template = firstOf(parameters.payload ?? "{body}");
  const payload = fill(template, { method: "POST", url, headers: new Headers(), body, id, timestamp: time });
  const bytes = new Uint8Array(await crypto.subtle.sign("HMAC", key, payload));
  const text = encoding === "hex" ? encodeHex(bytes) : btoa(String.fromCharCode(...bytes));

  const items = [
    signature.kv === undefined
      ? `${signature.prefix ?? ""}${text}`
      : `${signature.key}${signature.kv}${text}`,
  ];
  if (timestamp?.field !== undefined) items.unshift(`${timestamp.field}${signature.kv}${time}`);
  return {
    [firstOf(signature.header)]: items.join(signature.split ?? ""),
    ...(timestamp?.header !== undefined && { [firstOf(timestamp.header)]: time }),
    ...(parameters.id !== undefined && { [firstOf(parameters.id)]: id }),
  };
}

/** The body of a sample, as its provider would send it. */
export function sampleBody({ webhook, send }: Pick<Sample, "webhook" | "send">): Uint8Array<ArrayBuffer> {
  if (send === "json-lines")
    return utf8((webhook as unknown[]).map((item) => JSON.stringify(item)).join("\n"));
  return utf8(JSON.stringify(webhook));
}

/** A secret for a provider on this machine only, in the form that the scheme needs. */
export function localSecret(provider: string, verify: Verify): string {
  const text = `local-secret-of-${provider}-for-this-machine-only`;
  if (verify.scheme === "token") return text;
  const { strip = [], encoding = ["utf8"] } = hmacParameters(verify).secret ?? {};
  return encoding.includes("base64") ? `${strip.at(-1) ?? ""}${btoa(text)}` : `whsec_${text}`;
}

function firstOf(value: string | string[]): string {
  return typeof value === "string" ? value : (value[0] ?? "");
}
