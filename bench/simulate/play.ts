/** Plays one world by one protocol, and counts what became of every sign-up. */
import { DAY, HOUR } from "../../src/time.ts";
import type { Protocol } from "./assumptions.ts";
import { ATTACKS, clickOf } from "./attacks.ts";
import { openSite, type Site } from "./site.ts";
import { cookieAt, isOfAttacker, makePeople, type Person } from "./world.ts";

/**
 * Sign-ups by a link: `due`; of these `known`, whose click was in the browser when the form or the signed-in page read
 * it; credited to the `right` or a `wrong` click. Organic ones, and of these credited. `fraud`: to an attacker's click.
 */
export type Counts = {
  due: number;
  known: number;
  right: number;
  wrong: number;
  organic: number;
  credited: number;
  fraud: number;
};

export type Played = {
  /** By the name of the way of signing up. */
  paths: Map<string, Counts>;
  /** By the name of the attack: how often it was tried and taken. */
  attacks: Map<string, { tried: number; taken: number }>;
  /** Leads by memory, leads that Dub has twice, and events that are pending at the end. */
  byMemory: number;
  doubled: number;
  pending: number;
};

type Action = { at: number; run: (site: Site) => Promise<unknown> };

const START = Date.UTC(2026, 2, 10, 12);

export async function play(protocol: Protocol, size: number, seed: number): Promise<Played> {
  const people = makePeople(size, seed, START);
  const attacks: Played["attacks"] = new Map();
  const actions = people
    .flatMap((person) => actionsOf(person, protocol, attacks))
    .map((action, order) => ({ ...action, order }))
    .sort((a, b) => a.at - b.at || a.order - b.order);
  const memory = protocol.session !== undefined || protocol.email !== undefined;
  const site = await openSite(actions[0]?.at ?? START, memory);
  try {
    for (const { at, run } of actions) {
      await site.passTo(at);
      await run(site);
    }
    await site.passTo(site.clock.now + 2 * HOUR);
    const [left] = site.rows<{ pending: number; byMemory: number }>(
      "SELECT count(*) FILTER (WHERE status = 'pending') AS pending, count(*) FILTER (WHERE status = 'delivered' AND click_by IS NOT NULL) AS byMemory FROM events",
    );
    const { recorded } = site.dub;
    const credit = new Map(recorded.map((one) => [one.customerExternalId, one.clickId]));
    return {
      paths: countPaths(people, credit),
      attacks,
      byMemory: left?.byMemory ?? 0,
      doubled: recorded.length - credit.size,
      pending: left?.pending ?? 0,
    };
  } finally {
    site.close();
  }
}

function countPaths(people: Person[], credit: Map<string, string>): Played["paths"] {
  const paths: Played["paths"] = new Map();
  for (const person of people) {
    const { id, path, due } = person;
    const none = { due: 0, known: 0, right: 0, wrong: 0, organic: 0, credited: 0, fraud: 0 };
    const counts = paths.get(path.name) ?? none;
    paths.set(path.name, counts);
    const click = credit.get(id);
    if (click !== undefined && isOfAttacker(click)) counts.fraud++;
    if (due === undefined) {
      counts.organic++;
      if (click !== undefined) counts.credited++;
    } else {
      counts.due++;
      if (isKnown(person)) counts.known++;
      if (click === due) counts.right++;
      else if (click !== undefined) counts.wrong++;
    }
  }
  return paths;
}

/** Whether the click that is due was in the browser at the sign-up, where the form reads it, or at a visit soon enough. */
function isKnown(person: Person): boolean {
  const { path, signedUpAt, visits, due } = person;
  const read = [...(path.form ? [signedUpAt] : []), ...visits.filter((at) => at <= signedUpAt + 7 * DAY)];
  return read.some((at) => cookieAt(person, at)?.id === due);
}

/** What a person, the site, the provider and an attacker do. */
function actionsOf(person: Person, protocol: Protocol, attacks: Played["attacks"]): Action[] {
  const { id, email, path, signedUpAt, webhooks, visits, leftEmail, attacked } = person;
  const { session, email: byEmail } = protocol;
  const inForm = path.form ? cookieAt(person, signedUpAt)?.id : undefined;
  const actions: Action[] = webhooks.map((at) => ({ at, run: (site) => site.signUp(person, inForm) }));
  const bySite = (at: number, click: { id: string; at: number }) =>
    actions.push({
      at,
      run: (site) =>
        site.tell(site.clicksToken, { clickId: click.id, clickedAt: click.at, customerEmail: email }),
    });
  const told = new Set<string>();
  for (const at of visits) {
    const click = cookieAt(person, at);
    if (!click || told.has(click.id)) continue;
    told.add(click.id);
    const clickedAt = session === "timed" ? click.at : undefined;
    if (session)
      actions.push({
        at,
        run: async (site) => site.tell(await site.token(id), { clickId: click.id, clickedAt }),
      });
    if (byEmail && email !== undefined) bySite(at, click);
  }
  if (byEmail && leftEmail && email !== undefined) bySite(leftEmail.at, leftEmail.click);
  // A form of the site takes any address at once, in the browser with the click; and anybody's word for it.
  if (byEmail === "open" && email !== undefined) {
    const click = path.sameBrowser > 0 && cookieAt(person, signedUpAt, person.clicks[0]?.browser);
    if (click) bySite(signedUpAt, click);
    if (attacked) bySite(attacked.at, { id: clickOf(person).clickId, at: signedUpAt - HOUR });
  }
  if (attacked && session)
    for (const { name, run } of ATTACKS) {
      const counts = attacks.get(name) ?? { tried: 0, taken: 0 };
      attacks.set(name, counts);
      actions.push({
        at: attacked.at,
        run: async (site) => {
          counts.tried++;
          if ((await run(site, person, clickOf(person))) === 200) counts.taken++;
        },
      });
    }
  return actions;
}
