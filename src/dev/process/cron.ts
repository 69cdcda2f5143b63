/** Cron triggers of a Worker on this machine, where no one else runs them. */
import { MINUTE } from "../../time.ts";
import { CRON_TIMEOUT } from "../limits.ts";

/** Runs the Worker's cron trigger once. A Worker that does not answer is ignored. */
export async function triggerCron(url: string): Promise<void> {
  const signal = AbortSignal.timeout(CRON_TIMEOUT);
  await fetch(new URL("/cdn-cgi/local/scheduled", url), { signal }).catch(() => undefined);
}

/** Runs the cron trigger once a minute, as wrangler.toml says, until the Worker has ended. */
export function triggerCronEachMinute(url: string, ended: Promise<unknown>): void {
  const timer = setInterval(() => void triggerCron(url), MINUTE);
  void ended.then(() => clearInterval(timer));
}
