/** Keeping a webhook's events: in the ledger and, if they are to be delivered, in the queue. Either is enough. */
import type { Env } from "../context.ts";
import type { NewEvent } from "../ledger/event.ts";
import { keep } from "../ledger/keep.ts";
import { log } from "../log.ts";
import { enqueue, fitsQueue } from "../queue.ts";
import type { Reason, Status } from "../states.ts";

/** What the ledger says of events by id; nothing of those that only the queue has. */
export type Kept = Map<string, { status: Status; reason: Reason }>;

/**
 * Events in one call of the ledger, and messages in the queue, for one webhook. Of the Free plan's 50 subrequests and 50
 * statements, four calls of the ledger take some 40 statements. The sweep finds the events that get no message.
 */
const MAX_AT_ONCE = 1000;

/** Keeps events; null when neither ledger nor queue has them all. */
export async function keepEvents(env: Env, events: NewEvent[]): Promise<Kept | null> {
  if (events.length === 0) return new Map();
  const deliverable = events.filter((event) => event.status === "pending" && fitsQueue(event));
  const queued = new Set(deliverable.slice(0, MAX_AT_ONCE));
  const [ledger, queue] = await Promise.allSettled([
    keepInLedger(env, events, queued),
    enqueue(env.EVENTS, messages(queued)),
  ]);
  if (queue.status === "rejected")
    log("error", "queue_down", { during: "receive", events: queued.size, message: textOf(queue.reason) });
  if (ledger.status === "fulfilled") return ledger.value;

  log("error", "ledger_down", { during: "receive", events: events.length, message: textOf(ledger.reason) });
  const rest = events.filter((event) => !queued.has(event));
  if (queue.status === "rejected" || !rest.every(fitsQueue)) return null;
  return enqueue(env.EVENTS, messages(rest)).then(
    () => new Map(),
    () => null,
  );
}

/** Slices are kept one after the other: a redelivery keeps what a failure in between has left out. */
async function keepInLedger(env: Env, events: NewEvent[], queued: Set<NewEvent>): Promise<Kept> {
  const kept: Kept = new Map();
  for (let at = 0; at < events.length; at += MAX_AT_ONCE) {
    const slice = await keep(env.DB, events.slice(at, at + MAX_AT_ONCE), (event) => queued.has(event));
    for (const [id, state] of slice) kept.set(id, state);
  }
  return kept;
}

function messages(events: Iterable<NewEvent>) {
  return [...events].map((event) => ({ event }));
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
