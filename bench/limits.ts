/** Every wait, limit and target of the measurements; times in milliseconds. */
import { MINUTE, SECOND } from "../src/time.ts";

/** A full run takes some seven minutes. */
export const FULL = { rounds: 3, steady: 320, flatOut: 600, backlog: 2000, drain: 2 * MINUTE };
export const QUICK = { rounds: 1, steady: 200, flatOut: 300, backlog: 1200, drain: 30 * SECOND };
/** A run that takes longer is stopped. */
export const RUN_TIMEOUT = 12 * MINUTE;
/** For the answer to one webhook. */
export const POST_TIMEOUT = 10 * SECOND;

/** What a slow Dub takes for every answer. */
export const SLOW = 0.5 * SECOND;
export const CONNECTIONS = 10;
/** Webhooks that are sent before any is counted. */
export const WARM_UP = 150;
/** Webhooks a second of the steady arrivals: well below what one small machine can take. */
export const PER_SECOND = 40;
/**
 * The median p50 with Dub slow or down may be so many times that with Dub fast. If acknowledgements waited for a slow
 * Dub, it would be seven times and more (tried). Rounds of one case differ by a third or so on two quiet cores.
 */
export const BOUND = 1.5;

/** The share of Dub's limit that a drain must use. */
export const TARGET = 0.95;
/** What the Worker may catch up with at first is over by then. */
export const SETTLING = 5 * SECOND;
/** The latest moment in Dub's window for using it up, so that some of it is left. */
export const LATEST = 50 * SECOND;
/** Calls that come so soon after the answer 429 left were sent before: at most those of the other connections. */
export const ON_THE_WAY = { within: 250, connections: 4 };
/** How long the Worker is watched after the window's end. */
export const AFTERWARDS = 15 * SECOND;
/** For what must happen at once. */
export const EVENT_TIMEOUT = 30 * SECOND;
