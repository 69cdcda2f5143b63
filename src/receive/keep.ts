/** Keeping what was received: in the ledger and in the queue, side by side; either is enough. */
import { ALERTS, type Alert, ledgerProblem, reportDown } from "../alert.ts";
import type { Env } from "../context.ts";
import type { NewEvent } from "../ledger/event.ts";
import { type Kept, keep } from "../ledger/keep.ts";
import { CRON_LATE, enqueue, fitsQueue, wakeSweep } from "../queue.ts";
import { HOUR, SECOND } from "../time.ts";

/**
 * Events in one call of the ledger, and messages in the queue, for one webhook. Of the Free plan's 50 subrequests and 50
 * statements, four calls of the ledger take some 40 statements. The sweep finds the events that get no message.
 */
const MAX_AT_ONCE = 1000;
/** The ledger's part of the answer waits no longer than this: Svix gives up after 15 s. */
const LEDGER_PATIENCE = 3 * SECOND;
/** After the ledger has failed for this long, the queue alone is not enough any more: its messages expire. */
const QUEUE_ALONE = HOUR;

/** What an isolate knows of the ledger: since when it fails, in milliseconds; null while it works. */
export type LedgerHealth = { failingSince: number | null };
export const createLedgerHealth = (): LedgerHealth => ({ failingSince: null });

/** What keeping needs. `background`: work that the answer does not wait for. */
export type KeepDeps = {
  now: () => number;
  alert: Alert;
  ledgerHealth: LedgerHealth;
  background: (work: Promise<unknown>) => void;
};

/** `warning`: what the answer says of a ledger that fails. */
export type KeptSomewhere = Pick<Kept, "known"> & { warning?: string };

/**
 * Keeps events in the ledger and, if they are to be delivered, in the queue. Answers what the ledger says of them
 * (nothing when it fails), or null when they are not all kept, so that the provider must send them again.
 */
export async function keepEvents(
  env: Env,
  deps: KeepDeps,
  events: NewEvent[],
): Promise<KeptSomewhere | null> {
  if (events.length === 0) return { known: new Map() };
  const { ledgerHealth, background } = deps;
  const { failingSince } = ledgerHealth;
  const ledgerAlone = failingSince !== null && deps.now() - failingSince >= QUEUE_ALONE;
  const deliverable = events.filter((event) => event.status === "pending" && fitsQueue(event));
  const queued = new Set(ledgerAlone ? [] : deliverable.slice(0, MAX_AT_ONCE));
  const writing = keepInLedger(env, events, queued, deps.now());
  const [ledger, queue] = await Promise.allSettled([
    within(LEDGER_PATIENCE, writing),
    enqueue(env.EVENTS, messages(queued)),
  ]);
  if (queue.status === "rejected") background(reportDown(deps, env, "queue", "receive", queue.reason));
  if (ledger.status === "fulfilled") {
    ledgerHealth.failingSince = null;
    const { known, cronAt } = ledger.value;
    if (cronAt !== undefined && deps.now() - cronAt > CRON_LATE) background(wake(env, deps));
    return { known };
  }

  ledgerHealth.failingSince ??= deps.now();
  // A write that is only late may still come to its end.
  background(writing.catch(() => {}));
  background(reportDown(deps, env, "ledger", "receive", ledger.reason));
  const rest = events.filter((event) => !queued.has(event));
  if (ledgerAlone || queue.status === "rejected" || !rest.every(fitsQueue)) return null;
  const kept = { known: new Map(), warning: ALERTS[ledgerProblem(String(ledger.reason))].means };
  return enqueue(env.EVENTS, messages(rest)).then(
    () => kept,
    () => null,
  );
}

/** Slices are kept one after the other: a redelivery keeps what a failure in between has left out. */
async function keepInLedger(env: Env, events: NewEvent[], queued: Set<NewEvent>, now: number): Promise<Kept> {
  const all: Kept = { known: new Map(), cronAt: undefined };
  for (let at = 0; at < events.length; at += MAX_AT_ONCE) {
    const slice = events.slice(at, at + MAX_AT_ONCE);
    const { known, cronAt } = await keep(env.DB, slice, (event) => queued.has(event), now);
    for (const [id, state] of known) all.known.set(id, state);
    all.cronAt = cronAt;
  }
  return all;
}

function messages(events: Iterable<NewEvent>) {
  return [...events].map((event) => ({ event }));
}

function wake(env: Env, deps: KeepDeps): Promise<void> {
  return wakeSweep(env, deps.now()).catch((error) => reportDown(deps, env, "queue", "wake", error));
}

/** The promise's value; throws when there is none within so many milliseconds. */
async function within<T>(time: number, promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${time / SECOND} s`)), time);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
