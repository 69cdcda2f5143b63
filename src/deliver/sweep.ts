/** The sweep: each minute, and when a pause ends, puts on the queue whatever is due. */
import { misconfigured, reportDown } from "../alert.ts";
import type { Env } from "../context.ts";
import { type Lateness, noteQueue, takeDue } from "../ledger/due.ts";
import { CRON_LATE, enqueueIds, sweepAgain } from "../queue.ts";
import { DELIVERY, type DeliverySettings, fingerprintOf, parseSettings, SettingsError } from "../settings.ts";
import { deliver } from "./deliver.ts";
import type { DeliveryDeps } from "./deps.ts";
import {
  ALERT_AFTER,
  CALLS_PER_MINUTE,
  CLICKS_ALERT_AFTER,
  DIRECT_LEADS,
  LOW_LIMIT_LIFE,
  MANY_UNKNOWN_CLICKS,
  PROBE_TIME,
  QUEUED_FOR,
  SWEEP_CALLS,
  SWEEP_ROWS,
} from "./limits.ts";

/**
 * Sweeps once. `by`: cron, each minute; or the queue, when a pause has ended or cron is late. When the queue takes no
 * messages, cron delivers a few leads itself. Never throws.
 */
export async function sweep(env: Env, deps: DeliveryDeps, by: "cron" | "queue"): Promise<void> {
  let settings: DeliverySettings;
  let taken: Awaited<ReturnType<typeof takeDue>>;
  const now = deps.now();
  try {
    settings = parseSettings(env, DELIVERY);
    const fingerprint = await fingerprintOf(settings);
    taken = await takeDue(env.DB, {
      now,
      queuedUntil: now + QUEUED_FOR,
      limit: SWEEP_ROWS,
      direct: DIRECT_LEADS,
      perMinute: CALLS_PER_MINUTE,
      lowSince: now - LOW_LIMIT_LIFE,
      heldSince: now - PROBE_TIME,
      clicksBefore: now - CLICKS_ALERT_AFTER,
      fingerprint,
      cron: by === "cron",
    });
  } catch (error) {
    if (error instanceof SettingsError) return deps.alert(env, misconfigured(error));
    return reportDown(deps, env, "ledger", "sweep", error);
  }
  const { ids, lateness } = taken;
  const refused = await enqueueIds(env, ids).then(
    () => false,
    async (error) => {
      await reportDown(deps, env, "queue", "sweep", error);
      return true;
    },
  );
  if (refused || (lateness.queueDown && ids.length > 0))
    await noteQueue(env.DB, refused ? ids : [], now).catch((error) =>
      reportDown(deps, env, "ledger", "sweep", error),
    );
  if (refused && by === "cron") {
    const direct = ids.slice(0, DIRECT_LEADS);
    await deliver(env, deps, settings, { carried: [], ids: direct, spent: SWEEP_CALLS });
  }
  await alertLate(env, deps, lateness);
  if (by === "queue" && now - lateness.cronAt > CRON_LATE && lateness.pending)
    await sweepAgain(env, now).catch((error) => reportDown(deps, env, "queue", "sweep", error));
}

async function alertLate(env: Env, deps: DeliveryDeps, lateness: Lateness): Promise<void> {
  const late = (since: number | null) => since !== null && deps.now() - since > ALERT_AFTER;
  if (late(lateness.cronAt)) await deps.alert(env, { code: "cron_stopped" });
  if (lateness.unknownClicks >= MANY_UNKNOWN_CLICKS) await deps.alert(env, { code: "unknown_clicks" });
  if (lateness.held) return;
  if (late(lateness.dueSince) || (late(lateness.triedSince) && late(lateness.acceptedAt)))
    await deps.alert(env, { code: "delivery_stalled" });
}
