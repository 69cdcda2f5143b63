/** Samples as the provider would send them: body, signature and secret. */
import type { Sample } from "../../mapping/schema.ts";
import { secretName } from "../../settings.ts";
import { utf8 } from "../../verify/bytes.ts";
import type { Unsigned } from "../../verify/scheme.ts";
import { createSigner, secretFrom, type Verify } from "../../verify/schemes.ts";

/** The headers that prove a webhook genuine under a scheme. Of several secrets the first signs. */
export async function sign(
  verify: Verify,
  { provider, secret, ...webhook }: Unsigned & { provider: string; secret: string },
): Promise<Record<string, string>> {
  const signer = await createSigner(verify, secretName(provider), secret);
  return signer(webhook);
}

/** The body of a sample, as its provider would send it. */
export function sampleBody({ webhook, send }: Pick<Sample, "webhook" | "send">): Uint8Array<ArrayBuffer> {
  if (send === "json-lines")
    return utf8((webhook as unknown[]).map((item) => JSON.stringify(item)).join("\n"));
  return utf8(JSON.stringify(webhook));
}

/** A secret for a provider on this machine only, in the form that the scheme needs. */
export function localSecret(provider: string, verify: Verify): string {
  return secretFrom(verify, `local-secret-of-${provider}-for-this-machine-only`);
}
