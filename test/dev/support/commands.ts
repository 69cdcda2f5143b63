/** Commands of the project as processes: run to their end, or until they are stopped. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { ROOT } from "../../../src/dev/files.ts";
import { watchLines } from "../../support/npm.ts";
import { TOKEN } from "./worker.ts";

function begin(command: string, args: string[], token: string) {
  return spawn(process.execPath, [join(ROOT, `src/dev/commands/${command}.ts`), ...args], {
    env: { ...process.env, ADMIN_TOKEN: token, NO_COLOR: "1" },
  });
}

/** Runs a command to its end. */
export function run(
  command: string,
  args: string[],
  token = TOKEN,
): Promise<{ code: number; out: string; err: string }> {
  const child = begin(command, args, token);
  let [out, err] = ["", ""];
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    err += chunk;
  });
  return new Promise((resolve) => child.once("close", (code) => resolve({ code: code ?? -1, out, err })));
}

/** Runs a command that goes on until `stop`, which is what Ctrl-C does and resolves with the exit code. */
export function watch(command: string, args: string[]) {
  const child = begin(command, args, TOKEN);
  const { lines, until, ended } = watchLines(child);
  const stop = () => {
    child.kill("SIGINT");
    return ended;
  };
  return { lines, until, stop };
}
