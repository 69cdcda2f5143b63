/** The sweep: each minute, and when a pause ends, puts whatever is due on its way again. */
import type { Deps, Env } from "../context.ts";
import { giveBack, takeDue } from "../ledger/delivery.ts";
import { log } from "../log.ts";
import { enqueue } from "../queue.ts";
import { CALLS_PER_MINUTE } from "./pace.ts";

/** Milliseconds for which a row put on its way is left alone. */
const QUEUED_FOR = 10 * 60_000;

export async function sweep(env: Env, deps: Deps): Promise<void> {
  const now = deps.now();
  const ids = await takeDue(env.DB, now, now + QUEUED_FOR, CALLS_PER_MINUTE);
  await putOnTheirWay(env, ids, "sweep");
}

/** Points the queue at rows that are marked as on their way. If it can't be reached, the next sweep finds them again. */
export async function putOnTheirWay(env: Env, ids: string[], during: string): Promise<void> {
  try {
    await enqueue(
      env.EVENTS,
      ids.map((id) => ({ id })),
    );
  } catch (error) {
    log("error", "queue_down", { during, events: ids.length, message: (error as Error).message });
    await giveBack(env.DB, ids);
  }
}

/** Sweeps after `wait` milliseconds. If the queue can't be reached, the next minute's sweep has to do. */
export async function sweepLater(env: Env, wait: number): Promise<void> {
  const seconds = Math.max(1, Math.ceil(wait / 1000));
  await enqueue(env.EVENTS, [{ sweep: true }], seconds).catch((error: Error) =>
    log("error", "queue_down", { during: "pause", message: error.message }),
  );
}
