/** Running wrangler: once to its end, or `wrangler dev` until it is stopped. */
import { spawn } from "node:child_process";
import { join } from "node:path";
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
