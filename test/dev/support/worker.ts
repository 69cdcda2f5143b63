/** A Worker on this machine for a test, with the stand-in for Dub. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BuiltWorker, buildWorker } from "../../../src/dev/process/build.ts";
import { reservePort } from "../../../src/dev/process/port.ts";
import { startWorker } from "../../../src/dev/process/worker.ts";
import { createDubStandIn, LOCAL_KEY } from "../../../src/dev/stand-in/dub.ts";
import { serveDub } from "../../../src/dev/stand-in/serve.ts";

export const TOKEN = "a-token-of-the-admin-of-this-app";

export type TestWorker = {
  url: string;
  /** The folder with the database. */
  state: string;
  port: number;
  dub: ReturnType<typeof createDubStandIn>;
  /** The stand-in's address. */
  dubUrl: string;
  /** Resolves when the log has so many lines that contain the words. */
  logged: (words: string, times?: number) => Promise<void>;
  /** `keep`: the database stays, for another Worker. */
  stop: (options?: { keep?: boolean }) => Promise<void>;
};

/** Starts it. `state`: the database of another one that has been stopped. */
export async function startTestWorker(
  settings: Record<string, string>,
  { worker, state = mkdtempSync(join(tmpdir(), "worker-")) }: { worker?: BuiltWorker; state?: string } = {},
): Promise<TestWorker> {
  const dub = createDubStandIn();
  const served = await serveDub(dub);
  const reserved = await reservePort(8840);
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  const running = startWorker({
    worker: worker ?? (await buildWorker()),
    port: reserved.port,
    state,
    settings: { DUB_API_URL: served.url, DUB_API_KEY: LOCAL_KEY, ADMIN_TOKEN: TOKEN, ...settings },
    onLine: (line) => {
      lines.push(line);
      for (const check of waiting) check();
    },
  });
  const logged = (words: string, times = 1) =>
    new Promise<void>((resolve) => {
      const check = () => {
        if (lines.filter((line) => line.includes(words)).length < times) return;
        waiting.delete(check);
        resolve();
      };
      waiting.add(check);
      check();
    });
  const url = await running.ready;
  const stop = async ({ keep = false } = {}) => {
    await running.stop();
    await served.close();
    reserved.release();
    if (!keep) rmSync(state, { recursive: true });
  };
  return { url, state, port: reserved.port, dub, dubUrl: served.url, logged, stop };
}
