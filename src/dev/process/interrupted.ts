/** The end of a command that runs until it is stopped. */
import { execFileSync } from "node:child_process";
import { PARENT_CHECK } from "../limits.ts";

/** Resolves on Ctrl-C, when the process is asked to end, or when the npm that started it was killed. */
export function interrupted(): Promise<"interrupted"> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
      process.once(signal, () => resolve("interrupted"));
    if (process.env.npm_lifecycle_event === undefined) return;
    const parent = process.ppid;
    const npm = npmOf(parent);
    const check = () => {
      if (process.ppid !== parent || !isRunning(npm)) resolve("interrupted");
    };
    setInterval(check, PARENT_CHECK).unref();
  });
}

/** The process of npm: the parent, or the parent of the shell in which npm runs a script. */
function npmOf(parent: number): number {
  try {
    const line = execFileSync("ps", ["-o", "ppid=,args=", "-p", String(parent)], { encoding: "utf8" });
    const [, grandparent, args = ""] = /^\s*(\d+)\s+(.*)/.exec(line) ?? [];
    return /^\S*sh -c /.test(args) ? Number(grandparent) : parent;
  } catch {
    return parent;
  }
}

export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
