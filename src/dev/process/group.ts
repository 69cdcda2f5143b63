/** A process in a process group of its own, so that whatever it starts ends with it, and with this process. */
import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { ROOT } from "../files.ts";
import { STOP_TIMEOUT } from "../limits.ts";

/** Waits for the end of its input, and then kills the group that it is told and removes the folder, if there is one. */
const GUARD = 'read -r _; kill -s KILL -- "-$0"; [ -z "$1" ] || rm -rf -- "$1"';

export type ProcessGroup = {
  child: ChildProcess;
  /** Resolves with the exit code when the first process of the group has ended. */
  exited: Promise<number>;
  /** Ends the group, by force if it must be. */
  stop: () => Promise<void>;
  /** Ends the group at once, as a power cut would. */
  kill: () => Promise<void>;
};

export type GroupOptions = {
  env?: NodeJS.ProcessEnv;
  /** Whether messages can be sent both ways. */
  messages?: boolean;
  /** Removed when the group is killed because this process has ended. */
  folder?: string | undefined;
  onLine: (line: string) => void;
};

/** Runs a Node script; every line it prints goes to `onLine`. */
export function startGroup(script: string, args: string[], options: GroupOptions): ProcessGroup {
  const stdio: StdioOptions = ["ignore", "pipe", "pipe", ...(options.messages ? (["ipc"] as const) : [])];
  const child = spawn(process.execPath, [script, ...args], {
    cwd: ROOT,
    env: options.env ?? process.env,
    stdio,
    detached: true,
  });
  const endGuard = guard(child, options.folder);
  for (const stream of [child.stdout, child.stderr])
    if (stream) createInterface({ input: stream }).on("line", options.onLine);
  const exited = new Promise<number>((resolve) =>
    child.once("exit", (code) => {
      signal(child, "SIGKILL");
      endGuard();
      resolve(code ?? 1);
    }),
  );
  return {
    child,
    exited,
    stop: async () => {
      signal(child, "SIGTERM");
      const late = setTimeout(() => signal(child, "SIGKILL"), STOP_TIMEOUT);
      await exited;
      clearTimeout(late);
    },
    kill: async () => {
      signal(child, "SIGKILL");
      await exited;
    },
  };
}

/**
 * Ends the group of `child` when this process ends, even by SIGKILL: the guard's input is a pipe that only this process
 * holds open. workerd does not notice that its parent has ended. Returns what ends the guard.
 */
function guard({ pid }: ChildProcess, folder = ""): () => void {
  if (pid === undefined) return () => {};
  const shell = spawn("/bin/sh", ["-c", GUARD, String(pid), folder], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  // Without a shell there is no guard.
  shell.on("error", () => {});
  return () => void shell.kill("SIGKILL");
}

function signal({ pid }: ChildProcess, name: "SIGTERM" | "SIGKILL"): void {
  try {
    if (pid !== undefined) process.kill(-pid, name);
  } catch {
    // The group has ended.
  }
}
