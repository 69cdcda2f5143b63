/** Posts a sample to a Worker. */

import type { Sample } from "../../mapping/schema.ts";
import type { EventAnswer } from "../../receive/answer.ts";
import { loadMapping } from "../files.ts";
import { POST_TIMEOUT } from "../limits.ts";
import { UserError } from "../user-error.ts";
import { secretFor } from "./secrets.ts";
import { sampleBody, sign } from "./sign.ts";

/** Signs a sample with the local secret and posts it to the Worker at `to`. */
export async function postSample(
  provider: string,
  sample: Sample,
  to: string,
): Promise<{ status: number; text: string; events: EventAnswer[] }> {
  const { verify } = loadMapping(provider).file;
  const body = sampleBody(sample);
  const url = `${to.replace(/\/+$/, "")}/webhooks/${provider}`;
  const id = `msg_${crypto.randomUUID().replaceAll("-", "")}`;
  const signed = await sign(verify, {
    provider,
    secret: secretFor(provider),
    url,
    body,
    id,
    now: Date.now(),
  });
  const headers = { "content-type": "application/json", ...sample.headers, ...signed };
  let response: Response;
  try {
    response = await fetch(url, { method: "POST", headers, body, signal: AbortSignal.timeout(POST_TIMEOUT) });
  } catch (error) {
    throw new UserError(
      `Nothing answers at ${url} (${(error as Error).cause ?? (error as Error).message}). Is the Worker running? "npm start" or "npm run dev" starts it.`,
    );
  }
  const text = await response.text();
  const events = response.status === 200 ? (JSON.parse(text) as { events: EventAnswer[] }).events : [];
  return { status: response.status, text, events };
}
