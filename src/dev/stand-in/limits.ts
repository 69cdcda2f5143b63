/** Dub's times and limits. */
import { DAY, MINUTE } from "../../time.ts";

/** How long Dub remembers that it has seen a lead. */
export const DEDUP_LIFE = 7 * DAY;
/** How long Dub keeps a click that it has looked up. */
export const CLICK_CACHE_LIFE = 5 * MINUTE;
/** Over which the calls of a key are counted. */
export const RATE_WINDOW = MINUTE;
/** Calls in a window for a key of a Business plan. */
export const RATE_LIMIT = 1200;
/** Calls a second for analytics and lists of events of such a key, counted apart. */
export const ANALYTICS_LIMIT = 4;
