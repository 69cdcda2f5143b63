/** The queue consumer: delivers what its messages point at. The ledger decides. */
import type { MessageBatch } from "@cloudflare/workers-types";
import { misconfigured, reportDown } from "../alert.ts";
import type { Env } from "../context.ts";
import type { NewEvent } from "../ledger/event.ts";
import { keep } from "../ledger/keep.ts";
import { CRON_LATE, enqueue, isDeadLetters, isMessage, type QueueMessage, wakeSweep } from "../queue.ts";
import { DELIVERY, type DeliverySettings, parseSettings, SettingsError } from "../settings.ts";
import { deliver } from "./deliver.ts";
import type { DeliveryDeps } from "./deps.ts";
import { SWEEP_CALLS } from "./limits.ts";
import { sweep } from "./sweep.ts";

/** Handles one batch of queue messages. A message is acknowledged once the ledger has been asked; from there on the ledger keeps the time. */
export async function consume(
  batch: MessageBatch<QueueMessage>,
  env: Env,
  deps: DeliveryDeps,
): Promise<void> {
  if (isDeadLetters(batch.queue)) return putBack(batch, env, deps);
  const bodies = batch.messages.map(({ body }) => body).filter(isMessage);
  const carried = bodies.flatMap((body) => ("event" in body ? [body.event] : []));
  let settings: DeliverySettings;
  try {
    settings = parseSettings(env, DELIVERY);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    await deps.alert(env, misconfigured(error));
    return keepOnly(batch, env, deps, carried);
  }
  const sweeps = bodies.some((body) => "sweep" in body);
  if (sweeps) await sweep(env, deps, "queue");
  const ids = bodies.flatMap((body) => ("event" in body ? [body.event.id] : "id" in body ? [body.id] : []));
  if (ids.length === 0) return;
  const work = { carried, ids: [...new Set(ids)], spent: sweeps ? SWEEP_CALLS : 0 };
  const marks = await deliver(env, deps, settings, work);
  if (marks === null) return postpone(batch);
  const now = deps.now();
  if (marks.cron !== undefined && now - marks.cron.at > CRON_LATE)
    await wakeSweep(env, now).catch((error) => reportDown(deps, env, "queue", "wake", error));
}

/** Keeps what the messages carry. The sweep finds it when the settings are right. */
async function keepOnly(
  batch: MessageBatch<QueueMessage>,
  env: Env,
  deps: DeliveryDeps,
  carried: NewEvent[],
): Promise<void> {
  if (carried.length === 0) return;
  try {
    await keep(env.DB, carried, () => false, deps.now());
  } catch (error) {
    await reportDown(deps, env, "ledger", "keep", error);
    postpone(batch);
  }
}

/** Leaves events to the queue for a while: 30 s at first, an hour in the end. What only points at rows the sweep sends again. */
function postpone(batch: MessageBatch<QueueMessage>): void {
  for (const message of batch.messages)
    if (isMessage(message.body) && "event" in message.body)
      message.retry({ delaySeconds: Math.min(3600, 30 * 2 ** Math.min(message.attempts - 1, 10)) });
}

/** Sends what the queue gave up back to it, as new messages: only the ledger may end an event. */
async function putBack(batch: MessageBatch<QueueMessage>, env: Env, deps: DeliveryDeps): Promise<void> {
  try {
    await enqueue(env.EVENTS, batch.messages.map(({ body }) => body).filter(isMessage));
  } catch (error) {
    await reportDown(deps, env, "queue", "put back", error);
    for (const message of batch.messages) message.retry({ delaySeconds: 3600 });
  }
}
