/**
 * A run against the real Worker as a process of its own. In phase one Dub fails by plan, every webhook is sent, and
 * the Worker is killed again and again; in phase two time passes until no event is pending.
 */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ROOT } from "../../src/dev/files.ts";
import { buildWorker } from "../../src/dev/process/build.ts";
import { randomFrom } from "../../src/dev/random.ts";
import { secretFor } from "../../src/dev/samples/secrets.ts";
import { createDubStandIn, LOCAL_KEY } from "../../src/dev/stand-in/dub.ts";
import { serveDub } from "../../src/dev/stand-in/serve.ts";
import { secretName } from "../../src/settings.ts";
import { MINUTE } from "../../src/time.ts";
import { createCounter } from "./counter.ts";
import { age, isBusy, type Row, rowsOf } from "./ledger.ts";
import { IDLE_CHECK, MAX_ROUNDS, OVER, RETRY_SCHEDULE, SPREAD } from "./limits.ts";
import { makePlan, type Plan } from "./plan.ts";
import { createProvider, PROVIDERS } from "./provider.ts";
import { openSite } from "./site.ts";
import type { PlannedLead } from "./webhooks.ts";
import { withWorker } from "./worker.ts";

export type Options = {
  delivery: "register-then-record" | "single";
  /** Whether the key may ask which leads Dub lists (analytics.read). */
  analytics: boolean;
  /** Customers of each kind. */
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
  /** The ids of the acknowledged events of each lead. */
  acknowledged: Map<PlannedLead, Set<string>>;
  rows: Row[];
  /** How often Dub recorded each lead. */
  recorded: Map<PlannedLead, number>;
};

export async function run(options: Options): Promise<Result> {
  const { delivery, analytics, size, kills, seed, say = () => {} } = options;
  const plan = makePlan(size, seed);
  const random = randomFrom(seed + 1);
  const leads = new Map(plan.leads.map((lead) => [keyOf(lead.customer, lead.eventName), lead]));
  const leadOf = (call: { customerExternalId: string; eventName: string }) =>
    leads.get(keyOf(call.customerExternalId, call.eventName));
  const state = join(ROOT, ".wrangler/faults", `${delivery}${analytics ? "" : "-no-analytics"}`);
  rmSync(state, { recursive: true, force: true });
  mkdirSync(state, { recursive: true });

  let ahead = 0;
  const calls = createCounter();
  const dub = createDubStandIn({
    now: () => Date.now() + ahead,
    analytics,
    fault: (call) => {
      calls.tick();
      return leadOf(call)?.faults[call.phase].shift();
    },
  });
  for (const lead of plan.leads.filter(({ elsewhere }) => elsewhere)) await recordElsewhere(dub, lead);
  const served = await serveDub(dub);
  const site = await openSite();
  const settings = {
    DUB_API_URL: served.url,
    DUB_API_KEY: LOCAL_KEY,
    DUB_DELIVERY: delivery,
    RETRY_SCHEDULE: RETRY_SCHEDULE.join(),
    ...site.settings,
    ...Object.fromEntries(PROVIDERS.map((provider) => [secretName(provider), secretFor(provider)])),
  };
  const worker = { worker: await buildWorker(), state, settings };
  const pass = (time: number) => {
    age(state, time);
    ahead += time;
  };
  const provider = createProvider(plan, site);
  try {
    for (let n = 1; n <= kills; n++) {
      const share = Math.floor((plan.sends.length * n) / kills);
      const much = provider.left(share);
      await withWorker(worker, "kill", async (url) => {
        // In the middle of receiving, and the next time in the middle of delivering.
        const moment = n % 2 === 1 ? provider.answers.more(much / 2) : calls.more(much * (0.5 + random()));
        await Promise.race([moment, provider.send(url, share).then(() => idle(state))]);
      });
      provider.interrupt();
      say(
        `killed ${n} of ${kills}: ${provider.left(share)} of ${share} webhooks not acknowledged, ${dub.asked.length} calls to Dub so far`,
      );
      pass(OVER);
    }
    await withWorker(worker, "stop", async (url) => {
      await provider.send(url, plan.sends.length);
      say("all webhooks are acknowledged");
      await idle(state);
    });

    // From here on only the sign-ups of trials still fail: how long one waits for the other is what counts.
    const trials = new Set(
      plan.leads.filter(({ eventName }) => eventName === "Started Trial").map(({ customer }) => customer),
    );
    for (const lead of plan.leads)
      if (!trials.has(lead.customer)) Object.assign(lead, { faults: { register: [], record: [] } });
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const pending = rowsOf(state).filter(({ status }) => status === "pending");
      if (pending.length === 0) break;
      const due = Math.min(...pending.map((row) => (row.next_attempt_at ?? 0) - Date.now()));
      const time = Math.max(OVER, due + SPREAD);
      say(`${pending.length} pending; ${Math.round(time / MINUTE)} minutes pass`);
      pass(time);
      await withWorker(worker, "stop", () => idle(state));
    }
  } finally {
    await served.close();
    await site.close();
  }
  const recorded = new Map<PlannedLead, number>();
  for (const one of dub.recorded) {
    const lead = leadOf(one);
    if (!lead) throw new Error(`Dub recorded a lead that was not sent: ${JSON.stringify(one)}`);
    recorded.set(lead, (recorded.get(lead) ?? 0) + 1);
  }
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
async function idle(state: string): Promise<void> {
  for (let i = 0; i < IDLE_CHECK.times && isBusy(state); i++) await sleep(IDLE_CHECK.every);
}

function keyOf(customer: string, eventName: string): string {
  return `${customer} ${eventName}`;
}

async function recordElsewhere(dub: ReturnType<typeof createDubStandIn>, lead: PlannedLead) {
  const { clickId, eventName, customer } = lead;
  await dub.app.request("/track/lead", {
    method: "POST",
    headers: { authorization: `Bearer ${LOCAL_KEY}` },
    body: JSON.stringify({ clickId, eventName, customerExternalId: customer }),
  });
}
