/** Messages of the queue: a hint that a row is due, or that it is time to sweep. The first one carries the whole event, in case the ledger was down. */
import type { Queue } from "@cloudflare/workers-types";
import type { Env } from "./context.ts";
import { takeTurn } from "./ledger/alerts.ts";
import type { NewEvent } from "./ledger/event.ts";
import { MINUTE } from "./time.ts";

export type QueueMessage = { event: NewEvent } | { id: string } | { sweep: true };

/** A queue takes messages of 128 KB, batches of 100 and of 256 KB; some room is left for its own overhead. */
const MAX_MESSAGE_BYTES = 120_000;
const MAX_BATCH_BYTES = 240_000;
const MAX_BATCH_COUNT = 100;

/** Whether a queue of that name is the one of wrangler.toml that takes what the queue gave up. */
export const isDeadLetters = (queue: string) => queue.endsWith("-dead-letters");

/** Whether a message is one of ours: Cloudflare's dashboard can send any text. */
export const isMessage = (body: unknown): body is QueueMessage => typeof body === "object" && body !== null;

/** Whether an event fits into a queue message; one that does not is found in the ledger by the sweep. */
export function fitsQueue(event: NewEvent): boolean {
  return byteLength({ event }) <= MAX_MESSAGE_BYTES;
}

/** Sends messages in as few batches as the queue's limits allow. */
export async function enqueue(
  queue: Queue<QueueMessage>,
  messages: QueueMessage[],
  delaySeconds = 0,
): Promise<void> {
  let batch: QueueMessage[] = [];
  let bytes = 0;
  const flush = async () => {
    if (batch.length > 0)
      await queue.sendBatch(
        batch.map((body) => ({ body })),
        { delaySeconds },
      );
    batch = [];
    bytes = 0;
  };
  for (const message of messages) {
    const own = byteLength(message);
    if (batch.length === MAX_BATCH_COUNT || bytes + own > MAX_BATCH_BYTES) await flush();
    batch.push(message);
    bytes += own;
  }
  await flush();
}

/** Points the queue at rows that the ledger has marked as queued. */
export function enqueueIds(env: Env, ids: string[]): Promise<void> {
  return enqueue(
    env.EVENTS,
    ids.map((id) => ({ id })),
  );
}

/** Sweeps after `wait` milliseconds, a second at the least. */
export function sweepLater(env: Env, wait: number): Promise<void> {
  return enqueue(env.EVENTS, [{ sweep: true }], Math.max(1, Math.ceil(wait / 1000)));
}

/** A cron trigger that has not run for this long is late: webhooks and queue batches start the sweep instead. */
export const CRON_LATE = 5 * MINUTE;

/** Sweeps again in a minute while cron is late: one sweep after the other, however many were begun. */
export async function sweepAgain(env: Env, now: number): Promise<void> {
  if (await takeTurn(env.DB, "sweep_again", now, MINUTE / 2)) await sweepLater(env, MINUTE);
}

/** Sweeps soon, instead of a cron trigger that is late; once a minute, whoever asks. */
export async function wakeSweep(env: Env, now: number): Promise<void> {
  if (await takeTurn(env.DB, "sweep", now, MINUTE)) await sweepLater(env, 0);
}

function byteLength(value: unknown): number {
  return new TextEncoder().encode(JSON.stringify(value)).length;
}
