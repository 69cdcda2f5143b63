/** `POST /api/forget`: erases what the ledger has of a person. */
import { Hono } from "hono";
import type { Deps, Env } from "../context.ts";
import {
  countPerson,
  eraseNamed,
  erasePerson,
  findNamed,
  findPerson,
  MAX_KNOWN,
  searchable,
} from "../ledger/forget.ts";
import { log } from "../log.ts";
import { isEmail } from "../usable.ts";
import { badFilter, FORGET_FIELDS, readFields, readObject } from "./fields.ts";
import type { Forgotten } from "./schema.ts";

/** `find`: a customer's id or an e-mail address. `related`: also by which else the person is known. */
type Whom = { find: string; related?: boolean; dryRun?: boolean; cursor?: string };

export function forgetRoute(deps: Pick<Deps, "now" | "mappings">) {
  const route = new Hono<{ Bindings: Env }>();
  route.post("/forget", async (c) => {
    const body = await readObject(c);
    if (!body) return badFilter(c, ['Send a JSON object such as {"find": "user_123", "dryRun": true}']);
    const { value, wrong } = readFields(body, FORGET_FIELDS, Object.keys(deps.mappings));
    const find = value.find?.trim() ?? "";
    if (find === "" && wrong.length === 0)
      wrong.push("find must say whom: a customer's id or e-mail address");
    if (wrong.length > 0) return badFilter(c, wrong);
    const done = await forget(c.env, deps, { ...value, find });
    return done ? c.json(done) : badFilter(c, [TOO_MANY]);
  });
  return route;
}

/** Why nobody is forgotten. */
export const TOO_MANY = `what was found belongs to more than ${MAX_KNOWN} customers or e-mail addresses, so it is not of one person. Send their ids one by one, each with related false`;

/**
 * Looks into a slice of the kept payloads, from `cursor` on, and blanks those that name the person and are nobody's; the
 * last slice erases all the rest. So a request that fails leaves the person to be found again. With `dryRun` nothing is
 * changed. Null: see TOO_MANY.
 */
export async function forget(
  env: Env,
  { now }: Pick<Deps, "now">,
  { find, related = true, dryRun = false, cursor }: Whom,
): Promise<Forgotten | null> {
  const person = await findPerson(env.DB, find, related);
  if (!person) return null;
  const { own, others, searched, next } = await findNamed(env.DB, person, cursor);
  const rest = next === null ? await countPerson(env.DB, person, now()) : null;
  if (!dryRun) {
    if (own.length > 0) await eraseNamed(env.DB, own);
    if (rest) await erasePerson(env.DB, person, rest, now());
    log("info", "forgotten", { events: own.length + (rest?.events ?? 0), clicks: rest?.clicks ?? 0 });
  }
  return {
    dryRun,
    customers: isEmail(find) ? person.customers.filter((one) => one !== find) : person.customers,
    emails: isEmail(find) ? person.emails : person.emails.filter((one) => one !== find.toLowerCase()),
    events: own.length + (rest?.events ?? 0),
    clicks: rest?.clicks ?? 0,
    inDelivery: rest?.inDelivery ?? [],
    others,
    searched,
    unsearched: unsearchedOf(person),
    next,
  };
}

function unsearchedOf(person: { customers: string[]; emails: string[] }): string[] {
  const searched = searchable(person);
  return person.customers.filter((one) => !searched.includes(one.toLowerCase()));
}

/** Requests to the database are limited: so many slices are looked into at most, which is about 40,000 events. */
const MAX_SLICES = 20;

/** All slices of a person. Null: see TOO_MANY. `next` is not null when there are more payloads than can be looked into at once. */
export async function forgetWhole(
  env: Env,
  deps: Pick<Deps, "now">,
  whom: Omit<Whom, "cursor">,
): Promise<Forgotten | null> {
  let sum: Forgotten | null = null;
  for (let slice = 0; slice < MAX_SLICES && (sum === null || sum.next !== null); slice++) {
    const one = await forget(env, deps, { ...whom, ...(sum?.next && { cursor: sum.next }) });
    if (!one) return null;
    sum = sum ? added(sum, one) : one;
  }
  return sum;
}

/** What two slices of one person are together. */
export function added(one: Forgotten, next: Forgotten): Forgotten {
  return {
    ...next,
    events: one.events + next.events,
    others: [...one.others, ...next.others],
    searched: one.searched + next.searched,
  };
}
