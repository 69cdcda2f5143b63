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
  type Person,
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
export async function forget(env: Env, deps: Pick<Deps, "now">, whom: Whom): Promise<Forgotten | null> {
  const person = await findPerson(env.DB, whom.find, whom.related ?? true);
  return person && slice(env, deps, whom, person);
}

async function slice(
  env: Env,
  { now }: Pick<Deps, "now">,
  { find, dryRun = false, cursor }: Whom,
  person: Person,
): Promise<Forgotten> {
  const { own, others, searched, next } = await findNamed(env.DB, person, cursor);
  const rest = next === null ? await countPerson(env.DB, person, now()) : null;
  const counted = { events: own.length + (rest?.events ?? 0), clicks: rest?.clicks ?? 0 };
  if (!dryRun) {
    if (own.length > 0) await eraseNamed(env.DB, own);
    if (rest) await erasePerson(env.DB, person, rest, now());
    log("info", "forgotten", counted);
  }
  const { customers, emails } = person;
  return {
    dryRun,
    customers: isEmail(find) ? customers.filter((one) => one !== find) : customers,
    emails: isEmail(find) ? emails : emails.filter((one) => one !== find.toLowerCase()),
    ...counted,
    inDelivery: rest?.inDelivery ?? [],
    others,
    searched,
    unsearched: unsearchedOf(person),
    next,
  };
}

function unsearchedOf(person: Person): string[] {
  const searched = searchable(person);
  return person.customers.filter((one) => !searched.includes(one.toLowerCase()));
}

/** A request may ask the database fifty times at most: so many slices are looked into, which is about 40,000 events. */
const MAX_SLICES = 20;

/** All slices of a person. Null: see TOO_MANY. `next` is not null when there are more, and then the rest is not erased. */
export async function forgetWhole(
  env: Env,
  deps: Pick<Deps, "now">,
  whom: Pick<Whom, "find" | "dryRun">,
): Promise<Forgotten | null> {
  const person = await findPerson(env.DB, whom.find, true);
  if (!person) return null;
  let all = await slice(env, deps, whom, person);
  for (let slices = 1; slices < MAX_SLICES && all.next !== null; slices++)
    all = added(all, await slice(env, deps, { ...whom, cursor: all.next }, person));
  return all;
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
