/** A day of leads in the ledger and at the stand-in for Dub, with differences of each kind put in at random places. */
import type { D1Database } from "@cloudflare/workers-types";
import type { createDubStandIn } from "../../src/dev/stand-in/dub.ts";
import type { Recorded } from "../../src/dev/stand-in/lists.ts";
import { leadKey } from "../../src/ledger/event.ts";
import { type Doubt, type Reason, statusOf } from "../../src/states.ts";
import { DAY, HOUR, SECOND } from "../../src/time.ts";

/** How many there are of each kind, for a day of 10,000 leads. */
const SHARES = {
  lost: 41,
  linkDeleted: 12,
  customerDeleted: 2,
  otherClick: 14,
  twice: 97,
  stuck: 9,
  lostAnswer: 4,
  skipped: 50,
  elsewhere: 30,
};
export type Kind = keyof typeof SHARES;

type Row = {
  id: string;
  customer: string;
  reason: Reason;
  clickId: string;
  deliveredAt: number | null;
  doubt: Doubt;
  doubtSince: number | null;
};

/** `by`: the customers of each kind. */
export type Planted = { day: number; rows: Row[]; recorded: Recorded[]; by: Record<Kind, string[]> };

const STUCK: [Reason, Doubt][] = [
  ["unconfirmed", "unknown"],
  ["dedup_blocked", "unknown"],
  ["possibly_lost", "unknown"],
  ["retries_exhausted", "unknown"],
];
const SKIPPED: Reason[] = ["no_click_id", "unknown_customer"];
const LINKS = 20;

/** A reproducible number in [0, 1) for each call. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Plants `leads` delivered leads on a day of UTC. */
export function plant(leads: number, day: number, seed: number): Planted {
  const random = randomOf(seed);
  const by = Object.fromEntries(Object.keys(SHARES).map((kind) => [kind, []])) as unknown as Planted["by"];
  const rows: Row[] = [];
  const recorded: Recorded[] = [];
  const clickOf = (n: number, link: string) => `${link}${String(n).padStart(12, "0")}`;
  const linkOf = () => `L${String(Math.floor(random() * LINKS)).padStart(3, "0")}`;
  let n = 0;
  // A tenth of the usual ones in bursts of the same millisecond, the last moment before midnight among them.
  const usual = () => (random() < 0.1 ? Math.floor(random() * 50 + 1) * (DAY / 50) - 400 : random() * DAY);
  const lead = (more: Partial<Row> = {}, link = linkOf(), time = random() * 23 * HOUR) => {
    const at = day + Math.floor(time);
    const customer = `user_${seed}_${n}`;
    const row: Row = {
      id: `event_${seed}_${n}`,
      customer,
      reason: "recorded",
      clickId: clickOf(n++, link),
      deliveredAt: at,
      doubt: null,
      doubtSince: null,
      ...more,
    };
    rows.push(row);
    return { row, at };
  };
  /** Dub dates a lead when it takes it in, up to two seconds after the answer. */
  const record = ({ row, at }: ReturnType<typeof lead>, more: Partial<Recorded> = {}) =>
    recorded.push({
      at: at + 500 * Math.floor(random() * 5),
      customerExternalId: row.customer,
      eventName: "Sign Up",
      clickId: row.clickId,
      link: `link_${row.clickId.slice(0, 4)}`,
      quantity: 1,
      metadata: null,
      ...more,
    });
  const count = (kind: Kind) => Math.max(1, Math.round((SHARES[kind] * leads) / 10_000));
  const times = (kind: Kind, make: (i: number) => string) => {
    for (let i = 0; i < count(kind); i++) by[kind].push(make(i));
  };

  times("lost", () => lead().row.customer);
  times("linkDeleted", () => {
    const one = lead({}, "gone");
    record(one);
    return one.row.customer;
  });
  times("customerDeleted", () => {
    const one = lead();
    record(one);
    return one.row.customer;
  });
  times("otherClick", () => {
    const one = lead();
    record(one, { clickId: clickOf(n, "R000"), link: "link_R000" });
    return one.row.customer;
  });
  times("twice", () => {
    const one = lead();
    record(one);
    record(one, { eventName: "New customer" });
    return one.row.customer;
  });
  const kept = rows.length;
  for (let i = kept; i < leads; i++)
    record(lead({}, linkOf(), usual()), i % 1000 === 0 ? { quantity: 3 } : {});
  times("stuck", (i) => {
    const [reason, doubt] = STUCK[i % STUCK.length] ?? ["unconfirmed", "unknown"];
    const at = day + Math.floor(random() * 23 * HOUR);
    const one = lead({ reason, doubt, doubtSince: at - SECOND, deliveredAt: null });
    record({ ...one, at });
    return one.row.customer;
  });
  times("lostAnswer", () => {
    const one = lead({ reason: "recorded_unconfirmed", doubt: "unknown", doubtSince: day });
    record(one);
    return one.row.customer;
  });
  times("skipped", (i) => {
    const reason = SKIPPED[i % SKIPPED.length] ?? "no_click_id";
    const one = lead({ reason, clickId: "", deliveredAt: null });
    record(one, { clickId: clickOf(n, "R001"), link: "link_R001" });
    return one.row.customer;
  });
  times("elsewhere", () => {
    const one = lead();
    rows.pop();
    record(one);
    return one.row.customer;
  });
  return { day, rows, recorded, by };
}

const INSERT = `
INSERT INTO events (id, provider, event_id, type, status, reason, lead, lead_key, payload, received_at, next_attempt_at,
  delivered_at, doubt, doubt_since, link)
SELECT r.value->>'id', 'clerk', r.value->>'id', 'user.created', r.value->>'status', r.value->>'reason', r.value->>'lead',
  r.value->>'leadKey', '{}', r.value->>'receivedAt', r.value->>'nextAttemptAt', r.value->>'deliveredAt', r.value->>'doubt',
  r.value->>'doubtSince', r.value->>'link'
FROM json_each(?1) r`;

/** Puts a planted day into the ledger and the stand-in. */
export async function put(
  db: D1Database,
  dub: ReturnType<typeof createDubStandIn>,
  { day, rows, recorded, by }: Planted,
): Promise<void> {
  for (let i = 0; i < rows.length; i += 500) {
    const slice = await Promise.all(
      rows.slice(i, i + 500).map(async ({ customer, clickId, ...row }) => {
        const lead = { clickId, eventName: "Sign Up", customerExternalId: customer };
        const status = statusOf(row.reason);
        return {
          ...row,
          status,
          lead: JSON.stringify(lead),
          // As the ledger has it: what mapping has ended has no lead key.
          leadKey: row.reason === "no_click_id" ? null : await leadKey(lead),
          receivedAt: (row.deliveredAt ?? day + HOUR) - 2 * SECOND,
          nextAttemptAt: status === "pending" ? day + 8 * DAY : null,
          link: row.reason === "recorded" ? JSON.stringify({ id: `link_${clickId.slice(0, 4)}` }) : null,
        };
      }),
    );
    await db.prepare(INSERT).bind(JSON.stringify(slice)).run();
  }
  for (const one of recorded) dub.recorded.push(one);
  const customers = [...rows, ...recorded.map((one) => ({ ...one, customer: one.customerExternalId }))];
  for (const { customer, clickId } of customers)
    if (!dub.customers.has(customer))
      dub.customers.set(customer, { externalId: customer, name: "x", email: null, avatar: null, clickId });
  dub.gone.links.add("link_gone");
  for (const customer of by.customerDeleted) dub.gone.customers.add(customer);
}
