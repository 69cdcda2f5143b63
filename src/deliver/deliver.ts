/** Delivers rows of the ledger: claims them, makes an attempt with each, writes the results. */
import { reportDown } from "../alert.ts";
import type { Env } from "../context.ts";
import { type Claimed, keepAndClaim } from "../ledger/claim.ts";
import type { NewEvent } from "../ledger/event.ts";
import { countUnknownClicks, type Marks, setMark } from "../ledger/marks.ts";
import { beginPause, endPauses } from "../ledger/pauses.ts";
import { type Settlement, settle } from "../ledger/settle.ts";
import { log, printable } from "../log.ts";
import { sweepLater } from "../queue.ts";
import { type DeliverySettings, fingerprintOf } from "../settings.ts";
import { about, STATUSES, statusOf } from "../states.ts";
import { HOUR, MINUTE } from "../time.ts";
import { attempt } from "./attempt.ts";
import { type Batch, createBatch } from "./batch.ts";
import type { DeliveryDeps } from "./deps.ts";
import {
  CALLS_PER_MINUTE,
  CONCURRENCY,
  LEASE,
  MANY_UNKNOWN_CLICKS,
  OTHERS_PASS,
  SETTING_PAUSE,
} from "./limits.ts";

/** `carried`: events of queue messages, kept first. `ids`: rows to deliver. `spent`: subrequests used already. */
export type Work = { carried: NewEvent[]; ids: string[]; spent: number };

/** Delivers what is due among the rows. Answers the ledger's marks, or null when the ledger can't be reached. */
export async function deliver(
  env: Env,
  deps: DeliveryDeps,
  settings: DeliverySettings,
  { carried, ids, spent }: Work,
): Promise<Marks | null> {
  const begun = deps.now();
  const fingerprint = await fingerprintOf(settings);
  let claimed: Claimed;
  try {
    if (settings.DUB_API_KEY === undefined) await pauseWithoutKey(env, deps, fingerprint);
    claimed = await keepAndClaim(env.DB, carried, ids, begun, begun + LEASE, fingerprint);
  } catch (error) {
    await reportDown(deps, env, "ledger", "claim", error);
    return null;
  }
  const batch = createBatch(settings, deps, claimed, spent);
  const settlements = await attemptAll(claimed, batch);
  for (const settlement of settlements) logSettlement(settlement);

  const now = deps.now();
  const stop = batch.stop();
  const limit = batch.newLimit();
  const acceptedAt = claimed.marks.accepted?.at ?? 0;
  try {
    await settle(env.DB, settlements, now, [
      ...(batch.accepted() && acceptedAt < now - MINUTE ? [setMark(env.DB, "accepted", now)] : []),
      ...(limit === null ? [] : [setMark(env.DB, "rate_limit", now, limit)]),
      ...(stop ? [beginPause(env.DB, stop, stop.name === "setting" ? fingerprint : null)] : []),
      ...(batch.recovered() ? endPauses(env.DB, now, CALLS_PER_MINUTE) : []),
    ]);
    await watchClicks(env, deps, settlements);
  } catch (error) {
    // The leases run out and the sweep finds the rows; an open claim tells the next attempt that this one may have recorded.
    await reportDown(deps, env, "ledger", "settle", error);
  }
  const wait = batch.recovered() ? 0 : stop && stop.name !== "setting" ? stop.until - now : null;
  if (wait !== null)
    await sweepLater(env, wait).catch((error) => reportDown(deps, env, "queue", "pause", error));
  await alertOperator(env, deps, settlements, batch);
  return claimed.marks;
}

async function pauseWithoutKey(env: Env, deps: DeliveryDeps, fingerprint: string): Promise<void> {
  const reason = "dub_key_missing";
  const until = deps.now() + SETTING_PAUSE;
  await beginPause(env.DB, { name: "setting", reason, until, count: 1 }, fingerprint).run();
  await deps.alert(env, { code: reason });
}

async function attemptAll({ claims }: Claimed, batch: Batch): Promise<Settlement[]> {
  const settlements: Settlement[] = [];
  const rest = claims.values();
  const worker = async () => {
    for (const claim of rest)
      await attempt(claim, batch).then(
        (settlement) => settlements.push(settlement),
        // Its lease runs out; the others go on.
        (error: Error) => log("error", "unexpected", { event: claim.id, message: error.message }),
      );
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  return settlements;
}

/** Sends an alert when Dub knows the clicks of fewer leads than it does not, of those that ended within an hour. */
async function watchClicks(env: Env, deps: DeliveryDeps, settlements: Settlement[]): Promise<void> {
  const ended = settlements.filter(({ reason }) => reason === "unknown_click").length;
  if (ended === 0) return;
  const now = deps.now();
  const { unknown, delivered } = await countUnknownClicks(env.DB, now, ended, now - HOUR);
  if (unknown >= MANY_UNKNOWN_CLICKS && unknown > delivered)
    await deps.alert(env, { code: "unknown_clicks" });
}

async function alertOperator(env: Env, deps: DeliveryDeps, settlements: Settlement[], batch: Batch) {
  const othersPass = deps.now() - batch.acceptedAt() < OTHERS_PASS;
  for (const reason of new Set(settlements.map((one) => one.reason)))
    if (about(reason).alert && !(reason === "dub_address" && othersPass))
      await deps.alert(env, { code: reason });
}

/** Of an event name in the log, in UTF-16 units. */
const MAX_NAME = 100;

function logSettlement({ claim, reason, link, attempt: made, nextAttemptAt, detail }: Settlement): void {
  const status = statusOf(reason);
  log(STATUSES[status].level, "delivery", {
    provider: claim.provider,
    event: claim.id,
    type: claim.type ?? undefined,
    lead: claim.lead ? printable(claim.lead.eventName, MAX_NAME) : undefined,
    status,
    reason,
    detail: detail ?? undefined,
    link: link?.shortLink ?? link?.id,
    http: made?.httpStatus,
    next: nextAttemptAt === null ? undefined : new Date(nextAttemptAt).toISOString(),
  });
}
