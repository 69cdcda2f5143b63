/** The queue consumer: claims what its messages point at, delivers it, writes what came of it. The ledger decides. */
import type { MessageBatch } from "@cloudflare/workers-types";
import { type Edges, type Env, parseSettings, type Settings, SettingsError } from "../env.ts";
import { keepAndClaim, pause, type Settlement, settle } from "../ledger/delivery.ts";
import { log } from "../log.ts";
import { REASONS } from "../reasons.ts";
import { attempt, type Run } from "./attempt.ts";
import { enqueue, type QueueMessage } from "./message.ts";

/** Milliseconds for which a claimed row belongs to one consumer. */
const LEASE = 60_000;
/** A Worker may hold six connections open; one is left for the ledger. */
const CONCURRENCY = 5;
const HOUR = 3_600_000;

/** Handles one batch of queue messages. A message is acknowledged once the ledger has been asked; from there on the ledger keeps the time. */
export async function consume(batch: MessageBatch<QueueMessage>, env: Env, edges: Edges): Promise<void> {
  let settings: Settings;
  try {
    settings = parseSettings(env);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    log("error", "misconfigured", { message: error.message });
    return postpone(batch);
  }
  const carried = batch.messages.flatMap(({ body }) => ("event" in body ? [body.event] : []));
  const ids = [...new Set(batch.messages.map(({ body }) => ("event" in body ? body.event.id : body.id)))];
  const begun = edges.now();
  const ledger = await keepAndClaim(env.DB, carried, ids, begun, begun + LEASE).catch((error: Error) => {
    log("error", "ledger_down", { during: "claim", events: ids.length, message: error.message });
    return null;
  });
  if (!ledger) return postpone(batch);
  if (ledger.pausedUntil !== null) return later(env, ids, ledger.pausedUntil - begun);

  const stop =
    settings.DUB_API_KEY === undefined
      ? { reason: "dub_key_missing" as const, detail: null, until: begun + HOUR }
      : null;
  const run: Run = {
    dub: { url: settings.DUB_API_URL, key: settings.DUB_API_KEY ?? "", fetch: edges.fetch, now: edges.now },
    settings,
    random: edges.random,
    stop,
  };
  const settlements: Settlement[] = [];
  const claims = ledger.claims.values();
  const worker = async () => {
    for (const claim of claims) settlements.push(await attempt(claim, run));
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));

  for (const settlement of settlements) logSettlement(settlement);
  if (run.stop && run.stop.reason !== "rate_limited")
    log("error", run.stop.reason, {
      message: REASONS[run.stop.reason].means,
      todo: REASONS[run.stop.reason].todo,
    });
  try {
    await settle(env.DB, settlements, edges.now());
    if (run.stop?.reason === "rate_limited") {
      await pause(env.DB, run.stop.until);
      const waiting = settlements
        .filter(({ reason }) => reason === "rate_limited")
        .map(({ claim }) => claim.id);
      await later(env, waiting, run.stop.until - edges.now());
    }
  } catch (error) {
    // The leases run out and the sweep finds the rows; an open claim tells the next attempt that this one may have recorded.
    log("error", "ledger_down", {
      during: "settle",
      events: settlements.length,
      message: (error as Error).message,
    });
  }
}

/** Leaves the messages to the queue for a while: 30 s at first, an hour in the end. */
function postpone(batch: MessageBatch<QueueMessage>): void {
  for (const message of batch.messages)
    message.retry({ delaySeconds: Math.min(3600, 30 * 2 ** Math.min(message.attempts - 1, 10)) });
}

/** Points at rows again after `waitMs`, so that they need not wait for the sweep. */
function later(env: Env, ids: string[], waitMs: number): Promise<void> {
  return enqueue(
    env.EVENTS,
    ids.map((id) => ({ id })),
    Math.max(1, Math.ceil(waitMs / 1000)),
  );
}

function logSettlement({
  claim,
  status,
  reason,
  link,
  attempt: made,
  nextAttemptAt,
  detail,
}: Settlement): void {
  log(
    status === "failed" ? "error" : status === "pending" || status === "rejected" ? "warn" : "info",
    "delivery",
    {
      provider: claim.provider,
      event: claim.id,
      status,
      reason,
      detail: detail ?? undefined,
      link: link?.shortLink ?? link?.id,
      http: made?.httpStatus,
      next: nextAttemptAt === null ? undefined : new Date(nextAttemptAt).toISOString(),
    },
  );
}
