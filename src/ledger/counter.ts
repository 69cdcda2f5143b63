/** Counts in memory what may come in floods, and writes the counts at most every ten seconds. */
import type { D1Database } from "@cloudflare/workers-types";
import type { Deps } from "../context.ts";
import { log } from "../log.ts";
import { SECOND } from "../time.ts";

const WRITE_EVERY = 10 * SECOND;

/** `lastAt` in milliseconds since 1970. */
export type Counted<T> = T & { count: number; lastAt: number };

/**
 * Counts things once more each. The promise is the write that this brings about, if any; it never rejects. Hand it to
 * waitUntil in the same turn.
 */
export type Counter<T> = (db: D1Database, things: T[]) => Promise<void>;

/** `key`: what is counted together. `rest`: what a thing counts as when too many others wait to be written. */
type Options<T> = {
  key: (thing: T) => string;
  rest?: (thing: T) => T;
  write: (db: D1Database, counted: Counted<T>[]) => Promise<unknown>;
};

/** Distinct things that wait to be written, before `rest` is asked. */
const MAX_WAITING = 200;

/**
 * Makes the counter of an isolate. The first things are written at once, those that follow ten seconds after the last
 * write, also when nothing more comes. What could not be written is counted with the next write.
 */
export function createCounter<T extends object>(
  { now, sleep }: Pick<Deps, "now" | "sleep">,
  { key, rest = (thing) => thing, write }: Options<T>,
): Counter<T> {
  const waiting = new Map<string, Counted<T>>();
  let writtenAt = Number.NEGATIVE_INFINITY;
  let plannedFor = Number.NEGATIVE_INFINITY;

  const add = (thing: T, count: number, lastAt: number) => {
    const known = waiting.has(key(thing)) || waiting.size < MAX_WAITING;
    const counted = known ? thing : rest(thing);
    const before = waiting.get(key(counted))?.count ?? 0;
    waiting.set(key(counted), { ...counted, count: before + count, lastAt });
  };
  const flush = async (db: D1Database) => {
    writtenAt = now();
    plannedFor = Number.NEGATIVE_INFINITY;
    const counted = [...waiting.values()];
    waiting.clear();
    try {
      if (counted.length > 0) await write(db, counted);
    } catch (error) {
      for (const one of counted) add(one, one.count, one.lastAt);
      log("error", "ledger_down", { during: "count", message: (error as Error).message });
    }
  };

  return (db, things) => {
    const at = now();
    for (const thing of things) add(thing, 1, at);
    if (at - writtenAt >= WRITE_EVERY) return flush(db);
    // An isolate may be stopped while it sleeps: a planned write whose time has passed is not relied on.
    if (plannedFor > at) return Promise.resolve();
    plannedFor = writtenAt + WRITE_EVERY;
    return sleep(plannedFor - at).then(() => flush(db));
  };
}
