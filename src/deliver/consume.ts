/** The queue consumer: claims what its messages point at, delivers it, writes what came of it. The ledger decides. */
import type { MessageBatch } from "@cloudflare/workers-types";
import { type Alert, misconfigured } from "../alert.ts";
import type { Deps, Env } from "../context.ts";
import { keepAndClaim, pause, type Settlement, settle } from "../ledger/delivery.ts";
import { log } from "../log.ts";
import type { QueueMessage } from "../queue.ts";
import { DELIVERY, type DeliverySettings, parseSettings, SettingsError } from "../settings.ts";
import { needsOperator, REASONS, type Reason } from "../states.ts";
import { HOUR } from "../time.ts";
import { attempt, type Run } from "./attempt.ts";
import { CALLS_PER_MINUTE, type Pace } from "./pace.ts";
import { sweep, sweepLater } from "./sweep.ts";

/** Milliseconds for which a claimed row belongs to one consumer: twice what the calls of one lead may take. */
const LEASE = 120_000;
/** A Worker may hold six connections open; one is left for the ledger. */
const CONCURRENCY = 5;
/** Subrequests that a sweep makes at most. */
const SWEEP_CALLS = 8;
/** Reasons for which Dub is left alone as a whole. */
const PAUSES = new Set<Reason>(["rate_limited", "dub_unreachable"]);

/** Handles one batch of queue messages. A message is acknowledged once the ledger has been asked; from there on the ledger keeps the time. */
export async function consume(
  batch: MessageBatch<QueueMessage>,
  env: Env,
  deps: Deps & { pace: Pace; alert: Alert },
): Promise<void> {
  let settings: DeliverySettings;
  try {
    settings = parseSettings(env, DELIVERY);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    await deps.alert(env, misconfigured(error));
    return postpone(batch);
  }
  const wokenUp = batch.messages.some(({ body }) => "sweep" in body);
  if (wokenUp)
    await sweep(env, deps).catch((error: Error) =>
      log("error", "ledger_down", { during: "sweep", message: error.message }),
    );
  const carried = batch.messages.flatMap(({ body }) => ("event" in body ? [body.event] : []));
  const ids = [
    ...new Set(
      batch.messages.flatMap(({ body }) =>
        "event" in body ? [body.event.id] : "id" in body ? [body.id] : [],
      ),
    ),
  ];
  if (ids.length === 0) return;
  const begun = deps.now();
  const ledger = await keepAndClaim(env.DB, carried, ids, begun, begun + LEASE).catch((error: Error) => {
    log("error", "ledger_down", { during: "claim", events: ids.length, message: error.message });
    return null;
  });
  if (!ledger) return postpone(batch);

  const allowed = ledger.perMinute ?? CALLS_PER_MINUTE;
  const run: Run = {
    dub: { url: settings.DUB_API_URL, key: settings.DUB_API_KEY ?? "", fetch: deps.fetch, now: deps.now },
    settings,
    random: deps.random,
    pace: deps.pace,
    perMinute: allowed,
    unanswered: 0,
    calls: wokenUp ? SWEEP_CALLS : 0,
    stop:
      settings.DUB_API_KEY === undefined
        ? { reason: "dub_key_missing", detail: null, until: begun + HOUR }
        : null,
  };
  const settlements: Settlement[] = [];
  const claims = ledger.claims.values();
  const worker = async () => {
    for (const claim of claims)
      await attempt(claim, run).then(
        (settlement) => settlements.push(settlement),
        // Its lease runs out; the others go on.
        (error: Error) => log("error", "unexpected", { event: claim.id, message: error.message }),
      );
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));

  for (const settlement of settlements) logSettlement(settlement);
  const { stop } = run;
  try {
    await settle(env.DB, settlements, deps.now());
    const until = stop && PAUSES.has(stop.reason) ? stop.until : 0;
    if (stop?.reason === "dub_unreachable") await pause(env.DB, "outage", until);
    else if (until > 0 || run.perMinute !== allowed) await pause(env.DB, "rate_limit", until, run.perMinute);
    if (until > 0) await sweepLater(env, until - deps.now());
  } catch (error) {
    // The leases run out and the sweep finds the rows; an open claim tells the next attempt that this one may have recorded.
    log("error", "ledger_down", {
      during: "settle",
      events: settlements.length,
      message: (error as Error).message,
    });
  }
  for (const reason of new Set(settlements.map((one) => one.reason)))
    if (needsOperator(reason)) await deps.alert(env, { code: reason, ...REASONS[reason] });
}

/** Leaves events to the queue for a while: 30 s at first, an hour in the end. What only points at rows the sweep sends again. */
function postpone(batch: MessageBatch<QueueMessage>): void {
  for (const message of batch.messages)
    if ("event" in message.body)
      message.retry({ delaySeconds: Math.min(3600, 30 * 2 ** Math.min(message.attempts - 1, 10)) });
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
