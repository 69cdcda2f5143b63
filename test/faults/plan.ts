/** What is sent and in which order: sign-ups and trials of every kind, all from one seed. */

import { randomFrom, shuffled } from "../../src/dev/random.ts";
import { KINDS, type Kind, knownClick } from "./kinds.ts";
import {
  auth0SignUps,
  type Claim,
  claimOf,
  clerkSignUp,
  type PlannedLead,
  stripeWebhook,
  type Webhook,
} from "./webhooks.ts";

/** Webhooks and claims that belong together: sent at the same moment, or each as soon as the one before is acknowledged. */
export type Send = { webhooks: (Webhook | Claim)[]; inTurn: boolean };

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
    } else if (signUp.told) {
      const send = (nth: string) => toldSend(signUp, nth, random);
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
    webhooks.some((one) => leadsOf(one).some(({ faults }) => faults.register.includes("rate_limited")));
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
    told: kind.told,
    faults: { register: [...register], record: [...record] },
  };
  if (!kind.trial) return [signUp];
  const faults = { register: [], record: [] };
  return [
    signUp,
    { ...common, eventName: "Started Trial", clickId: null, elsewhere: false, told: undefined, faults },
  ];
}

/** A trial and its sign-up: a provider does not promise an order. */
function trialSend(signUp: PlannedLead, trial: PlannedLead, nth: string, random: () => number): Send {
  return inAnyOrder([stripeWebhook(trial, nth), stripeWebhook(signUp, nth)], random);
}

/** A sign-up and the click that is told of it. */
function toldSend(signUp: PlannedLead, nth: string, random: () => number): Send {
  return inAnyOrder([clerkSignUp(signUp, nth), claimOf(signUp) as Claim], random);
}

function inAnyOrder(both: Send["webhooks"], random: () => number): Send {
  const way = random();
  if (way < 1 / 3) return together(...both);
  return { webhooks: way < 2 / 3 ? both : both.reverse(), inTurn: true };
}

function together(...webhooks: Send["webhooks"]): Send {
  return { webhooks, inTurn: false };
}

/** The leads that a webhook announces. */
export function leadsOf(one: Webhook | Claim): PlannedLead[] {
  return "leads" in one ? one.leads : [];
}
