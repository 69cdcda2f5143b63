/** A rate limit as Dub has it: a sliding window for each key, refused calls not counted. */

import { RATE_WINDOW } from "./limits.ts";

/** Makes the counters of all keys: `limit` calls in a `window` of milliseconds. */
export function createRateLimit(limit: number, now: () => number, window = RATE_WINDOW) {
  const counts = new Map<string, { window: number; current: number; previous: number }>();
  const of = (key: string) => {
    const current = Math.floor(now() / window);
    const seen = counts.get(key) ?? { window: current, current: 0, previous: 0 };
    const state =
      seen.window === current
        ? seen
        : { window: current, current: 0, previous: seen.window === current - 1 ? seen.current : 0 };
    counts.set(key, state);
    return state;
  };
  const used = ({ current, previous }: ReturnType<typeof of>) =>
    current + Math.floor(previous * (1 - (now() % window) / window));
  return {
    /** Counts one call; false when the limit is reached. */
    take(key: string): boolean {
      const state = of(key);
      if (used(state) >= limit) return false;
      state.current++;
      return true;
    },
    /** The headers of an error answer. Reset and Retry-After are the window's end in epoch milliseconds. */
    headers(key: string): Record<string, string> {
      const reset = String((Math.floor(now() / window) + 1) * window);
      return {
        "X-RateLimit-Limit": String(limit),
        "X-RateLimit-Remaining": String(Math.max(0, limit - used(of(key)))),
        "X-RateLimit-Reset": reset,
        "Retry-After": reset,
      };
    },
  };
}
