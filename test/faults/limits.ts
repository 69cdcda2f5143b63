/** Every wait and limit of a run, in milliseconds. */
import { MINUTE, SECOND } from "../../src/time.ts";

/** Seconds between retries: some quick ones, then waits longer than Dub is asked for an unknown customer. */
export const RETRY_SCHEDULE = [...Array(5).fill(1), ...Array(5).fill(1800)];
/** Between two sweeps. */
export const SWEEP = 0.3 * SECOND;
/** Between two looks whether the Worker is idle, and the number of looks. */
export const IDLE_CHECK = { every: 0.5 * SECOND, times: 600 };
/** As long as leases, pauses and marks of queue messages last at most. */
export const OVER = 11 * MINUTE;
/** What is due so soon after the next event is tried with it. */
export const SPREAD = 4 * MINUTE;
/** Rounds of phase two; an event that is pending after them is reported as one without an end. */
export const MAX_ROUNDS = 40;
/** For the database's lock: a process that was killed holds it until it has ended. */
export const LOCK_TIMEOUT = 10 * SECOND;
/** What is due within the client's time-out keeps the Worker busy. */
export const SOON = 12 * SECOND;
