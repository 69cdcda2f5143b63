/** When to try again. */
import type { GiveUp } from "./outcome.ts";

/** Share of a wait by which it is lengthened at random, so that what failed together does not return together. */
const JITTER = 0.1;

/**
 * Milliseconds until the next attempt after `retries` earlier ones, or null when it is time to give up.
 * `schedule` in seconds, `random` in [0, 1).
 */
export function nextWait(
  schedule: readonly number[],
  retries: number,
  giveUp: Pick<GiveUp, "after">,
  random: number,
): number | null {
  const seconds = schedule[retries];
  if (seconds === undefined) return null;
  const used = schedule.slice(0, retries + 1).reduce((sum, s) => sum + s, 0);
  if (giveUp.after !== undefined && retries > 0 && used * 1000 > giveUp.after) return null;
  return Math.round(seconds * 1000 * (1 + JITTER * random));
}
