/** Sending webhooks in two ways: at a steady pace, and as fast as they are answered. */
import { setTimeout as sleep } from "node:timers/promises";
import autocannon from "autocannon";
import { SECOND } from "../src/time.ts";
import { POST_TIMEOUT } from "./limits.ts";
import { PROVIDER, type Webhook } from "./webhooks.ts";

/** How one webhook was answered. `status` 0: not at all. `ms` from sending to the whole answer. */
export type Answer = { status: number; ms: number };
/** `perSecond`: webhooks answered with 200, from the first sent to the last answered. */
export type Sent = { answers: Answer[]; perSecond: number };

/**
 * One webhook each `1 / perSecond`, whether those before are answered or not. (autocannon's own rate limit sends each
 * second's share at once, as fast as it is answered.)
 */
export async function sendSteadily(to: string, webhooks: Webhook[], perSecond: number): Promise<Sent> {
  const begun = performance.now();
  const answers = await Promise.all(
    webhooks.map(async (webhook, i): Promise<Answer> => {
      await sleep(Math.max(0, begun + (i * SECOND) / perSecond - performance.now()));
      const sent = performance.now();
      const status = await post(to, webhook).catch(() => 0);
      return { status, ms: performance.now() - sent };
    }),
  );
  return { answers, perSecond: rate(answers, performance.now() - begun) };
}

async function post(to: string, { headers, body }: Webhook): Promise<number> {
  const signal = AbortSignal.timeout(POST_TIMEOUT);
  const response = await fetch(`${to}/webhooks/${PROVIDER}`, { method: "POST", headers, body, signal });
  await response.arrayBuffer();
  return response.status;
}

/** On each of `connections`, the next webhook as soon as the last one is answered. */
export async function sendFlatOut(to: string, webhooks: Webhook[], connections: number): Promise<Sent> {
  const waiting = webhooks.values();
  const answers: Answer[] = [];
  const begun = performance.now();
  let last = begun;
  const options = {
    url: `${to}/webhooks/${PROVIDER}`,
    method: "POST" as const,
    connections,
    amount: webhooks.length,
    timeout: POST_TIMEOUT / SECOND,
    requests: [{ setupRequest: (request: autocannon.Request) => ({ ...request, ...waiting.next().value }) }],
  };
  await new Promise<void>((resolve, reject) => {
    const run = autocannon(options, (error) => (error ? reject(error) : resolve()));
    // Its own figures are cut to whole milliseconds, and it ends with the second.
    run.on("response", (_client, status, _bytes, ms) => {
      answers.push({ status, ms });
      last = performance.now();
    });
  });
  const perSecond = rate(answers, last - begun);
  while (answers.length < webhooks.length) answers.push({ status: 0, ms: POST_TIMEOUT });
  return { answers, perSecond };
}

function rate(answers: Answer[], ms: number): number {
  return (answers.filter(({ status }) => status === 200).length / ms) * SECOND;
}
