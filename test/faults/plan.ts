/** What is sent and in which order: sign-ups and trials of every kind, all from one seed. */

import { randomFrom, shuffled } from "../../src/dev/random.ts";
import { KINDS, type Kind, knownClick } from "./kinds.ts";
import { auth0SignUps, clerkSignUp, type PlannedLead, stripeWebhook, type Webhook } from "./webhooks.ts";

/** Webhooks that belong together: sent at the same moment, or each as soon as the one before is acknowledged. */
export type Send = { webhooks: Webhook[]; inTurn: boolean };

/** The same webhook may be in several sends, and several times in one. */
export type Plan = { leads: PlannedLead[]; sends: Send[] };

/** The leads of a customer, the sign-up first. */
type Customer = [PlannedLead, PlannedLead?];

const BATCH = 5;

/** Plans `size` customers of every kind. */
export function makePlan(size: number, seed: number): Plan {
  const random = randomFrom(seed);
  const customers = KINDS.flatMap((kind, k) =>
    Array.from({ length: size }, (_, i) => customerOf(kind, k * size + i)),
  );
  const inBatches: PlannedLead[] = [];
  const first: { send: Send; again: () => Send }[] = [];
  for (const [signUp, trial] of shuffled(customers, random)) {
    if (trial) {
      const send = (nth: string) => trialSend(signUp, trial, nth, random);
      first.push({ send: send("first"), again: () => send("second") });
    } else if (random() < 0.3) inBatches.push(signUp);
    else {
      const send = (nth: string) => together(clerkSignUp(signUp, nth));
      first.push({ send: send("first"), again: () => send("second") });
    }
  }
  for (let i = 0; i < inBatches.length; i += BATCH) {
    const leads = inBatches.slice(i, i + BATCH);
    const again = () => together(...leads.map((lead) => clerkSignUp(lead, "second")));
    first.push({ send: together(auth0SignUps(leads)), again });
  }
  const sends = first.flatMap(({ send, again }): Send[] => {
    const later: Send[] = [];
    if (random() < 0.25) later.push(send);
    if (random() < 0.25) later.push(again());
    const times = random() < 0.25 ? 3 : 1;
    return [{ ...send, webhooks: send.webhooks.flatMap((one) => Array(times).fill(one)) }, ...later];
  });
  // A 429 stops every delivery for a while, so it comes last.
  const stops = ({ webhooks }: Send) =>
    webhooks.some(({ leads }) => leads.some(({ faults }) => faults.register.includes("rate_limited")));
  const mixed = shuffled(sends, random);
  return {
    leads: customers.flatMap((leads) => leads.filter((lead) => lead !== undefined)),
    sends: [...mixed.filter((send) => !stops(send)), ...mixed.filter(stops)],
  };
}

function customerOf(kind: Kind, n: number): Customer {
  const { name, register = [], record = [], click = knownClick, counts = true, elsewhere = false } = kind;
  const common = { customer: `user_${n}`, kind: name, counts };
  const signUp: PlannedLead = {
    ...common,
    eventName: "Sign Up",
    clickId: click(n),
    elsewhere,
    faults: { register: [...register], record: [...record] },
  };
  if (!kind.trial) return [signUp];
  const faults = { register: [], record: [] };
  return [signUp, { ...common, eventName: "Started Trial", clickId: null, elsewhere: false, faults }];
}

/** A trial and its sign-up, in any order: a provider does not promise one. */
function trialSend(signUp: PlannedLead, trial: PlannedLead, nth: string, random: () => number): Send {
  const webhooks = [stripeWebhook(trial, nth), stripeWebhook(signUp, nth)];
  const way = random();
  if (way < 1 / 3) return together(...webhooks);
  return { webhooks: way < 2 / 3 ? webhooks : webhooks.reverse(), inTurn: true };
}

function together(...webhooks: Webhook[]): Send {
  return { webhooks, inTurn: false };
}
