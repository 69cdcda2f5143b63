/** Running wrangler: once to its end, or `wrangler dev` until it is stopped. */
import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { ROOT, UserError } from "../files.ts";

const WRANGLER = join(ROOT, "node_modules/wrangler/bin/wrangler.js");
const env = {
  ...process.env,
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_HIDE_BANNER: "true",
  FORCE_COLOR: "0",
};

/** Runs wrangler to its end and answers what it printed; throws a UserError with that when it fails. */
export function wrangler(args: string[], { show = false } = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [WRANGLER, ...args], {
      cwd: ROOT,
      env,
      stdio: [show ? "inherit" : "ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => {
        output += chunk;
        if (show) process.stderr.write(chunk);
      });
    child.on("close", (code) =>
      code === 0
        ? resolve(output)
        : reject(new UserError(`wrangler ${args.join(" ")} failed${show ? "." : `:\n${output.trim()}`}`)),
    );
  });
}

/** Writes what `wrangler dev --env-file` reads: settings and secrets, for this user's eyes only. */
export function writeEnvFile(file: string, variables: Record<string, string>): void {
  const lines = Object.entries(variables).map(([name, value]) => `${name}=${JSON.stringify(value)}\n`);
  writeFileSync(file, lines.join(""), { mode: 0o600 });
}

export type DevServer = {
  url: string;
  /** Resolves once the Worker answers; throws a UserError when it ends before. */
  ready: () => Promise<void>;
  exited: Promise<number>;
  stop: () => Promise<void>;
  /** Ends it at once, as a power cut would. */
  kill: () => Promise<void>;
};

/** `args` are flags of wrangler dev, the port among them. */
export type DevOptions = { port: number; args: string[]; onLine: (line: string) => void };

/**
 * Starts `wrangler dev`; every line it prints goes to `onLine`. `wrangler dev` runs
 * no cron triggers, so `triggerCron` is called each minute.
 */
export function startDev({ port, args, onLine }: DevOptions): DevServer {
  // A group of its own, so that workerd and esbuild end with it.
  const child = spawn(process.execPath, [WRANGLER, "dev", "--show-interactive-dev-session=false", ...args], {
    cwd: ROOT,
    // A registry of its own: one of the same name that starts elsewhere would make it start anew.
    env: { ...env, WRANGLER_REGISTRY_PATH: join(ROOT, ".wrangler/registry", String(port)) },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on("line", (line) => {
      printed = `${printed}${line}\n`.slice(-4000);
      onLine(line);
    });
  const exited = new Promise<number>((resolve) => child.once("exit", (code) => resolve(code ?? 1)));
  const url = `http://localhost:${port}`;
  let gone = false;
  exited.then(() => {
    gone = true;
  });
  const stop = async () => {
    kill(child, "SIGTERM");
    const late = setTimeout(() => kill(child, "SIGKILL"), 3000);
    await exited;
    clearTimeout(late);
    kill(child, "SIGKILL");
  };
  const cut = async () => {
    kill(child, "SIGKILL");
    await exited;
  };
  const ready = async () => {
    while (!gone) {
      if (await answers(url)) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new UserError(`wrangler dev did not start:\n${printed.trim()}`);
  };
  const sweeping = setInterval(() => void triggerCron(url), 60_000);
  exited.then(() => clearInterval(sweeping));
  return { url, ready, exited, stop, kill: cut };
}

/** Resolves on Ctrl-C, or when the process is asked to end. */
export function interrupted(): Promise<"interrupted"> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
      process.once(signal, () => resolve("interrupted"));
  });
}

/** Runs the Worker's cron trigger, which wrangler dev does not do by itself. */
export async function triggerCron(url: string): Promise<void> {
  await fetch(`${url}/cdn-cgi/handler/scheduled`, { signal: AbortSignal.timeout(30_000) }).catch(
    () => undefined,
  );
}

/** The first free port from `wanted` on. */
export async function freePort(wanted: number): Promise<number> {
  for (let port = wanted; port < wanted + 20; port++) if (await isFree(port)) return port;
  throw new UserError(`The ports ${wanted} to ${wanted + 19} are all taken.`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "localhost", () => server.close(() => resolve(true)));
  });
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(2000) })).ok;
  } catch {
    return false;
  }
}

function kill(child: ChildProcess, signal: "SIGTERM" | "SIGKILL"): void {
  try {
    if (child.pid) process.kill(-child.pid, signal);
  } catch {
    // The group is gone.
  }
}
