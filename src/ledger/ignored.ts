/** Counts events that no rule takes: one row for each provider and type, so that a renamed event can be seen. */
import type { Deps } from "../context.ts";
import { printable } from "../log.ts";
import { DAY } from "../time.ts";
import { type Counter, createCounter } from "./counter.ts";

/** Events of one provider and type; `type` as the provider names it. */
export type Ignored = { provider: string; type: string };

/** Rows for each provider; types for which there is none left are counted as `other`. */
const MAX_TYPES = 50;
const MAX_TYPE_LENGTH = 100;
/** A type that has not come for so long (milliseconds) is forgotten. */
const MAX_AGE = 90 * DAY;

const FORGET = "DELETE FROM ignored WHERE last_at < ?1";

const WRITE = `
WITH noted AS (
  SELECT value->>'provider' AS provider, value->>'type' AS type, value->>'count' AS count, value->>'lastAt' AS last_at FROM json_each(?1)),
fresh AS (
  SELECT n.provider, n.type,
    row_number() OVER (PARTITION BY n.provider ORDER BY n.count DESC, n.type)
      + (SELECT count(*) FROM ignored i WHERE i.provider = n.provider) AS place
  FROM noted n WHERE NOT EXISTS (SELECT 1 FROM ignored i WHERE i.provider = n.provider AND i.type = n.type))
INSERT INTO ignored (provider, type, count, last_at)
SELECT n.provider, iif(f.place >= ${MAX_TYPES}, 'other', n.type), sum(n.count), max(n.last_at)
FROM noted n LEFT JOIN fresh f ON f.provider = n.provider AND f.type = n.type WHERE true GROUP BY 1, 2
ON CONFLICT (provider, type) DO UPDATE SET count = count + excluded.count, last_at = max(last_at, excluded.last_at)`;

/** Makes the counter of an isolate. It writes two statements in ten seconds at most. */
export function createIgnoredCounter(deps: Pick<Deps, "now" | "sleep">): Counter<Ignored> {
  const count = createCounter<Ignored>(deps, {
    key: ({ provider, type }) => `${provider} ${type}`,
    rest: ({ provider }) => ({ provider, type: "other" }),
    write: (db, ignored) =>
      db.batch([
        db.prepare(FORGET).bind(deps.now() - MAX_AGE),
        db.prepare(WRITE).bind(JSON.stringify(ignored)),
      ]),
  });
  return (db, events) =>
    count(
      db,
      events.map(({ provider, type }) => ({ provider, type: printable(type, MAX_TYPE_LENGTH) })),
    );
}
