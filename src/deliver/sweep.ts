/** The sweep: each minute, puts whatever is due on its way again. */
import type { Edges, Env } from "../env.ts";
import { giveBack, takeDue } from "../ledger/delivery.ts";
import { log } from "../log.ts";
import { enqueue } from "./message.ts";

/** As many as Dub's Business plan takes in a minute at two calls each. */
const MAX_ROWS = 600;
/** Milliseconds for which a row put on its way is left alone. */
const QUEUED_FOR = 10 * 60_000;

export async function sweep(env: Env, edges: Edges): Promise<void> {
  const now = edges.now();
  const ids = await takeDue(env.DB, now, now + QUEUED_FOR, MAX_ROWS);
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
