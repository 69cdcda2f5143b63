/** Every wait and limit of the commands, in milliseconds. */
import { SECOND } from "../time.ts";

/** `npm start` shows a sample that has not ended by then as it stands. */
export const SAMPLE_TIMEOUT = 30 * SECOND;
/** How often an event is looked up while its end is waited for. */
export const WAIT_STEP = SECOND / 2;
/** How often `npm run tail` looks for events. */
export const TAIL_STEP = 2 * SECOND;
/** For the Worker's answer to a webhook. */
export const POST_TIMEOUT = 30 * SECOND;
/** For one answer of the admin API. */
export const ADMIN_TIMEOUT = 60 * SECOND;
/** For one run of the cron trigger. */
export const CRON_TIMEOUT = 30 * SECOND;
/** From a SIGTERM until a process group is killed. */
export const STOP_TIMEOUT = 3 * SECOND;
/** How often a command looks whether the npm that started it is still there. */
export const PARENT_CHECK = SECOND;
/** Ports that are tried when the wanted one is taken. */
export const PORT_TRIES = 20;
