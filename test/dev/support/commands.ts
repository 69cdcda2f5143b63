/** Commands of the project as processes: run to their end, or until they are stopped. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { ROOT } from "../../../src/dev/files.ts";
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
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  const ended = new Promise<number>((resolve) => child.once("close", (code) => resolve(code ?? -1)));
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on("line", (line) => {
      lines.push(line);
      for (const check of waiting) check();
    });
  /** Resolves with the first line that has the words. */
  const until = (words: RegExp) =>
    new Promise<string>((resolve, reject) => {
      const check = () => {
        const line = lines.find((one) => words.test(one));
        if (line === undefined) return;
        waiting.delete(check);
        resolve(line);
      };
      waiting.add(check);
      check();
      void ended.then(() => reject(new Error(`ended without ${words}:\n${lines.join("\n")}`)));
    });
  const stop = () => {
    child.kill("SIGINT");
    return ended;
  };
  return { lines, until, stop };
}
