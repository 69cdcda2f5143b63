/** What is due, and what has been due for too long. */
import type { D1Database } from "@cloudflare/workers-types";
import { isUnchecked, type Reason } from "../states.ts";
import { setMark } from "./marks.ts";
import { IN_FORCE, PROBING, resumeChanged } from "./pauses.ts";
import { PENDING_SINCE, reasons } from "./sql.ts";

const QUEUE_DOWN = "EXISTS (SELECT 1 FROM marks WHERE name = 'queue_down')";

/** None in a pause, one after an outage, few while the queue refuses messages, else what Dub takes in a minute at two calls each. */
const DUE = `
UPDATE events SET queued_until = ?2 WHERE rowid IN (
  SELECT rowid FROM events WHERE status = 'pending' AND next_attempt_at <= ?1 AND queued_until <= ?1 AND lease_until <= ?1
    AND NOT EXISTS (SELECT 1 FROM pauses WHERE ${IN_FORCE("?1", "?4")})
  ORDER BY next_attempt_at LIMIT iif(${PROBING}, 1, iif(${QUEUE_DOWN}, ?6, max(1, min(?3, coalesce((SELECT value FROM marks WHERE name = 'rate_limit'), ?5) / 2)))))
RETURNING id`;

/** A row that was made pending by hand may have no time; it is due. */
const TIMELESS =
  "UPDATE events SET next_attempt_at = ?1 WHERE status = 'pending' AND next_attempt_at IS NULL";

/** Dub itself must work again. */
const AWAITS_DUB = reasons(({ pauses, alert }) => pauses === true && alert === undefined);

/** Both look at the first hundred rows by their time. */
const OVERDUE = `
SELECT min(iif(next_attempt_at <= ?1, next_attempt_at, NULL)) AS due,
  min(iif(reason IN (${AWAITS_DUB}), ${PENDING_SINCE}, NULL)) AS tried,
  sum(reason = 'click_not_found_yet' AND ${PENDING_SINCE} BETWEEN coalesce((SELECT at FROM marks WHERE name = 'accepted'), 0) AND ?3)
    AS unknownClicks,
  count(*) > 0 AS pending, EXISTS (SELECT 1 FROM pauses WHERE name = 'setting' AND until > ?2) AS held, ${QUEUE_DOWN} AS queueDown,
  (SELECT at FROM marks WHERE name = 'accepted') AS accepted, (SELECT at FROM marks WHERE name = 'cron') AS cron
FROM (SELECT * FROM events WHERE status = 'pending' ORDER BY next_attempt_at LIMIT 100)`;

/**
 * How late delivery is. Times in milliseconds since 1970. dueSince: the first row that is due; triedSince: the oldest
 * row that waits for Dub to work again; null: there is none. acceptedAt: Dub last accepted a lead. cronAt: the last run.
 */
export type Lateness = {
  dueSince: number | null;
  triedSince: number | null;
  acceptedAt: number;
  cronAt: number;
  /** Rows whose clicks Dub has not found, and no other either since they came: those that came before `clicksBefore`. */
  unknownClicks: number;
  pending: boolean;
  /** Whether deliveries wait for a setting, or did a moment ago: of that an alert of its own is sent. */
  held: boolean;
  /** Whether the queue refused the messages of the last sweep. */
  queueDown: boolean;
};

/**
 * Marks rows that are due as queued until `queuedUntil`: up to `limit`, and as many as fit into a minute at the calls
 * that Dub allows, which are `perMinute` unless Dub has named another limit; a lower one that it named before `lowSince`
 * is forgotten, since it names none when all goes well and the plan may have changed. While the queue refuses messages,
 * up to `direct`. `heldSince`: a pause for a setting that has ended before holds nothing up any more. `fingerprint`: of
 * the settings in use. `cron`: whether the cron trigger asks.
 */
export async function takeDue(
  db: D1Database,
  {
    now,
    queuedUntil,
    limit,
    direct,
    perMinute,
    lowSince,
    heldSince,
    clicksBefore,
    fingerprint,
    cron,
  }: TakeDue,
): Promise<{ ids: string[]; lateness: Lateness }> {
  const results = await db.batch([
    ...(cron ? [setMark(db, "cron", now)] : []),
    db
      .prepare("DELETE FROM marks WHERE name = 'rate_limit' AND value < ?1 AND at < ?2")
      .bind(perMinute, lowSince),
    db.prepare(TIMELESS).bind(now),
    resumeChanged(db, now, fingerprint),
    db.prepare(OVERDUE).bind(now, heldSince, clicksBefore),
    db.prepare(DUE).bind(now, queuedUntil, limit, fingerprint, perMinute, direct),
  ]);
  const [[late], due] = results.slice(-2).map(({ results: rows }) => rows) as [[LateRow], { id: string }[]];
  return {
    ids: due.map(({ id }) => id),
    lateness: {
      dueSince: late.due,
      triedSince: late.tried,
      acceptedAt: late.accepted ?? 0,
      cronAt: late.cron ?? now,
      unknownClicks: late.unknownClicks ?? 0,
      pending: late.pending === 1,
      held: late.held === 1,
      queueDown: late.queueDown === 1,
    },
  };
}
type LateRow = {
  due: number | null;
  tried: number | null;
  unknownClicks: number | null;
  pending: number;
  held: number;
  queueDown: number;
  accepted: number | null;
  cron: number | null;
};
type TakeDue = {
  now: number;
  queuedUntil: number;
  limit: number;
  direct: number;
  perMinute: number;
  lowSince: number;
  heldSince: number;
  clicksBefore: number;
  fingerprint: string;
  cron: boolean;
};

const UNQUEUE = "UPDATE events SET queued_until = 0 WHERE id IN (SELECT value FROM json_each(?1))";

/** Marks rows as not queued, when the queue did not take them. */
export async function unqueue(db: D1Database, ids: string[]): Promise<void> {
  await db.prepare(UNQUEUE).bind(JSON.stringify(ids)).run();
}

/** Notes that the queue refused the rows of a sweep, or, with none, that it takes messages again. */
export async function noteQueue(db: D1Database, refused: string[], now: number): Promise<void> {
  await (refused.length > 0
    ? db.batch([db.prepare(UNQUEUE).bind(JSON.stringify(refused)), setMark(db, "queue_down", now)])
    : db.prepare("DELETE FROM marks WHERE name = 'queue_down'").run());
}

/** As the index events_unchecked of migration 0006 has them. */
const UNCHECKED = reasons(isUnchecked);

/** How many leads there are of which nobody knows whether Dub has them, by reason; a thousand is counted as many. */
export async function countUnchecked(db: D1Database): Promise<{ reason: Reason; events: number }[]> {
  const { results } = await db
    .prepare(
      `SELECT reason, count(*) AS events FROM (
         SELECT reason FROM events WHERE reason IN (${UNCHECKED}) AND lead IS NOT NULL LIMIT 1000)
       GROUP BY reason`,
    )
    .all<{ reason: Reason; events: number }>();
  return results;
}
