/** Running wrangler: once to its end, or `wrangler dev` until it is stopped. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { ROOT } from "../files.ts";
import { UserError } from "../user-error.ts";
import { triggerCronEachMinute } from "./cron.ts";
import { type ProcessGroup, startGroup } from "./group.ts";

const WRANGLER = join(ROOT, "node_modules/wrangler/bin/wrangler.js");
const env = {
  ...process.env,
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_HIDE_BANNER: "true",
  FORCE_COLOR: "0",
};

/** A run of wrangler that failed. `output` is what it printed, or "" when the person has seen it. */
export class WranglerError extends UserError {
  output: string;
  constructor(args: string[], printed: string) {
    const output = stripVTControlCharacters(printed)
      .split("\n")
      .filter((line) => !NOISE.test(line))
      .join("\n")
      .trim();
    super(`wrangler ${args.join(" ")} failed${output === "" ? "." : `:\n${output}`}`);
    this.output = output;
  }
}

/** Its advice to report a bug, and where its own log is. */
const NOISE = /^\s*(If you think this is a bug|🪵)/;

/** Runs wrangler to its end, without questions, and answers what it printed. Throws a WranglerError when it fails. */
export function wrangler(args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [WRANGLER, ...args], {
      cwd: ROOT,
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => {
        output += chunk;
      });
    child.on("close", (code) => (code === 0 ? resolve(output) : reject(new WranglerError(args, output))));
  });
}

/**
 * Runs wrangler at the person's terminal: it can ask, and what it prints goes to stderr. `variables`: for its
 * environment. Throws a WranglerError when it fails.
 */
export function wranglerAsking(args: string[], variables: Record<string, string> = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [WRANGLER, ...args], {
      cwd: ROOT,
      env: { ...env, ...variables },
      stdio: ["inherit", process.stderr, process.stderr],
    });
    // The terminal sends SIGINT to both; what is sent to this process alone must end wrangler, too.
    const end = () => void child.kill("SIGTERM");
    for (const signal of ["SIGTERM", "SIGHUP"] as const) process.on(signal, end);
    child.on("close", (code) => {
      for (const signal of ["SIGTERM", "SIGHUP"] as const) process.off(signal, end);
      code === 0 ? resolve() : reject(new WranglerError(args, ""));
    });
  });
}

/** `args` are flags of wrangler dev, the port among them. */
export type DevOptions = { port: number; args: string[]; onLine: (line: string) => void };

/** Starts `wrangler dev` with cron triggers; every line it prints goes to `onLine`. */
export function startDev({ port, args, onLine }: DevOptions): ProcessGroup {
  const group = startGroup(WRANGLER, ["dev", "--show-interactive-dev-session=false", ...args], {
    // A registry of its own: a Worker of the same name that starts elsewhere would restart it.
    env: { ...env, WRANGLER_REGISTRY_PATH: join(ROOT, ".wrangler/registry", String(port)) },
    onLine,
  });
  triggerCronEachMinute(`http://localhost:${port}`, group.exited);
  return group;
}
