/** What runs for a measurement: a Worker under `wrangler dev`, and a stand-in for Dub that notes each call. */
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Hono } from "hono";
import { ROOT } from "../src/dev/files.ts";
import { freePort, startDev, wrangler, writeEnvFile } from "../src/dev/process/wrangler.ts";
import { secretFor } from "../src/dev/samples/secrets.ts";
import { createDubStandIn, LOCAL_KEY } from "../src/dev/stand-in/dub.ts";
import { serveDub } from "../src/dev/stand-in/serve.ts";
import { secretName } from "../src/settings.ts";
import { PROVIDER } from "./webhooks.ts";

const STATES = join(ROOT, ".wrangler/load");
const EMPTY = join(STATES, "empty");
const WANTED_PORT = 8807;

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

/** Removes the states of earlier runs and makes the empty ledger that fresh states are copied from. */
export async function prepare(): Promise<void> {
  rmSync(STATES, { recursive: true, force: true });
  mkdirSync(EMPTY, { recursive: true });
  await wrangler(["d1", "migrations", "apply", "DB", "--local", "--persist-to", EMPTY]);
}

/** A folder for --persist-to with an empty ledger. */
export function freshState(name: string): string {
  const state = join(STATES, name);
  rmSync(state, { recursive: true, force: true });
  cpSync(EMPTY, state, { recursive: true });
  return state;
}

/** `settings` beside the address and the key of the stand-in, and the provider's secret. */
export type WorkerOptions = { state: string; dubUrl: string; settings?: Record<string, string> };
export type Running = { url: string; close: () => Promise<void> };

/** Starts the Worker on a state and resolves once it answers. */
export async function openWorker({ state, dubUrl, settings = {} }: WorkerOptions): Promise<Running> {
  const vars = {
    DUB_API_URL: dubUrl,
    DUB_API_KEY: LOCAL_KEY,
    [secretName(PROVIDER)]: secretFor(PROVIDER),
    ...settings,
  };
  const file = join(state, "worker.env");
  writeEnvFile(file, vars);
  const port = await freePort(WANTED_PORT);
  if (closing) throw new Error("interrupted");
  const args = ["--port", String(port), "--persist-to", state, "--env-file", file];
  const onLine = (line: string) => {
    if (/\bERROR\b|✘/.test(line)) console.error(line);
  };
  const server = startDev({ port, args, onLine });
  const close = keepOpen(server.stop);
  await server.ready();
  return { url: server.url, close };
}

/** A call of the Worker: when it came and was answered (epoch milliseconds), and how. */
export type DubCall = { at: number; answered: number; status: number };

export type Dub = Running & {
  calls: DubCall[];
  /** Somebody else with the same key: calls until it is refused. */
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
