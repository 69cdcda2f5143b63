/**
 * The pace of calls to Dub. Its limit is a sliding window: who calls until refused is refused again when the window
 * ends, since the full window still counts, and gets through half of what is allowed. So calls are spread over it.
 */
import type { Deps } from "../context.ts";
import { MINUTE } from "../time.ts";
import { CATCH_UP, LIMIT_SHARE } from "./limits.ts";

/** Resolves when the next call may be made at `perMinute`. */
export type Pace = (perMinute: number) => Promise<void>;

/** Makes the pace of an isolate, shared by all its batches. */
export function createPace({ now, sleep }: Pick<Deps, "now" | "sleep">): Pace {
  let next = Number.NEGATIVE_INFINITY;
  return async (perMinute) => {
    const at = Math.max(next, now() - CATCH_UP);
    next = at + MINUTE / (perMinute * LIMIT_SHARE);
    const wait = at - now();
    if (wait > 0) await sleep(wait);
  };
}
