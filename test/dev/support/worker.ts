/** A Worker on this machine with a stand-in for Dub, and commands that ask it. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { ROOT } from "../../../src/dev/files.ts";
import { buildWorker } from "../../../src/dev/process/build.ts";
import { reservePort } from "../../../src/dev/process/port.ts";
import { startWorker } from "../../../src/dev/process/worker.ts";
import { secretFor } from "../../../src/dev/samples/secrets.ts";
import { createDubStandIn, LOCAL_KEY } from "../../../src/dev/stand-in/dub.ts";
import { serveDub } from "../../../src/dev/stand-in/serve.ts";

export const TOKEN = "a-token-of-the-admin-of-this-app";

/** Starts it from a port on. `until` resolves with the first line of its log that has some words. */
export async function openWorker(port: number, settings: Record<string, string> = {}) {
  const state = mkdtempSync(join(tmpdir(), "worker-of-a-test-"));
  const served = await serveDub(createDubStandIn());
  const reserved = await reservePort(port);
  const log = createLines();
  const worker = startWorker({
    worker: await buildWorker(),
    port: reserved.port,
    state,
    settings: {
      DUB_API_URL: served.url,
      DUB_API_KEY: LOCAL_KEY,
      ADMIN_TOKEN: TOKEN,
      CLERK_WEBHOOK_SECRET: secretFor("clerk"),
      ...settings,
    },
    onLine: log.add,
  });
  return {
    url: await worker.ready,
    port: reserved.port,
    dubUrl: served.url,
    until: log.until,
    close: async () => {
      await worker.stop();
      await served.close();
      reserved.release();
      rmSync(state, { recursive: true });
    },
  };
}

/** Lines that come one by one, and waiting for one with some words. */
function createLines() {
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  return {
    lines,
    add: (line: string) => {
      lines.push(line);
      for (const check of waiting) check();
    },
    until: (words: RegExp) =>
      new Promise<string>((resolve) => {
        const check = () => {
          const line = lines.find((one) => words.test(one));
          if (line === undefined) return;
          waiting.delete(check);
          resolve(line);
        };
        waiting.add(check);
        check();
      }),
  };
}

function begin(command: string, args: string[], token: string | undefined) {
  return spawn(process.execPath, [join(ROOT, `src/dev/commands/${command}.ts`), ...args], {
    env: { ...process.env, NO_COLOR: "1", ...(token !== undefined && { ADMIN_TOKEN: token }) },
  });
}

/** Runs a command to its end. */
export function run(
  command: string,
  args: string[],
  token: string | undefined = TOKEN,
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

/** Runs a command that goes on until it is stopped, as Ctrl-C does; `stop` resolves with its exit code. */
export function watch(command: string, args: string[]) {
  const child = begin(command, args, TOKEN);
  const { lines, add, until } = createLines();
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on("line", add);
  const ended = new Promise<number>((resolve) => child.once("close", (code) => resolve(code ?? -1)));
  const stop = () => {
    child.kill("SIGINT");
    return ended;
  };
  return { lines, until, stop };
}
