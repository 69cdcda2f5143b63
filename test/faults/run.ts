/**
 * A run against the real Worker as a process of its own. Phase one sends every webhook while Dub fails by plan and the
 * Worker is killed again and again in mid-flight; phase two lets Dub be well and sweeps until nothing is left to do.
 */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ROOT, readMapping } from "../../src/dev/files.ts";
import {
  type DevServer,
  freePort,
  knock,
  startDev,
  wrangler,
  writeEnvFile,
} from "../../src/dev/process/wrangler.ts";
import { secretFor } from "../../src/dev/samples/secrets.ts";
import { sampleBody, sign } from "../../src/dev/samples/sign.ts";
import { createDubStandIn, LOCAL_KEY } from "../../src/dev/stand-in/dub.ts";
import type { Call } from "../../src/dev/stand-in/faults.ts";
import { serveDub } from "../../src/dev/stand-in/serve.ts";
import { compileMapping } from "../../src/mapping/compile.ts";
import type { EventAnswer } from "../../src/receive/route.ts";
import { secretName } from "../../src/settings.ts";
import { MINUTE } from "../../src/time.ts";
import { age, isBusy, type Row, rowsOf } from "./ledger.ts";
import { type Customer, makePlan, type Plan, randomFrom, type Webhook } from "./plan.ts";

export type Options = {
  delivery: "register-then-record" | "single";
  /** Sign-ups of each kind. */
  size: number;
  kills: number;
  seed: number;
  /** Told what happens. */
  say?: (line: string) => void;
};

export type Result = {
  plan: Plan;
  kills: number;
  requests: number;
  calls: number;
  /** Of each customer, the ids of its events that were acknowledged, once each. */
  acknowledged: Map<Customer, Set<string>>;
  rows: Row[];
  /** Of each customer, how often Dub recorded the lead. */
  recorded: Map<string, number>;
};

const PROVIDERS = ["clerk", "auth0-logs"];
/** As long as leases, pauses and marks of queue messages last at most. */
const OVER = 11 * MINUTE;
/** Milliseconds between two sweeps. */
const SWEEP = 300;
/** Rounds of phase two; what is not done by then is not done. */
const MAX_ROUNDS = 12;

export async function run({ delivery, size, kills, seed, say = () => {} }: Options): Promise<Result> {
  const plan = makePlan(size, seed);
  const random = randomFrom(seed + 1);
  const customers = new Map(plan.customers.map((customer) => [customer.id, customer]));
  const state = join(ROOT, ".wrangler/faults", delivery);
  rmSync(state, { recursive: true, force: true });
  mkdirSync(state, { recursive: true });

  // Another port each time: that of a killed Worker may still be closing.
  let nextPort = delivery === "single" ? 8950 : 8900;
  let ahead = 0;
  let faulty = true;
  const calls = createCounter();
  const dub = createDubStandIn({
    now: () => Date.now() + ahead,
    fault: ({ customerExternalId, phase }: Call) => {
      calls.tick();
      return faulty ? customers.get(customerExternalId)?.faults[phase].shift() : undefined;
    },
  });
  for (const customer of plan.customers.filter((one) => one.elsewhere)) await recordElsewhere(dub, customer);
  const served = await serveDub(dub);
  const envFile = join(state, "worker.env");
  writeEnvFile(envFile, {
    DUB_API_URL: served.url,
    DUB_API_KEY: LOCAL_KEY,
    DUB_DELIVERY: delivery,
    RETRY_SCHEDULE: Array(20).fill(1).join(),
    ...Object.fromEntries(PROVIDERS.map((provider) => [secretName(provider), secretFor(provider)])),
  });
  await wrangler(["d1", "migrations", "apply", "DB", "--local", "--persist-to", state]);

  /** Starts the Worker, again if one of the ports that wrangler chooses was taken in the same moment. */
  const start = async (tries = 3): Promise<DevServer> => {
    const port = await freePort(nextPort);
    nextPort = port + 1;
    const server = startDev({
      port,
      args: ["--port", String(port), "--persist-to", state, "--env-file", envFile],
      onLine: () => {},
    });
    try {
      await server.ready();
      return server;
    } catch (error) {
      await server.stop();
      if (tries > 1 && /Address already in use/.test((error as Error).message)) return start(tries - 1);
      throw error;
    }
  };
  /** Runs the Worker while `use` does, sweeping all the time, and ends it. */
  const withWorker = async (end: "stop" | "kill", use: (server: DevServer) => Promise<unknown>) => {
    const server = await start();
    const sweeping = setInterval(() => void knock(server.url), SWEEP);
    try {
      await use(server);
    } finally {
      clearInterval(sweeping);
      await server[end]();
    }
  };
  const pass = (time: number) => {
    age(state, time);
    ahead += time;
  };
  const provider = createProvider(plan);
  try {
    for (let n = 1; n <= kills; n++) {
      const share = Math.floor((plan.sends.length * n) / kills);
      const much = provider.left(share);
      await withWorker("kill", async ({ url }) => {
        // In the middle of receiving, and the next time in the middle of delivering.
        const moment = n % 2 === 1 ? provider.answers.more(much / 2) : calls.more(much * (0.5 + random()));
        await Promise.race([moment, provider.send(url, share).then(() => quiet(state))]);
      });
      provider.interrupt();
      say(
        `killed ${n} of ${kills}: ${provider.left(share)} of ${share} webhooks not acknowledged, ${dub.asked.length} calls to Dub so far`,
      );
      pass(OVER);
    }
    await withWorker("stop", async ({ url }) => {
      await provider.send(url, plan.sends.length);
      say("all webhooks are acknowledged");
      await quiet(state);
    });

    faulty = false;
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const pending = rowsOf(state).filter(({ status }) => status === "pending");
      if (pending.length === 0) break;
      const due = Math.max(...pending.map((row) => (row.next_attempt_at ?? 0) - Date.now()));
      say(`${pending.length} pending; ${Math.round(Math.max(OVER, due) / MINUTE)} minutes pass`);
      pass(Math.max(OVER, due + MINUTE));
      await withWorker("stop", () => quiet(state));
    }
  } finally {
    await served.close();
  }
  const recorded = new Map<string, number>();
  for (const { customerExternalId: id } of dub.recorded) recorded.set(id, (recorded.get(id) ?? 0) + 1);
  return {
    plan,
    kills,
    requests: provider.requests(),
    calls: dub.asked.length,
    acknowledged: provider.acknowledged,
    rows: rowsOf(state),
    recorded,
  };
}

/** Resolves once the Worker can do no more for now; at the latest after a few minutes. */
async function quiet(state: string): Promise<void> {
  for (let i = 0; i < 600 && isBusy(state); i++) await new Promise((resolve) => setTimeout(resolve, 500));
}

/** Counts up, and tells those who wait for a number of counts more. */
function createCounter() {
  let count = 0;
  const waiting = new Set<{ at: number; resolve: () => void }>();
  return {
    tick(): void {
      count++;
      for (const one of waiting) if (count >= one.at && waiting.delete(one)) one.resolve();
    },
    more: (counts: number) => new Promise<void>((resolve) => waiting.add({ at: count + counts, resolve })),
  };
}

/** A provider that sends until it is acknowledged, whatever comes between. */
function createProvider(plan: Plan) {
  const acknowledged = new Map<Customer, Set<string>>(plan.customers.map((one) => [one, new Set()]));
  const open = plan.sends.map((webhooks, at) => ({ at, webhooks: [...webhooks] }));
  const answers = createCounter();
  let requests = 0;
  let running = 0;

  const post = async (url: string, { provider, deliveryId, body, customers }: Webhook): Promise<boolean> => {
    const bytes = sampleBody({ webhook: body, send: "json" });
    const { verify } = compileMapping(provider, readMapping(provider)).file;
    const to = `${url}/webhooks/${provider}`;
    const secret = secretFor(provider);
    const signed = await sign(verify, {
      provider,
      secret,
      url: to,
      body: bytes,
      id: deliveryId,
      now: Date.now(),
    });
    requests++;
    try {
      const response = await fetch(to, { method: "POST", headers: signed, body: bytes });
      answers.tick();
      if (response.status !== 200) return false;
      const { events } = (await response.json()) as { events: EventAnswer[] };
      for (const [i, event] of events.entries()) {
        const customer = customers[i];
        if (customer && "id" in event) acknowledged.get(customer)?.add(event.id);
      }
      return true;
    } catch {
      return false;
    }
  };

  return {
    acknowledged,
    answers,
    requests: () => requests,
    left: (share: number) => open.slice(0, share).filter(({ webhooks }) => webhooks.length > 0).length,
    interrupt: () => void running++,
    /** Sends the first `share` of the plan, as far as they are not acknowledged yet; resolves when they are, or when interrupted. */
    async send(url: string, share: number): Promise<void> {
      const mine = ++running;
      const todo = open.slice(0, share).values();
      const worker = async () => {
        for (const one of todo)
          while (one.webhooks.length > 0 && mine === running) {
            const taken = await Promise.all(one.webhooks.map((webhook) => post(url, webhook)));
            one.webhooks = one.webhooks.filter((_, i) => !taken[i]);
          }
      };
      await Promise.all(Array.from({ length: 8 }, worker));
    },
  };
}

async function recordElsewhere(dub: ReturnType<typeof createDubStandIn>, { id, clickId }: Customer) {
  await dub.app.request("/track/lead", {
    method: "POST",
    headers: { authorization: `Bearer ${LOCAL_KEY}` },
    body: JSON.stringify({ clickId, eventName: "Sign Up", customerExternalId: id }),
  });
}
