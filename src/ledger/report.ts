/** What the ledger knows of the Worker's state: events of the last day, refusals, ignored types, pauses, marks. */
import type { D1Database } from "@cloudflare/workers-types";
import { isUnchecked, type Reason, reasonsWhere, type Status } from "../states.ts";
import { DAY } from "../time.ts";
import { type Marks, marksOf, readMarks } from "./marks.ts";
import { type Pause, readPauses } from "./pauses.ts";
import { RARE } from "./sql.ts";

/** Events that broke are reported for so long: the default retry schedule ends after two days and eight hours. */
const BROKEN_FOR = 7 * DAY;
/** Reasons that name something to do. Those that a replay asks Dub about are reported as unchecked. */
const BROKEN = reasonsWhere(
  (entry) =>
    (entry.status === "failed" || entry.status === "rejected") &&
    !isUnchecked(entry) &&
    !entry.todo.startsWith("nothing"),
);
/** Events of one reason that are counted. */
const MAX_BROKEN = 1000;

/** Times in milliseconds since 1970. */
export type Report = {
  marks: Marks;
  pauses: Pause[];
  refusals: { provider: string; reason: string; count: number; lastAt: number; evidence: string }[];
  ignored: { provider: string; type: string; count: number; lastAt: number }[];
  /** Of the last thousand events: when each provider's last one came. */
  lastEvents: { provider: string; at: number }[];
  /** Events received since `since`, of the last ten thousand. */
  counts: { status: Status; events: number }[];
  /** Events received in the last seven days that wait for the operator; a thousand of each reason at most. */
  broken: { reason: Reason; events: number }[];
  /** The oldest event whose data is still kept, and the pending one that is due for longest; null: there is none. */
  oldestAt: number | null;
  dueSince: number | null;
  clicks: Remembered;
};

/** Click memory: how many clicks are remembered (ten thousand are counted at most), and when the last was told. */
export type Remembered = { remembered: number; lastToldAt: number | null };

const REFUSALS =
  "SELECT provider, reason, count, last_at AS lastAt, evidence FROM refusals ORDER BY last_at DESC";
const IGNORED = "SELECT provider, type, count, last_at AS lastAt FROM ignored ORDER BY last_at DESC";

/** What left no event. */
export async function readUnkept(db: D1Database): Promise<Pick<Report, "refusals" | "ignored">> {
  const [refusals, ignored] = await db.batch([db.prepare(REFUSALS), db.prepare(IGNORED)]);
  return {
    refusals: (refusals?.results ?? []) as Report["refusals"],
    ignored: (ignored?.results ?? []) as Report["ignored"],
  };
}

/** Reads it. Events are counted from `since` on (milliseconds). */
export async function readReport(db: D1Database, now: number, since: number): Promise<Report> {
  const results = await db.batch([
    readMarks(db),
    readPauses(db),
    db.prepare(REFUSALS),
    db.prepare(IGNORED),
    db.prepare(
      `SELECT provider, max(received_at) AS at FROM events WHERE rowid > (SELECT max(rowid) FROM events) - 1000
       GROUP BY provider`,
    ),
    db
      .prepare(
        `SELECT status, count(*) AS events FROM (
           SELECT status FROM events WHERE event_id IS NOT NULL AND received_at >= ?1 ORDER BY received_at DESC LIMIT 10000)
         GROUP BY status`,
      )
      .bind(since),
    db
      .prepare(
        `SELECT * FROM (SELECT r.value AS reason, (SELECT count(*) FROM (
           SELECT 1 FROM events INDEXED BY events_rare WHERE reason = r.value AND ${RARE} AND rowid >= (
             SELECT rowid FROM events WHERE event_id IS NOT NULL AND received_at >= ?1 ORDER BY received_at LIMIT 1)
           LIMIT ${MAX_BROKEN})) AS events
         FROM json_each(?2) r) WHERE events > 0`,
      )
      .bind(now - BROKEN_FOR, JSON.stringify(BROKEN)),
    db
      .prepare(
        `SELECT (SELECT min(received_at) FROM events WHERE event_id IS NOT NULL) AS oldestAt,
           (SELECT min(next_attempt_at) FROM events WHERE status = 'pending' AND next_attempt_at <= ?1) AS dueSince`,
      )
      .bind(now),
    db.prepare(
      `SELECT (SELECT count(*) FROM (SELECT 1 FROM clicks LIMIT 10000)) AS remembered,
         (SELECT max(told_at) FROM clicks) AS lastToldAt`,
    ),
  ]);
  const [marks, pauses, refusals, ignored, lastEvents, counts, broken, [times], [clicks]] = results.map(
    ({ results: rows }) => rows,
  ) as unknown as [
    unknown[],
    Pause[],
    Report["refusals"],
    Report["ignored"],
    Report["lastEvents"],
    Report["counts"],
    Report["broken"],
    [Pick<Report, "oldestAt" | "dueSince">],
    [Remembered],
  ];
  return { marks: marksOf(marks), pauses, refusals, ignored, lastEvents, counts, broken, ...times, clicks };
}
