/** What runs for a measurement: a Worker of its own process, and a stand-in for Dub that notes each call. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Hono } from "hono";
import { ROOT } from "../src/dev/files.ts";
import { type BuiltWorker, buildWorker } from "../src/dev/process/build.ts";
import { startWorker } from "../src/dev/process/worker.ts";
import { secretFor } from "../src/dev/samples/secrets.ts";
import { createDubStandIn, LOCAL_KEY } from "../src/dev/stand-in/dub.ts";
import { serveDub } from "../src/dev/stand-in/serve.ts";
import { secretName } from "../src/settings.ts";
import { PROVIDER } from "./webhooks.ts";

const STATES = join(ROOT, ".wrangler/load");

const open = new Set<() => Promise<void>>();
let closing = false;

/** Ends all that runs; from then on nothing is opened any more. */
export async function closeAll(): Promise<void> {
  closing = true;
  await Promise.all([...open].map((close) => close()));
}

function keepOpen(end: () => Promise<void>): () => Promise<void> {
  const close = async () => {
    if (open.delete(close)) await end();
  };
  open.add(close);
  return close;
}

let built: Promise<BuiltWorker> | undefined;

/** An empty folder for the Worker's database. */
export function freshState(name: string): string {
  const state = join(STATES, name);
  rmSync(state, { recursive: true, force: true });
  mkdirSync(state, { recursive: true });
  return state;
}

/** `settings` beside the address and the key of the stand-in, and the provider's secret. */
export type WorkerOptions = { state: string; dubUrl: string; settings?: Record<string, string> };
export type Running = { url: string; close: () => Promise<void> };

/** Starts the Worker on a state and resolves once it answers. */
export async function openWorker({ state, dubUrl, settings = {} }: WorkerOptions): Promise<Running> {
  built ??= buildWorker();
  const worker = await built;
  if (closing) throw new Error("interrupted");
  const { ready, stop } = startWorker({
    worker,
    state,
    settings: {
      DUB_API_URL: dubUrl,
      DUB_API_KEY: LOCAL_KEY,
      [secretName(PROVIDER)]: secretFor(PROVIDER),
      ...settings,
    },
  });
  const close = keepOpen(stop);
  return { url: await ready, close };
}

/** A call of the Worker: when it came and was answered (epoch milliseconds), and how. */
export type DubCall = { at: number; answered: number; status: number };

export type Dub = Running & {
  calls: DubCall[];
  /** Calls with the same key until one is refused, as another client might. */
  useUp: () => Promise<void>;
};

/** Starts a stand-in for Dub that answers after `delay` milliseconds. */
export async function openDub({ delay = 0 } = {}): Promise<Dub> {
  const dub = createDubStandIn();
  const calls: DubCall[] = [];
  const watched = new Hono();
  watched.all("*", async (c) => {
    const at = Date.now();
    const response = await dub.app.fetch(c.req.raw);
    if (delay > 0) await sleep(delay);
    calls.push({ at, answered: Date.now(), status: response.status });
    return response;
  });
  const served = await serveDub({ app: watched });
  const headers = { authorization: `Bearer ${LOCAL_KEY}` };
  const useUp = async () => {
    let status = 200;
    while (status !== 429) status = (await dub.app.request("/customers", { headers })).status;
  };
  return { url: served.url, close: keepOpen(served.close), calls, useUp };
}
