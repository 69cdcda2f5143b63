/** The Worker of a run: a process of its own, started again and again on the same ledger. */
import { triggerCron } from "../../src/dev/process/cron.ts";
import { startWorker, type WorkerOptions } from "../../src/dev/process/worker.ts";
import { SWEEP } from "./limits.ts";

/** Runs the Worker while `use` does, sweeping all the time, and ends it. */
export async function withWorker(
  options: WorkerOptions,
  end: "stop" | "kill",
  use: (url: string) => Promise<unknown>,
): Promise<void> {
  const worker = startWorker(options);
  let sweeping: NodeJS.Timeout | undefined;
  try {
    const url = await worker.ready;
    sweeping = setInterval(() => void triggerCron(url), SWEEP);
    await use(url);
  } finally {
    clearInterval(sweeping);
    await worker[end]();
  }
}
