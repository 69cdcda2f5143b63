/** Key sets (JWKS, RFC 7517) of token issuers: fetched, and kept in the isolate for a while. */
import type { JSONWebKeySet } from "jose";
import { HOUR, MINUTE, SECOND } from "../time.ts";

/** A key set that can't be had. The message names its host and what came back, and nothing of the keys. */
export class KeySetError extends Error {}

/** `refreshed`: it was fetched for this call. */
type Loaded = { set: JSONWebKeySet; refreshed: boolean };

/** `lacking`: the set at hand lacks the key of a token. Throws a KeySetError when there is no set to use. */
export type KeySets = (url: string, lacking?: boolean) => Promise<Loaded>;

/** A set is fetched again after this time. */
const FRESH = 10 * MINUTE;
/** While it can't be fetched, an older one serves for so long. */
const USABLE = 24 * HOUR;
/** Between two attempts to fetch it, whatever the tokens ask for. */
const COOLDOWN = 30 * SECOND;
const TIMEOUT = 5 * SECOND;
const MAX_LENGTH = 200_000;

type Entry = { set?: JSONWebKeySet; fetchedAt: number; triedAt: number; problem: string };

/** Makes the key sets of an isolate. */
export function createKeySets({
  fetch,
  now,
}: {
  fetch: (request: Request) => Promise<Response>;
  now: () => number;
}): KeySets {
  const entries = new Map<string, Entry>();

  return async (url, lacking = false) => {
    const entry = entries.get(url) ?? { fetchedAt: 0, triedAt: Number.NEGATIVE_INFINITY, problem: "" };
    entries.set(url, entry);
    const age = now() - entry.fetchedAt;
    const wanted = !entry.set || lacking || age > FRESH;
    // While another request of the isolate fetches the first set, this one fetches it, too.
    const first = !entry.set && entry.problem === "";
    if (wanted && (first || now() - entry.triedAt >= COOLDOWN)) {
      entry.triedAt = now();
      const got = await load(url, fetch);
      if (typeof got === "string") entry.problem = got;
      else {
        Object.assign(entry, { set: got, fetchedAt: now(), problem: "" });
        return { set: got, refreshed: true };
      }
    }
    if (!entry.set || age > USABLE || (lacking && entry.problem !== ""))
      throw new KeySetError(`the key set at ${new URL(url).host} can't be had: ${entry.problem}`);
    return { set: entry.set, refreshed: false };
  };
}

/** The key set, or what is wrong. */
async function load(
  url: string,
  fetch: (request: Request) => Promise<Response>,
): Promise<JSONWebKeySet | string> {
  try {
    const response = await fetch(new Request(url, { signal: AbortSignal.timeout(TIMEOUT) }));
    const text = await response.text();
    if (!response.ok) return `it answers ${response.status}`;
    if (text.length > MAX_LENGTH) return `it is longer than ${MAX_LENGTH} characters`;
    const set = JSON.parse(text) as JSONWebKeySet | null;
    return Array.isArray(set?.keys) && set.keys.every((key) => typeof key === "object" && key !== null)
      ? set
      : "it is no key set: `keys` is missing, or is no list of keys";
  } catch (error) {
    if (error instanceof SyntaxError) return "it is not JSON";
    return (error as Error).name === "TimeoutError" ? "no answer within 5 s" : "no connection";
  }
}
