/** Webhooks to send: Clerk's sign-up sample, each with a user of its own and a genuine signature. */

import { loadMapping, readSample } from "../src/dev/files.ts";
import { secretFor } from "../src/dev/samples/secrets.ts";
import { sampleBody, sign } from "../src/dev/samples/sign.ts";

export const PROVIDER = "clerk";

export type Webhook = { headers: Record<string, string>; body: Buffer<ArrayBuffer> };

/** Signs `count` webhooks. A signature is good for five minutes, so they are signed right before they are sent. */
export async function signedWebhooks(count: number): Promise<Webhook[]> {
  const { verify } = loadMapping(PROVIDER).file;
  const secret = secretFor(PROVIDER);
  const sample = readSample(PROVIDER);
  const { data, ...rest } = sample.webhook as { data: object };
  const now = Date.now();
  return Promise.all(
    Array.from({ length: count }, async () => {
      const unique = crypto.randomUUID().replaceAll("-", "");
      const body = sampleBody({
        send: "json",
        webhook: { ...rest, data: { ...data, id: `user_${unique}` } },
      });
      const signed = await sign(verify, {
        provider: PROVIDER,
        secret,
        url: "",
        body,
        id: `msg_${unique}`,
        now,
      });
      return { headers: { "content-type": "application/json", ...signed }, body: Buffer.from(body) };
    }),
  );
}
