/** Posts a sample to a Worker. */
import { createHash, randomBytes } from "node:crypto";
import type { Sample } from "../../mapping/schema.ts";
import type { EventAnswer } from "../../receive/answer.ts";
import type { SignedRequest } from "../../verify/verdict.ts";
import { loadMapping } from "../files.ts";
import { replaced, toHeaders } from "../headers.ts";
import { POST_TIMEOUT } from "../limits.ts";
import { notThisWorker, request } from "../request.ts";
import { secretFor } from "./secrets.ts";
import { sampleBody, sign } from "./sign.ts";

/**
 * `again`: the delivery's id is made from the body, so that the same sample is a redelivery. `at`: time of the signature,
 * in milliseconds since 1970. `headers` replace those of the sample and the signature; one without a value is left out.
 */
export type PostOptions = {
  again?: boolean | undefined;
  at?: number | undefined;
  secret?: string | undefined;
  headers?: [string, string][];
};

export type Posted = { request: SignedRequest; status: number; text: string; events: EventAnswer[] };

/** Signs a sample, with the secret of this machine unless another is given, and posts it to the Worker at `to`. */
export async function postSample(
  provider: string,
  sample: Sample,
  to: string,
  { again = false, at = Date.now(), secret = secretFor(provider), headers: given = [] }: PostOptions = {},
): Promise<Posted> {
  const { verify } = loadMapping(provider).file;
  const body = sampleBody(sample);
  const url = `${to}/webhooks/${provider}`;
  const id = again ? createHash("sha256").update(body).digest("hex") : randomBytes(16).toString("hex");
  const signed = await sign(verify, { provider, secret, url, body, id: `msg_${id.slice(0, 27)}`, now: at });
  const own = { "content-type": "application/json", ...sample.headers, ...signed };
  const headers = replaced(toHeaders(Object.entries(own)), given);

  const signedRequest: SignedRequest = { method: "POST", url, headers, body };
  const { status, text } = await request(url, { method: "POST", headers, body }, POST_TIMEOUT);
  return { request: signedRequest, status, text, events: status === 200 ? eventsOf(text, url) : [] };
}

function eventsOf(text: string, url: string): EventAnswer[] {
  try {
    const { events } = JSON.parse(text) as { events: EventAnswer[] };
    if (Array.isArray(events)) return events;
  } catch {}
  throw notThisWorker(url, 200, text);
}
