/** The Worker on this machine: Miniflare as a process of its own, with database and queue. */
import { join } from "node:path";
import { UserError } from "../user-error.ts";
import type { BuiltWorker } from "./build.ts";
import { triggerCronEachMinute } from "./cron.ts";
import { type ProcessGroup, startGroup } from "./group.ts";
import type { HostMessage, HostOptions } from "./host.ts";

export type WorkerOptions = {
  /** While it is built, the process that runs it starts. */
  worker: BuiltWorker | Promise<BuiltWorker>;
  /** The folder that keeps the database; the one that `wrangler --persist-to` takes. */
  state: string;
  /** The state is removed even when this process is killed. */
  temporary?: boolean;
  /** Settings and secrets, before those of wrangler.toml. */
  settings: Record<string, string>;
  /** A free port is taken when none is named. */
  port?: number;
  onLine?: (line: string) => void;
};

export type RunningWorker = Omit<ProcessGroup, "child"> & {
  /** Resolves with the Worker's address once it answers; a UserError when it ends before. */
  ready: Promise<string>;
};

/** Starts the Worker and migrates its database. Every line of its log goes to `onLine`. */
export function startWorker(options: WorkerOptions): RunningWorker {
  const { worker, state, settings, port = 0, temporary, onLine = () => {} } = options;
  const printed: string[] = [];
  const { child, ...group } = startGroup(join(import.meta.dirname, "host.ts"), [], {
    messages: true,
    folder: temporary ? state : undefined,
    onLine: (line) => {
      printed.push(line);
      if (printed.length > 50) printed.shift();
      onLine(line);
    },
  });
  const ready = new Promise<string>((resolve, reject) => {
    Promise.resolve(worker).then(
      (built) =>
        child.connected && child.send({ worker: built, state, settings, port } satisfies HostOptions),
      reject,
    );
    child.once("message", (message: HostMessage) => {
      triggerCronEachMinute(message.url, group.exited);
      resolve(message.url);
    });
    void group.exited.then(() =>
      reject(new UserError(`The Worker did not start:\n${printed.join("\n").trim()}`)),
    );
  });
  // Without this an end that is not waited for would be an unhandled rejection.
  ready.catch(() => {});
  return { ...group, ready };
}
