/**
 * Every wait and limit of delivery, in milliseconds unless said otherwise; those of one call to Dub are in
 * dub/client.ts. How they depend on each other:
 *
 * - One attempt makes at most register, look (two calls) and record: 4 calls of 10 s (dub/client.ts) = 40 s, and waits
 *   for its turn. LEASE is three times that; an attempt begins no call that could outlive it.
 * - A Worker may make 50 subrequests on the Free plan: MAX_CALLS to Dub, and 8 for the ledger (claim, settle, count),
 *   a delayed queue message, a sweep instead of cron (2), and an alert (2). A batch of 20 leads (wrangler.toml)
 *   takes 40.
 * - A sweep costs one queue call for each 100 rows, and 2 of the ledger: SWEEP_ROWS / 100 + 2 = SWEEP_CALLS. Two calls
 *   for each lead make 1,500 rows 3,000 calls a minute, the most that a plan of Dub allows. The next sweep takes the rest.
 * - Dub recognises a recorded lead for 7 days. From one day before on, we do not rely on that.
 */
import { TIMEOUT } from "../dub/client.ts";
import { FIND_CALLS } from "../dub/find.ts";
import { DAY, HOUR, MINUTE, SECOND } from "../time.ts";

/** How long a claimed row is leased to one consumer. */
export const LEASE = 3 * (2 + FIND_CALLS) * TIMEOUT;
/** Calls to Dub in one invocation; those of a sweep before are subtracted. */
export const MAX_CALLS = 42;
/** Leads delivered at a time. A Worker may hold six connections open; one is left for the ledger. */
export const CONCURRENCY = 5;
/** Leads delivered by cron itself when the queue takes no message. Its alerts and chores take no more calls than a sweep. */
export const DIRECT_LEADS = 10;
/** A row that was claimed this often and never settled is not tried again. */
export const MAX_CLAIMS = 10;
/** Counted attempts of one lead, in retry schedules: more than one when the kind of error changes in between. */
export const MAX_SCHEDULES = 2;

/** Rows that one sweep puts on the queue, at most. */
export const SWEEP_ROWS = 1500;
/** Subrequests of one sweep, at most. */
export const SWEEP_CALLS = SWEEP_ROWS / 100 + 2;
/** How long the sweep skips a row that it has queued. */
export const QUEUED_FOR = 10 * MINUTE;
/** From this lateness on an alert is sent. */
export const ALERT_AFTER = HOUR;

/** Circuit breaker: after so many calls in a row without an answer of Dub, all deliveries pause. */
export const BREAKER_CALLS = 5;
/** The pause of an outage: doubled each time in a row, up to the longest. */
export const OUTAGE_PAUSE = MINUTE;
export const LONGEST_OUTAGE_PAUSE = 5 * MINUTE;
/** The pause for a setting that the operator must fix. */
export const SETTING_PAUSE = HOUR;
/** When that has ended, one lead has asked again within this time. */
export const PROBE_TIME = 10 * MINUTE;
/** After Dub's window has ended: its clock and ours may differ, and a new window counts the last one in full at first. */
export const WINDOW_MARGIN = 2 * SECOND;

/** A click id that does not look like Dub's own, and a customer without any lead here, are given up after so long. */
export const ODD_CLICK_LIMIT = 2 * HOUR;
export const UNKNOWN_CUSTOMER_LIMIT = 15 * MINUTE;
/** How often a lead is tried while another lead of its customer is pending, and while Dub accepts no lead at all. */
export const CUSTOMER_WAIT = 10 * MINUTE;
export const OUTAGE_WAIT = HOUR;
/**
 * Dub has accepted another lead so long after this one came, or later: the cause is this lead's own. (Dub remembers
 * a click that it has found for five minutes, so an earlier one shows nothing.)
 */
export const OTHERS_PASSED = 10 * MINUTE;
/** While Dub has accepted a lead within this time, one that something in between refuses is no sign of a wrong address. */
export const OTHERS_PASS = HOUR;
/** A lead waits no longer than this for the end of an outage. */
export const LONGEST_OUTAGE = 30 * DAY;

/** Dub keeps its dedup key for seven days; a row that waits for its end is tried an hour later. */
export const DEDUP_KEY_LIFE = 7 * DAY;
export const DUB_REMEMBERS = 6 * DAY;
/** Dub lists a recorded lead within this time. */
export const LISTED_WITHIN = HOUR;
/** While Dub lists nothing because the workspace is over its events limit, it is asked again after so long. */
export const LIST_WAIT = 6 * HOUR;

/** Calls a minute of Dub's Business plan, the smallest that takes leads. Dub names another limit with any error. */
export const CALLS_PER_MINUTE = 1200;
/** Share of the limit that is used; what is left is for calls that come close together after a rest. */
export const LIMIT_SHARE = 0.97;
/** Rest that may be caught up with at once. */
export const CATCH_UP = 1200;
/** A limit below that is forgotten after so long. */
export const LOW_LIMIT_LIFE = HOUR;
/**
 * Leads with a click unknown to Dub: so many are an alert if they end within an hour and are more than half of all, or
 * if they have waited longer than those that do not look like Dub's own, and Dub has accepted none since.
 */
export const MANY_UNKNOWN_CLICKS = 3;
export const CLICKS_ALERT_AFTER = ODD_CLICK_LIMIT + HOUR;
