/** Pieces of SQL made from the table of states. */
import { type Reason, reasonsWhere, STATUS_NAMES, STATUSES } from "../states.ts";

type Test = Parameters<typeof reasonsWhere>[0];

const listed = (names: string[]) => names.map((name) => `'${name}'`).join(", ");

/** The reasons for which `test` holds. */
export const reasons = (test: Test) => listed(reasonsWhere(test) satisfies Reason[]);

/** Whether a row holds its lead key, so that another event with the same key is a duplicate of it. */
export const HOLDS_KEY = (row: string) =>
  `(${row}.status IN (${listed(STATUS_NAMES.filter((status) => STATUSES[status].holdsKey))})
    OR ${row}.reason IN (${reasons(({ holdsKey }) => holdsKey === true)})
    OR (${row}.doubt IS NOT NULL AND ${row}.status <> 'duplicate'))`;

/** When an event last became pending. */
export const PENDING_SINCE = "max(coalesce(click_told_at, 0), coalesce(replayed_at, received_at))";

/** The reasons that migration 0009 leaves out of its index. SQLite uses the index only for the same words. */
export const COMMON: Reason[] = ["new", "recorded", "no_click_id"];
export const RARE = `reason NOT IN (${listed(COMMON)})`;
