/** Forgetting a person: finds what the ledger has of a person, and blanks or deletes it. */
import type { D1Database } from "@cloudflare/workers-types";
import { clickKey } from "./event.ts";
import { BLANK } from "./retention.ts";
import { promoteDuplicates } from "./settle.ts";

/** Whose data it is: every customer id and e-mail address (in lower case) by which the person is known. */
export type Person = { customers: string[]; emails: string[] };

/** Ids and addresses of one person, each; more of them are no one person's. */
export const MAX_KNOWN = 20;
/** Kept payloads that one call looks into, and their bytes; one alone may be larger. */
const SEARCH_ROWS = 2_000;
const SEARCH_BYTES = 20_000_000;
/** Events of a person that are being delivered, or of others that name the person: so many are told. */
const MAX_TOLD = 100;

const PAIRS = `
SELECT DISTINCT customer_id AS customer, email FROM events WHERE rowid IN (
  SELECT rowid FROM events WHERE customer_id IN (SELECT value FROM json_each(?1))
  UNION SELECT rowid FROM events WHERE email IN (SELECT value FROM json_each(?2)))
LIMIT ${(MAX_KNOWN + 2) ** 2}`;

/**
 * The person known by a customer's id or an e-mail address. With `related`, also by the ids and addresses of the events
 * found, and of the events that these find. Null: they are more than one person has.
 */
export async function findPerson(db: D1Database, find: string, related: boolean): Promise<Person | null> {
  const customers = new Set([find]);
  const emails = new Set([find.toLowerCase()]);
  for (let known = 0; related && known < customers.size + emails.size; ) {
    known = customers.size + emails.size;
    const { results } = await db
      .prepare(PAIRS)
      .bind(JSON.stringify([...customers]), JSON.stringify([...emails]))
      .all<{ customer: string | null; email: string | null }>();
    for (const { customer, email } of results) {
      if (customer !== null) customers.add(customer);
      if (email !== null) emails.add(email);
    }
    if (customers.size > MAX_KNOWN || emails.size > MAX_KNOWN) return null;
  }
  return { customers: [...customers], emails: [...emails] };
}

/** SQL: the numbers of the events whose lead is the person's. */
const OF_PERSON = `
SELECT rowid FROM events WHERE customer_id IN (SELECT value FROM json_each(?1))
UNION SELECT rowid FROM events WHERE email IN (SELECT value FROM json_each(?2))`;
const OF_KEYS = "key IN (SELECT value FROM json_each(?1))";

/** What the ledger has of a person by id and address. `inDelivery`: ids of the events that can't be changed now. */
export type Kept = { events: number; clicks: number; inDelivery: string[]; endedKeys: string[] };

/** Counts it. `endedKeys`: lead keys of the pending events among them. */
export async function countPerson(db: D1Database, person: Person, now: number): Promise<Kept> {
  const [events, pending, clicks] = await db.batch([
    db.prepare(`SELECT count(*) AS n FROM (${OF_PERSON})`).bind(...listed(person)),
    db
      .prepare(
        `SELECT id, lead_key AS leadKey, lease_until > ?3 AS leased FROM events WHERE rowid IN (${OF_PERSON}) AND status = 'pending'`,
      )
      .bind(...listed(person), now),
    db.prepare(`SELECT count(*) AS n FROM clicks WHERE ${OF_KEYS}`).bind(await keysOf(person)),
  ]);
  const count = (result?: { results: unknown[] }) =>
    (result?.results[0] as { n: number } | undefined)?.n ?? 0;
  const rows = (pending?.results ?? []) as { id: string; leadKey: string | null; leased: number }[];
  const inDelivery = rows.filter(({ leased }) => leased === 1).map(({ id }) => id);
  return {
    events: count(events) - inDelivery.length,
    clicks: count(clicks),
    inDelivery: inDelivery.slice(0, MAX_TOLD),
    endedKeys: rows.flatMap(({ leased, leadKey }) => (leased === 0 && leadKey !== null ? [leadKey] : [])),
  };
}

const FREE = (rows: string, now: string) =>
  `rowid IN (${rows}) AND (status <> 'pending' OR lease_until <= ${now})`;
const END = `
UPDATE events SET status = 'failed', reason = 'ended_by_operator', next_attempt_at = NULL,
  doubt = iif(claims > 0, 'unknown', doubt), claims = 0
WHERE rowid IN (${OF_PERSON}) AND status = 'pending' AND lease_until <= ?3`;
const ERASE = `UPDATE events SET ${BLANK}, link = NULL WHERE`;

/**
 * Blanks the events of a person, ends those that are pending, and deletes their attempts and the person's clicks, all at
 * once. What is being delivered stays. `endedKeys`: as `countPerson` found them; a duplicate of somebody else is
 * delivered in the place of an event that ends.
 */
export async function erasePerson(
  db: D1Database,
  person: Person,
  { endedKeys }: Pick<Kept, "endedKeys">,
  now: number,
): Promise<void> {
  const whose = [...listed(person), now];
  const free = FREE(OF_PERSON, "?3");
  await db.batch([
    db.prepare(`DELETE FROM attempts WHERE event IN (SELECT id FROM events WHERE ${free})`).bind(...whose),
    db.prepare(END).bind(...whose),
    db.prepare(`${ERASE} ${free}`).bind(...whose),
    db.prepare(`DELETE FROM clicks WHERE ${OF_KEYS}`).bind(await keysOf(person)),
    ...promoteDuplicates(db, endedKeys, now),
  ]);
}

/** What may follow a value in a payload; so not every longer value that begins with it is read. */
const ENDS = JSON.stringify([..."\"\\ <>,;:)/&?#'.|}]"]);
const SEARCH = `
WITH slice AS MATERIALIZED (
  SELECT n, at, sum(bytes) OVER (ORDER BY at, n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM (
    SELECT rowid AS n, received_at AS at, coalesce(octet_length(payload), 0) AS bytes FROM events
    WHERE event_id IS NOT NULL AND received_at >= ?1 AND (received_at > ?1 OR rowid > ?2)
    ORDER BY received_at, rowid LIMIT ${SEARCH_ROWS})),
near AS (SELECT n, at FROM slice WHERE coalesce(before, 0) < ${SEARCH_BYTES})
SELECT 1 AS last, NULL AS id, n, at, (SELECT count(*) FROM near) AS searched, NULL AS payload, NULL AS own
FROM (SELECT n, at FROM near ORDER BY at DESC, n DESC LIMIT 1)
UNION ALL
SELECT 0, e.id, e.rowid, e.received_at, 0, e.payload, e.customer_id IS NULL AND e.email IS NULL AND e.reason <> 'not_split'
  AND e.status <> 'pending'
FROM near JOIN events e ON e.rowid = near.n
WHERE e.payload IS NOT NULL AND e.rowid NOT IN (${OF_PERSON.replace("?1", "?4").replace("?2", "?5")}) AND EXISTS (
  SELECT 1 FROM json_each(?3) v WHERE instr(lower(e.payload), v.value) > 0 AND EXISTS (
    SELECT 1 FROM json_each(?6) t WHERE instr(lower(e.payload), v.value || t.value) > 0))`;

/**
 * Payloads that name a person though their event has no lead of the person. `own`: ids of those whose event is nobody's;
 * `others`: of those that are of somebody else too. `next`: where the following slice begins, null after the last.
 */
export type Named = { own: string[]; others: string[]; searched: number; next: string | null };

/** Looks into a slice of the kept payloads. `after`: `next` of the slice before; undefined for the first. */
export async function findNamed(db: D1Database, person: Person, after?: string): Promise<Named> {
  const [at = 0, number = 0] = after?.split(".").map(Number) ?? [];
  const values = searchable(person);
  if (values.length === 0) return { own: [], others: [], searched: 0, next: null };
  const written = values.flatMap((one) => [
    one,
    JSON.stringify(one).slice(1, -1),
    one.replaceAll("/", "\\/"),
  ]);
  const { results } = await db
    .prepare(SEARCH)
    .bind(at, number, JSON.stringify([...new Set(written)]), ...listed(person), ENDS)
    .all<{
      last: number;
      id: string;
      n: number;
      at: number;
      searched: number;
      payload: string;
      own: number;
    }>();
  const last = results.find((row) => row.last === 1);
  const names = new RegExp(`(?:(?<![\\w.+-])|(?<=\\\\[nrt]))(?:${written.map(escaped).join("|")})(?![\\w-])`);
  const found = results.filter((row) => row.last === 0 && names.test(row.payload.toLowerCase()));
  return {
    own: found.filter(({ own }) => own === 1).map(({ id }) => id),
    others: found.filter(({ own }) => own === 0).map(({ id }) => id),
    searched: last?.searched ?? 0,
    next: last ? `${last.at}.${last.n}` : null,
  };
}

/** Blanks events that are nobody's, by id, and deletes their attempts. */
export async function eraseNamed(db: D1Database, ids: string[]): Promise<void> {
  const which =
    "id IN (SELECT value FROM json_each(?1)) AND customer_id IS NULL AND email IS NULL AND status <> 'pending'";
  await db.batch([
    db
      .prepare(`DELETE FROM attempts WHERE event IN (SELECT id FROM events WHERE ${which})`)
      .bind(JSON.stringify(ids)),
    db.prepare(`${ERASE} ${which}`).bind(JSON.stringify(ids)),
  ]);
}

/** Shorter values are no names: too many payloads have them for another reason. */
const MIN_SEARCHED = 6;

/** The values that are looked for in payloads, in lower case. */
export function searchable({ customers, emails }: Person): string[] {
  const values = [...customers.map((one) => one.toLowerCase()), ...emails];
  return [...new Set(values)].filter((one) => one.length >= MIN_SEARCHED);
}

const listed = ({ customers, emails }: Person) =>
  [JSON.stringify(customers), JSON.stringify(emails)] as const;

async function keysOf({ customers, emails }: Person): Promise<string> {
  const keys = [
    ...customers.map((one) => clickKey("customer", one)),
    ...emails.map((one) => clickKey("email", one)),
  ];
  return JSON.stringify(await Promise.all(keys));
}

const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
