/** Random histories of sign-ups and told clicks: each customer has one lead at most, by a click that may be credited. */
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import type { Fault } from "../../src/dev/stand-in/faults.ts";
import { replayOne, TOKEN } from "../support/admin.ts";
import { answerOf, createTestApp, DAY, HOUR, MINUTE, SECOND, START, sampleOf } from "../support/app.ts";
import { createIssuer, ISSUER } from "../support/tokens.ts";
import { counts, createModel } from "./model.ts";

const CLICKS_TOKEN = "a-token-of-the-site-for-clicks";
const GROUPS = 4;

let issuer: Awaited<ReturnType<typeof createIssuer>>;
beforeAll(async () => {
  issuer = await createIssuer();
});

/** Two customers in each group. Those of the first two groups share an e-mail address. */
const customers = Array.from({ length: GROUPS * 2 }, (_, i) => {
  const group = Math.floor(i / 2);
  return { id: `user_${i}`, group, email: `Person${group < 2 ? "" : i}@group${group}.example` };
});
const clickOf = (group: number, n: number) => `Click${group}${n}`.padEnd(16, "0");

type Outage = "ledger" | "queue" | Fault;
type Step = { who: number; gap: number } & (
  | { kind: "created"; own: number | null; nth: number; late: number }
  | { kind: "updated"; own: number }
  | { kind: "trial"; nth: number }
  | { kind: "session"; click: number; ago: number | null; as: number | null }
  | { kind: "site"; click: number; ago: number | null; by: "id" | "email" | "both" }
  | { kind: "replay"; nth: number }
  | { kind: "outage"; of: Outage | null }
);

const click = fc.nat(2);
const nth = fc.nat(1);
/** How long before it is told the site saw the click first; null: it does not say. */
const ago = fc.constantFrom(null, 0, 5 * MINUTE, 20 * MINUTE, 3 * HOUR, 8 * DAY, 89 * DAY, 91 * DAY);
const steps = {
  created: fc.record({
    own: fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: click }),
    nth,
    late: fc.constantFrom(0, 20 * SECOND, 2 * HOUR),
  }),
  updated: fc.record({ own: click }),
  trial: fc.record({ nth }),
  session: fc.record({ click, ago, as: fc.constantFrom(null, null, null, 0, 1) }),
  site: fc.record({ click, ago, by: fc.constantFrom("id", "email", "both") }),
  replay: fc.record({ nth }),
  outage: fc.record({
    of: fc.constantFrom<Outage | null>(
      null,
      "ledger",
      "queue",
      "bad_gateway",
      "reset_before",
      "reset_after",
      "reset_after_key",
    ),
  }),
};
const gap = fc.oneof(
  { weight: 14, arbitrary: fc.constant(0) },
  { weight: 6, arbitrary: fc.constantFrom(10 * SECOND, 70 * SECOND, 10 * MINUTE, 20 * MINUTE, 2 * HOUR) },
  { weight: 1, arbitrary: fc.constantFrom(DAY, 8 * DAY) },
);

function historyOf(weights: Partial<Record<Step["kind"], number>>): fc.Arbitrary<Step[]> {
  const kinds = Object.entries(weights).map(([kind, weight]) => ({
    weight,
    arbitrary: fc
      .tuple(
        fc.constant(kind),
        fc.nat(customers.length - 1),
        gap,
        steps[kind as Step["kind"]] as fc.Arbitrary<object>,
      )
      .map(([kind, who, gap, rest]) => ({ kind, who, gap, ...rest }) as Step),
  }));
  return fc.array(fc.oneof(...kinds), { minLength: 3 * GROUPS, maxLength: 7 * GROUPS, size: "max" });
}

async function open() {
  let outage: Outage | null = null;
  const app = await createTestApp({
    settings: { CLICKS_TOKEN, CLERK_ISSUER: ISSUER, ADMIN_TOKEN: TOKEN },
    dub: {
      fault: () => (outage === null || outage === "ledger" || outage === "queue" ? undefined : outage),
    },
    fetch: async (request) => (await issuer.fetch(request)) ?? answerOf(app.dub.app, request),
  });
  const tell = async (token: string, body: object) => {
    const headers = { authorization: `Bearer ${token}` };
    const init = { method: "POST", headers, body: JSON.stringify(body) };
    return (await app.fetch(new Request("https://leads.example/clicks", init))).status;
  };
  const webhook = async (provider: string, body: object, id: string) =>
    (await app.fetch(await app.request(provider, body, { id }))).status;
  return {
    ...app,
    session: async (user: string, body: object) =>
      tell(await issuer.token(user, {}, "key_1", app.clock.now), body),
    site: (body: object) => tell(CLICKS_TOKEN, body),
    user: (type: string, user: { id: string; email: string }, id: string, createdAt: number, own: unknown) =>
      webhook("clerk", userEvent(type, user, createdAt, app.clock.now, own), id),
    trial: (user: string, id: string) => {
      const body = structuredClone(sampleOf("stripe", "trial").webhook) as Sent;
      Object.assign(body, { id, created: app.clock.now / 1000 });
      Object.assign(body.data.object as object, {
        metadata: { dubCustomerExternalId: user },
        created: Math.floor(app.clock.now / 1000),
      });
      return webhook("stripe", body, id);
    },
    fail: (of: Outage | null) => {
      outage = of;
      app.down.ledger = of === "ledger";
      app.down.queue = of === "queue";
    },
  };
}

type Sent = { data: Record<string, unknown>; timestamp: number; type: string };

function userEvent(
  type: string,
  { id, email }: { id: string; email: string },
  createdAt: number,
  now: number,
  own: unknown,
): Sent {
  const body = structuredClone(sampleOf("clerk").webhook) as Sent;
  Object.assign(body, { type, timestamp: now });
  Object.assign(body.data, {
    id,
    created_at: createdAt,
    updated_at: now,
    unsafe_metadata: own === null ? {} : { dubClickId: own },
  });
  for (const address of body.data.email_addresses as { email_address: string }[])
    address.email_address = email;
  return body;
}

/** Plays a history in the Worker and in the model. Answers what the Worker accepted, beside the model. */
async function play(history: Step[]) {
  const app = await open();
  const model = createModel();
  const signedUpAt = new Map<string, number>();
  const events = new Map<string, string>();
  /** Every state of every told click, by whose it is. */
  const everTold = new Map<string, { click: string; clickedAt: number | null; toldAt: number }[]>();

  for (const step of history) {
    if (step.gap > 0 && app.clock.now + step.gap < START + 28 * DAY) {
      app.clock.now += step.gap;
      await app.sweep();
      model.deliver(app.clock.now);
    }
    const { clock } = app;
    const customer = customers[step.who] as (typeof customers)[number];
    const { id, email, group } = customer;
    const person = email.toLowerCase();
    const since = signedUpAt.get(id) ?? clock.now - (step.kind === "created" ? step.late : 0);
    if (step.kind === "created" || step.kind === "updated") {
      signedUpAt.set(id, since);
      if (step.kind === "updated" && clock.now - since >= 7 * DAY) continue;
      if (step.kind === "created" && clock.now - since > 7 * DAY) continue;
      const event = `${step.kind} ${id} ${step.kind === "created" ? step.nth : clickOf(group, step.own)}`;
      const known = events.get(event);
      const own = known ?? (step.own === null ? "none" : clickOf(group, step.own));
      const click = own === "none" ? null : own;
      const status = await app.user(`user.${step.kind}`, customer, event, since, click);
      if (status !== 200) continue;
      events.set(event, own);
      model.webhook({ id: event, customer: id, email: person, own: click, signedUpAt: since }, clock.now);
    } else if (step.kind === "trial") await app.trial(id, `trial ${id} ${step.nth}`);
    else if (step.kind === "session" || step.kind === "site") {
      const clickId = clickOf(group, step.click);
      const clickedAt = step.ago === null ? null : clock.now - step.ago;
      const told = { clickId, clickedAt };
      const site = step.kind === "site" ? step.by : "id";
      const status =
        step.kind === "site"
          ? await app.site({
              ...told,
              ...(site !== "email" && { customerExternalId: id }),
              ...(site !== "id" && { customerEmail: email }),
            })
          : await app.session(id, {
              ...told,
              ...(step.as !== null && { customerExternalId: customers[step.as]?.id }),
            });
      const foreign = step.kind === "session" && step.as !== null && step.as !== step.who;
      if (foreign) expect(status).toBe(400);
      if (status !== 200) continue;
      for (const whose of site === "both"
        ? (["customer", "email"] as const)
        : ([site === "id" ? "customer" : "email"] as const)) {
        const value = whose === "customer" ? id : person;
        model.tell(whose, value, { click: clickId, clickedAt, by: step.kind }, clock.now);
        const states = model.told.get(`${whose} ${value}`)?.map((one) => ({ ...one })) ?? [];
        everTold.set(`${whose} ${value}`, [...(everTold.get(`${whose} ${value}`) ?? []), ...states]);
      }
    } else if (step.kind === "replay") {
      const event = `created ${id} ${step.nth}`;
      const row = (await app.rows()).find(({ event_id }) => event_id === event);
      if (row) await replayOne(app, row.id).catch(() => {});
      model.replay(event, clock.now);
    } else app.fail(step.of);
  }
  app.fail(null);
  for (let i = 0; i < 60; i++) {
    app.clock.now += i < 3 ? 70 * MINUTE : 12 * HOUR;
    await app.sweep();
    model.deliver(app.clock.now);
    if (i >= 2 && !(await app.rows()).some(({ status }) => status === "pending")) break;
  }
  const rows = (await app.rows()) as unknown as {
    status: string;
    event_id: string;
    lead: string;
    click_by: string | null;
  }[];
  return { app, model, rows, events, everTold, signedUpAt };
}

/** What must hold of every history. */
function expectTrue({ app, rows, events, everTold, signedUpAt }: Awaited<ReturnType<typeof play>>) {
  expect(rows.filter(({ status }) => status === "pending")).toEqual([]);
  const leads = app.dub.recorded.map((one) => `${one.customerExternalId} ${one.eventName}`);
  expect(leads).toEqual([...new Set(leads)]);
  for (const row of rows) {
    const lead = JSON.parse(row.lead) as {
      customerExternalId: string;
      clickId: string;
      customerEmail: string;
    };
    const own = events.get(row.event_id);
    if (own !== undefined && own !== "none") expect([lead.clickId, row.click_by]).toEqual([own, null]);
    if (row.click_by === null) continue;
    const key =
      row.click_by === "email"
        ? `email ${lead.customerEmail.toLowerCase()}`
        : `customer ${lead.customerExternalId}`;
    const told = everTold.get(key)?.filter(({ click }) => click === lead.clickId) ?? [];
    const since = signedUpAt.get(lead.customerExternalId) ?? Number.NaN;
    expect(told.some((one) => own !== "none" || counts(one, since))).toBe(true);
  }
  for (const { customerExternalId: id, clickId } of app.dub.recorded) {
    const group = customers.find((one) => one.id === id)?.group ?? -1;
    expect(clickId.startsWith(`Click${group}`)).toBe(true);
  }
}

describe("random histories", { timeout: 300_000 }, () => {
  it("credit each customer with the click that the rules say", async () => {
    const history = historyOf({ created: 6, updated: 1, session: 4, site: 4, replay: 1 });
    const seen = { leads: 0, byMemory: 0 };
    await fc.assert(
      fc.asyncProperty(history, async (steps) => {
        const played = await play(steps);
        expectTrue(played);
        const { app, model, rows } = played;
        const credited = new Map(app.dub.recorded.map((one) => [one.customerExternalId, one.clickId]));
        const sorted = (map: Map<string, string | null>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
        expect(sorted(credited)).toEqual(sorted(model.credited()));
        seen.leads += credited.size;
        seen.byMemory += rows.filter(({ status, click_by }) => status === "delivered" && click_by).length;
      }),
      { numRuns: 300 / GROUPS },
    );
    expect(seen.byMemory).toBeGreaterThan(50);
    expect(seen.leads - seen.byMemory).toBeGreaterThan(50);
  });

  it("with outages of Dub, ledger and queue, and a second kind of lead, have no lead doubled, lost or falsely credited", async () => {
    const history = historyOf({
      created: 6,
      updated: 1,
      trial: 2,
      session: 4,
      site: 4,
      replay: 1,
      outage: 4,
    });
    await fc.assert(
      fc.asyncProperty(history, async (steps) => {
        const played = await play(steps);
        expectTrue(played);
        // What was accepted and can be credited without anything else is a lead, whatever failed meanwhile.
        const { app, model, events, signedUpAt } = played;
        const leads = app.dub.recorded.filter(({ eventName }) => eventName === "Sign Up");
        const credited = new Set(leads.map(({ customerExternalId }) => customerExternalId));
        const lost = model.signUps.filter(({ id, customer }) => {
          const told = model.told.get(`customer ${customer}`) ?? [];
          const since = signedUpAt.get(customer) ?? Number.NaN;
          const due = events.get(id) !== "none" || told.some((one) => counts(one, since));
          return due && !credited.has(customer);
        });
        expect(lost).toEqual([]);
      }),
      { numRuns: 100 / GROUPS },
    );
  });

  it("give the same credit whether the webhook comes before, between or after what is told within a minute", async () => {
    const told = fc.record({
      by: fc.constantFrom("session", "id", "email"),
      click,
      ago,
      gap: fc.constantFrom(0, 15 * SECOND),
    });
    // A click that is told again with another time is a correction, and comes too late for a lead that is delivered.
    const once = { selector: ({ by, click }: { by: string; click: number }) => `${by === "email"} ${click}` };
    const claims = fc.uniqueArray(told, { minLength: 1, maxLength: 3, ...once });
    const moments = fc.array(claims, { minLength: 5, maxLength: 5 });
    let byMemory = 0;
    await fc.assert(
      fc.asyncProperty(moments, async (all) => {
        const app = await open();
        const results: string[][] = [];
        for (const [n, claims] of all.entries()) {
          const places = Array.from({ length: claims.length + 1 }, (_, place) => ({
            place,
            id: `user_${n}_${place}`,
            email: `user_${n}_${place}@example.com`,
          }));
          const since = app.clock.now;
          for (let i = 0; i <= claims.length; i++) {
            const claim = claims[i];
            for (const { place, id, email } of places) {
              if (place === i) await app.user("user.created", { id, email }, `created ${id}`, since, null);
              if (!claim) continue;
              const click = {
                clickId: clickOf(0, claim.click),
                clickedAt: claim.ago === null ? null : since - claim.ago,
              };
              if (claim.by === "session") await app.session(id, click);
              else
                await app.site({
                  ...click,
                  ...(claim.by === "id" ? { customerExternalId: id } : { customerEmail: email }),
                });
            }
            app.clock.now += claim?.gap ?? 0;
          }
          results.push(places.map(({ id }) => id));
        }
        const rows = (await app.rows()) as unknown as { lead: string; click_by: string | null }[];
        const credit = new Map(
          rows.map(({ lead, click_by }) => {
            const { customerExternalId, clickId } = JSON.parse(lead);
            return [customerExternalId, `${clickId} ${click_by}`];
          }),
        );
        for (const ids of results) expect(new Set(ids.map((id) => credit.get(id))).size).toBe(1);
        byMemory += rows.filter(({ click_by }) => click_by !== null).length;
      }),
      { numRuns: 20 },
    );
    expect(byMemory).toBeGreaterThan(50);
  });
});
