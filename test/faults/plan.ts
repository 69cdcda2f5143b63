/** What is sent and what goes wrong: sign-ups, each with the faults that its calls to Dub meet, all from one seed. */

import { readSample } from "../../src/dev/files.ts";
import type { Fault } from "../../src/dev/stand-in/faults.ts";

/** One way in which Dub fails a lead: the faults of its calls in order, by phase. Later calls are answered as Dub does. */
type Kind = {
  name: string;
  register?: Fault[];
  record?: Fault[];
  click?: (n: number) => string | null;
  /** Whether Dub must record the lead; true unless said otherwise. */
  lead?: false;
  elsewhere?: true;
};

const both = (...faults: Fault[]) => ({ register: faults, record: faults });

const KINDS: Kind[] = [
  { name: "none" },
  { name: "500 before Dub's dedup key", ...both("error_before_key") },
  { name: "500 after Dub's dedup key", register: ["customer_store_down"], record: ["error_after_key"] },
  { name: "404 while the click store is down", ...both("click_store_down", "click_store_down") },
  { name: "429 with Retry-After in epoch ms", ...both("rate_limited") },
  { name: "502 with HTML", ...both("bad_gateway") },
  { name: "connection reset, nothing done", ...both("reset_before") },
  { name: "connection reset, done", ...both("reset_after") },
  { name: "connection reset after the dedup key", record: ["reset_after_key"] },
  { name: "no answer in 10 s, nothing done", ...both("hang_before") },
  { name: "no answer in 10 s, done", ...both("hang_after") },
  { name: "200 without a link", register: ["null_link", "null_link"] },
  { name: "recorded by another sender before", elsewhere: true },
  { name: "no click id", click: () => null, lead: false },
  { name: "unknown click", click: (n) => `unknown${String(n).padStart(9, "0")}`, lead: false },
  { name: "link of another workspace", click: (n) => `foreign${String(n).padStart(9, "0")}`, lead: false },
];

export type Customer = {
  id: string;
  kind: string;
  clickId: string | null;
  lead: boolean;
  elsewhere: boolean;
  faults: { register: Fault[]; record: Fault[] };
};

/** `deliveryId` is the same when it is sent again. `customers`: those of its events, in order. */
export type Webhook = { provider: string; deliveryId: string; body: unknown; customers: Customer[] };

/** `sends`: the same webhook may stand there several times; those of one entry are sent at the same moment. */
export type Plan = { customers: Customer[]; sends: Webhook[][] };

/** Plans `size` sign-ups of every kind. */
export function makePlan(size: number, seed: number): Plan {
  const random = randomFrom(seed);
  const customers = KINDS.flatMap((kind, k) =>
    Array.from({ length: size }, (_, i): Customer => {
      const n = k * size + i;
      const click = kind.click ?? ((m: number) => `Click${String(m).padStart(11, "0")}`);
      return {
        id: `user_${n}`,
        kind: kind.name,
        clickId: click(n),
        lead: kind.lead ?? true,
        elsewhere: kind.elsewhere ?? false,
        faults: { register: [...(kind.register ?? [])], record: [...(kind.record ?? [])] },
      };
    }),
  );
  const inBatches = shuffled(customers, random).map((customer) => ({ customer, batch: random() < 0.3 }));
  const webhooks = inBatches.flatMap(({ customer, batch }) => (batch ? [] : [signUp(customer, "first")]));
  const rest = inBatches.flatMap(({ customer, batch }) => (batch ? [customer] : []));
  for (let i = 0; i < rest.length; i += 5) webhooks.push(batchOf(rest.slice(i, i + 5)));

  const sends = webhooks.flatMap((webhook): Webhook[][] => {
    const also: Webhook[][] = [];
    if (random() < 0.25) also.push([webhook]);
    if (random() < 0.25) also.push(webhook.customers.map((customer) => signUp(customer, "second")));
    return [random() < 0.25 ? [webhook, webhook, webhook] : [webhook], ...also];
  });
  // A 429 stops every delivery for a while, so it comes last.
  const stops = (send: Webhook[]) =>
    send.some(({ customers: some }) => some.some(({ faults }) => faults.register.includes("rate_limited")));
  const mixed = shuffled(sends, random);
  return { customers, sends: [...mixed.filter((send) => !stops(send)), ...mixed.filter(stops)] };
}

function signUp(customer: Customer, nth: string): Webhook {
  const { id, clickId } = customer;
  const body = structuredClone(readSample("clerk").webhook) as { data: Record<string, unknown> };
  Object.assign(body.data, { id, unsafe_metadata: carrier(clickId) });
  return { provider: "clerk", deliveryId: `msg_${id}_${nth}`, body, customers: [customer] };
}

function batchOf(customers: Customer[]): Webhook {
  const [log] = readSample("auth0-logs").webhook as [{ data: { details: { body: object } } }];
  const body = customers.map(({ id, clickId }) => {
    const { details } = log.data;
    const form = { ...details.body, user_metadata: carrier(clickId), app_metadata: {} };
    return {
      ...log,
      log_id: `log_${id}`,
      data: { ...log.data, user_id: id, details: { ...details, body: form } },
    };
  });
  return { provider: "auth0-logs", deliveryId: "", body, customers };
}

function carrier(clickId: string | null): object {
  return clickId === null ? {} : { dubClickId: clickId };
}

/** Mulberry32: a small generator whose numbers are the same for the same seed. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function shuffled<T>(items: T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
