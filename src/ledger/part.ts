/** The part of the ledger that one request looks at, so that it reads a bounded number of rows whatever the filter. */
import type { D1Database } from "@cloudflare/workers-types";
import { REASONS, type Reason, type Status, statusOf } from "../states.ts";
import { DAY } from "../time.ts";
import { COMMON, RARE } from "./sql.ts";

/** Which events. Times in milliseconds: received at or after `since`, before `until`. */
export type Filter = {
  status?: Status[];
  reason?: Reason[];
  provider?: string;
  type?: string;
  since?: number;
  until?: number;
};

/** In which order rows are looked at: the newest first, or the oldest first. */
export type Order = "newest" | "oldest";

/**
 * The rows numbered from `low` on and below `high`; `numbers`: those of them that may fit, null if all may. `next`: the
 * number after which the following part begins (newest: below it, oldest: above it); null if no more can fit.
 */
export type Part = { low: number; high: number; numbers: number[] | null; next: number | null };

/** SQL, and its parameters 1 to 8: the rows of a part that fit the filter. */
export function fitting(part: Part, filter: Filter): { where: string; values: unknown[] } {
  const { provider = null, type = null, since = 0, until = Number.MAX_SAFE_INTEGER } = filter;
  const rows = part.numbers ? "rowid IN (SELECT value FROM json_each(?1))" : "?1 IS NULL";
  return {
    where: `${rows} AND rowid >= ?2 AND rowid < ?3 AND received_at >= ?4 AND received_at < ?5
      AND (?6 IS NULL OR provider = ?6) AND (?7 IS NULL OR type = ?7)
      AND (?8 IS NULL OR reason IN (SELECT value FROM json_each(?8)))`,
    values: [json(part.numbers), part.low, part.high, since, until, provider, type, json(reasonsOf(filter))],
  };
}

const json = (list: unknown[] | null) => list && JSON.stringify(list);

/** The reasons that are asked for, by name or by status; null for all. */
function reasonsOf({ status, reason }: Filter): Reason[] | null {
  if (status === undefined) return reason ?? null;
  const all = reason ?? (Object.keys(REASONS) as Reason[]);
  return all.filter((one) => status.includes(statusOf(one)));
}

/** Rows of one part when all may fit. */
const WINDOW = 5_000;
/** Rows of one part when an index tells which may fit. */
export const MAX_NUMBERS = 1_000;

/** The first part below the row numbered `from` (newest), or above it (oldest). */
export async function partOf(db: D1Database, filter: Filter, order: Order, from: number): Promise<Part> {
  const { low, middle, top, late } = await boundsOf(db, filter, order, from);
  const reasons = reasonsOf(filter);
  if (order === "newest") {
    if (late.length > 0) {
      const first = late.length < MAX_NUMBERS ? middle : Math.min(...late);
      return { low: first, high: from, numbers: late, next: first > low ? first : null };
    }
    const high = Math.min(from, middle);
    const rare = await rareOf(db, reasons, low, high, order);
    const first = rare ? (rare.length < MAX_NUMBERS ? low : Math.min(...rare)) : Math.max(low, high - WINDOW);
    return { low: first, high, numbers: rare, next: first > low ? first : null };
  }
  const first = Math.max(low, from + 1);
  if (first >= middle) {
    const end = late.length < MAX_NUMBERS ? top : Math.max(...late) + 1;
    return { low: first, high: end, numbers: late, next: end < top ? end - 1 : null };
  }
  const rare = await rareOf(db, reasons, first, middle, order);
  const full = rare ? rare.length === MAX_NUMBERS : first + WINDOW < middle;
  const end = full ? (rare ? Math.max(...rare) + 1 : first + WINDOW) : middle;
  return { low: first, high: end, numbers: rare, next: end < middle || late.length > 0 ? end - 1 : null };
}

const SORTED = { newest: "DESC", oldest: "ASC" };
/** Rows before a time that are looked at for one that is not late. */
const MAX_LATE = 1_000;

const BOUNDS = (order: Order) => `
WITH bounds AS MATERIALIZED (
  SELECT coalesce(max(rowid), 0) + 1 AS top,
    (SELECT n FROM (SELECT rowid AS n, late FROM events WHERE event_id IS NOT NULL AND received_at < ?1
       ORDER BY received_at DESC LIMIT ${MAX_LATE}) WHERE late IS NULL LIMIT 1) AS below,
    (SELECT rowid FROM events WHERE event_id IS NOT NULL AND received_at >= ?2 ORDER BY received_at LIMIT 1) AS above
  FROM events)
SELECT coalesce(below, 0) + 1 AS low, coalesce(above, top) AS middle, top, (
  SELECT json_group_array(n) FROM (
    SELECT rowid AS n FROM events INDEXED BY events_late
    WHERE late = 1 AND rowid >= above AND rowid > ?3 AND rowid < ?4 ORDER BY rowid ${SORTED[order]} LIMIT ${MAX_NUMBERS})) AS late
FROM bounds`;

/**
 * The rows of a time have numbers from `low` on and below `middle`, or are among the late ones from there to `top`. `late`: the
 * first of these beyond `from`.
 */
async function boundsOf(db: D1Database, { since = 0, until }: Filter, order: Order, from: number) {
  const [above, below] = order === "newest" ? [0, from] : [from, Number.MAX_SAFE_INTEGER];
  const found = await db
    .prepare(BOUNDS(order))
    .bind(since - DAY, (until ?? Number.MAX_SAFE_INTEGER) + DAY, above, below)
    .first<{ low: number; middle: number; top: number; late: string }>();
  const { low = 1, middle = 1, top = 1, late = "[]" } = found ?? {};
  return { low, middle, top, late: JSON.parse(late) as number[] };
}

const RARE_ROWS = (order: Order) => `
SELECT (SELECT json_group_array(n) FROM (
  SELECT rowid AS n FROM events INDEXED BY events_rare
  WHERE reason = r.value AND ${RARE} AND rowid >= ?2 AND rowid < ?3 ORDER BY rowid ${SORTED[order]} LIMIT ${MAX_NUMBERS}
)) AS numbers FROM json_each(?1) r`;
const PENDING = `
SELECT rowid AS n, reason FROM events INDEXED BY events_due WHERE status = 'pending' LIMIT ${WINDOW}`;

/**
 * The first rows in an order that have one of some reasons, at most MAX_NUMBERS; null when only looking at all rows tells:
 * a reason is one that many rows have.
 */
async function rareOf(
  db: D1Database,
  reasons: Reason[] | null,
  low: number,
  high: number,
  order: Order,
): Promise<number[] | null> {
  if (!reasons || reasons.includes("recorded") || reasons.includes("no_click_id")) return null;
  const listed = JSON.stringify(reasons.filter((one) => !COMMON.includes(one)));
  const [rare, pending] = await db.batch([
    db.prepare(RARE_ROWS(order)).bind(listed, low, high),
    ...(reasons.includes("new") ? [db.prepare(PENDING)] : []),
  ]);
  const waiting = (pending?.results ?? []) as { n: number; reason: Reason }[];
  if (waiting.length === WINDOW) return null;
  const numbers = ((rare?.results ?? []) as { numbers: string }[]).flatMap(
    (one) => JSON.parse(one.numbers) as number[],
  );
  numbers.push(
    ...waiting.filter(({ n, reason }) => reason === "new" && n >= low && n < high).map(({ n }) => n),
  );
  return numbers.sort((a, b) => (order === "newest" ? b - a : a - b)).slice(0, MAX_NUMBERS);
}
