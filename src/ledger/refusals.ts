/** Counts refused webhooks: one row for each provider and reason, with the evidence of the last. */
import type { Deps } from "../context.ts";
import { type Counter, createCounter } from "./counter.ts";

/** `provider` and `reason` must come from closed lists: they bound the number of rows. */
export type CountedRefusal = { provider: string; reason: string; evidence: string };

const WRITE = `
INSERT INTO refusals (provider, reason, count, last_at, evidence)
SELECT r.value->>'provider', r.value->>'reason', r.value->>'count', r.value->>'lastAt', r.value->>'evidence' FROM json_each(?1) r WHERE true
ON CONFLICT (provider, reason) DO UPDATE SET count = count + excluded.count, last_at = excluded.last_at, evidence = excluded.evidence`;

/** Makes the counter of an isolate. A flood of forged webhooks costs one statement in ten seconds. */
export function createRefusalCounter(deps: Pick<Deps, "now" | "sleep">): Counter<CountedRefusal> {
  return createCounter(deps, {
    key: ({ provider, reason }) => `${provider} ${reason}`,
    write: (db, refusals) => db.prepare(WRITE).bind(JSON.stringify(refusals)).run(),
  });
}
