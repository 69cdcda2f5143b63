/** Click memory: keeps which click a customer came with, and makes leads of the events that lack only the click. */
import type { D1Database, D1PreparedStatement } from "@cloudflare/workers-types";
import { DAY, HOUR, MINUTE } from "../time.ts";
import { clickKey, type WaitingColumns } from "./event.ts";
import { HOLDS_KEY, reasons } from "./sql.ts";

/** Who told a click: the customer's own browser by a session token, or the site's server. */
export type Proof = "session" | "site";

/** By what a click is told to belong to a customer: the customer's id, or an e-mail address that the site has confirmed. */
export type Whose = "customer" | "email";

/** A click that was told. `clickedAt`: when the site first saw it, if told. Times in milliseconds. */
export type ToldClick = {
  whose: Whose;
  /** The customer's id or e-mail address. */
  value: string;
  clickId: string;
  proof: Proof;
  clickedAt: number | null;
};

/** A click counts for so long, as Dub's cookie does. */
export const CLICK_LIFE = 90 * DAY;
/** A click may be told so long after the sign-up, as with the rule for `user.updated`: Dub knows a lead again for so long. */
export const TELL_WITHIN = 7 * DAY;
/** A click that was told without its time counts as seen so long before it was told: see docs/click-memory.md. */
export const UNTIMED = 15 * MINUTE;
/** A click that was told by e-mail address waits so long for what the customer's own session may tell. */
export const EMAIL_WAIT = HOUR;
/** Clicks kept for each key; the last ones count. */
const MAX_CLICKS = 20;
/** Events that one click is tried with, the newest. */
const MAX_EVENTS = 100;

const TELL = `
INSERT INTO clicks (key, click_id, proof, clicked_at, told_at) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (key, click_id) DO UPDATE SET clicked_at = excluded.clicked_at
WHERE excluded.clicked_at < coalesce(clicked_at, told_at)`;

const SEEN = (click: string) => `coalesce(${click}.clicked_at, ${click}.told_at - ${UNTIMED})`;

const KEEP_NEWEST = `
DELETE FROM clicks WHERE key = ?1 AND click_id IN (
  SELECT click_id FROM clicks c WHERE key = ?1 ORDER BY ${SEEN("c")} DESC, click_id LIMIT -1 OFFSET ${MAX_CLICKS})`;

/** SQL: whether the event `e` lacks only the click, or has one that was told and was not tried yet. ?2: now. */
const OPEN = `
  ((e.status = 'skipped' AND e.reason IN (${reasons(({ awaitsClick }) => awaitsClick === true)}))
   OR (e.status = 'pending' AND e.click_by IS NOT NULL AND e.claims = 0 AND e.doubt IS NULL AND e.lease_until <= ?2
     AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.event = e.id AND a.at >= e.click_told_at)))`;

/** SQL: the open events among those of `source`, which has the columns id and key. */
const OPEN_EVENTS = (source: string) => `
SELECT e.rowid AS place, e.id, e.customer_id, e.email, e.click_id AS had, e.click_by,
  coalesce(e.lead_key, nullif(e.waits_key, '')) AS lead_key, s.key, min(e.received_at, coalesce(e.signed_up_at, e.received_at)) AS at
FROM (${source}) s CROSS JOIN events e ON e.id = s.id
WHERE e.waits_key IS NOT NULL AND e.lead IS NOT NULL AND ${OPEN}`;

/** A click by e-mail address does not replace one by the customer's id; and with one click it makes one customer. */
const BY_EMAIL = {
  one: "email, click_id",
  replaces: "had <> click_id AND click_by = 'email'",
  unused: `
    AND NOT EXISTS (SELECT 1 FROM events h WHERE h.email = w.email AND h.customer_id <> w.customer_id
      AND h.click_id = w.click_id AND ${HOLDS_KEY("h")})`,
};
const BY_CUSTOMER = { one: "customer_id", replaces: "had <> click_id OR click_by = 'email'", unused: "" };

/**
 * SQL: for the events of `candidates` the last click before the sign-up among those told under its key, as the table
 * `told` where TAKEN. Of several events with one lead key the first is taken; none, where another event holds the key,
 * or where the customer has a lead by another click.
 */
const TOLD = (whose: Whose, candidates: string) => {
  const { one, replaces, unused } = whose === "customer" ? BY_CUSTOMER : BY_EMAIL;
  return `
WITH candidate AS (${candidates}),
credited AS MATERIALIZED (
  SELECT h.id, h.customer_id, h.click_id, h.status FROM events h
  WHERE h.customer_id IN (SELECT customer_id FROM candidate)
    AND ${HOLDS_KEY("h")}),
seen AS (
  SELECT w.*, c.click_id, c.proof, row_number() OVER (PARTITION BY w.id ORDER BY ${SEEN("c")} DESC, c.click_id) AS rank
  FROM candidate w CROSS JOIN clicks c ON c.key = w.key
  WHERE ${SEEN("c")} BETWEEN w.at - ${CLICK_LIFE} AND w.at AND c.told_at <= w.at + ${TELL_WITHIN}),
told AS (
  SELECT *, row_number() OVER (PARTITION BY coalesce(lead_key, id) ORDER BY place) AS turn,
    first_value(customer_id) OVER (PARTITION BY ${one} ORDER BY place) AS first,
    first_value(click_id) OVER (PARTITION BY customer_id ORDER BY place) AS first_click FROM seen w
  WHERE rank = 1 AND (click_by IS NULL OR ${replaces})
    AND NOT EXISTS (SELECT 1 FROM events h WHERE h.lead_key = w.lead_key AND h.id <> w.id AND ${HOLDS_KEY("h")})
    AND NOT EXISTS (SELECT 1 FROM credited h WHERE h.customer_id = w.customer_id AND h.id <> w.id
      AND iif(h.status = 'pending', h.click_id <> w.click_id, h.click_id IS NOT w.click_id)
      AND NOT EXISTS (SELECT 1 FROM seen s WHERE s.id = h.id AND s.rank = 1 AND s.click_id = w.click_id AND s.click_by IS NOT NULL
        AND ${whose === "customer" ? "true" : "s.click_by = 'email'"}))${unused})`;
};
const TAKEN = "t.turn = 1 AND t.customer_id = t.first AND t.click_id = t.first_click";

/** Makes the open events of `source` pending, each with its click. ?2: now. */
const JOIN = (whose: Whose, source: string) => `${TOLD(whose, OPEN_EVENTS(source))}
UPDATE events SET status = 'pending', reason = 'new', detail = NULL, lead = json_set(lead, '$.clickId', t.click_id),
  lead_key = t.lead_key, click_by = ${whose === "customer" ? "t.proof" : "'email'"}, click_told_at = ?2,
  next_attempt_at = ?2 + ${whose === "customer" ? 0 : EMAIL_WAIT}, queued_until = 0, retries = 0, tries = 0
FROM told t WHERE events.id = t.id AND ${TAKEN}
RETURNING events.id`;

const LISTED = (key: string) => `SELECT value->>'id' AS id, value->>'${key}' AS key FROM json_each(?1)`;
const JOIN_LISTED = {
  customer: JOIN("customer", LISTED("customerKey")),
  email: JOIN("email", LISTED("emailKey")),
};
const OF_VALUE = (column: string) =>
  `SELECT id, ?3 AS key FROM (SELECT id FROM events WHERE ${column} = ?1 ORDER BY rowid DESC LIMIT ${MAX_EVENTS})`;
const JOIN_VALUE = {
  customer: JOIN("customer", OF_VALUE("customer_id")),
  email: JOIN("email", OF_VALUE("email")),
};

/**
 * Keeps a click and makes leads of the events that lack only it, in one transaction; answers how many. A click that was
 * told before keeps who told it, and the earlier time.
 */
export async function tell(
  db: D1Database,
  { whose, value, clickId, proof, clickedAt }: ToldClick,
  now: number,
): Promise<number> {
  const key = await clickKey(whose, value);
  const results = await db.batch([
    db.prepare(TELL).bind(key, clickId, proof, clickedAt, now),
    db.prepare(KEEP_NEWEST).bind(key),
    db.prepare(JOIN_VALUE[whose]).bind(whose === "email" ? value.toLowerCase() : value, now, key),
  ]);
  return results.at(-1)?.results.length ?? 0;
}

/** The statements that give clicks told before to events that lack only one; for the transaction that writes the events. */
export function joinStatements(
  db: D1Database,
  events: ({ id: string } & Partial<Pick<WaitingColumns, "customerKey" | "emailKey">>)[],
  now: number,
): D1PreparedStatement[] {
  const waiting = events
    .filter(({ customerKey }) => customerKey !== undefined)
    .map(({ id, customerKey, emailKey }) => ({ id, customerKey, emailKey }));
  if (waiting.length === 0) return [];
  const listed = JSON.stringify(waiting);
  return [JOIN_LISTED.customer, JOIN_LISTED.email].map((sql) => db.prepare(sql).bind(listed, now));
}

/** An event that would lack only the click, as a preview of a replay makes it. `at`: the sign-up, in milliseconds. */
export type WouldWait = {
  id: string;
  customerId: string;
  email: string | null;
  leadKey: string | null;
  at: number;
} & Pick<WaitingColumns, "customerKey" | "emailKey">;

const WOULD_WAIT = (key: string) => `
SELECT e.key AS place, value->>'id' AS id, value->>'customerId' AS customer_id, value->>'email' AS email, NULL AS had,
  NULL AS click_by, value->>'leadKey' AS lead_key, value->>'${key}' AS key, value->>'at' AS at
FROM json_each(?1) e`;
const FIND_TOLD = (whose: Whose, key: string) =>
  `${TOLD(whose, WOULD_WAIT(key))} SELECT id, click_id AS clickId FROM told t WHERE ${TAKEN}`;

/** The clicks that events would get, by event. */
export async function findTold(db: D1Database, events: WouldWait[]): Promise<Map<string, string>> {
  if (events.length === 0) return new Map();
  const listed = JSON.stringify(events);
  const [byCustomer, byEmail] = await db.batch<{ id: string; clickId: string }>([
    db.prepare(FIND_TOLD("customer", "customerKey")).bind(listed),
    db.prepare(FIND_TOLD("email", "emailKey")).bind(listed),
  ]);
  const rows = [...(byEmail?.results ?? []), ...(byCustomer?.results ?? [])];
  return new Map(rows.map(({ id, clickId }) => [id, clickId]));
}

/** A click as it is remembered for a customer: under which key, and as `ToldClick`. */
export type RememberedClick = Pick<ToldClick, "whose" | "clickId" | "proof" | "clickedAt"> & {
  toldAt: number;
};

/** The clicks that were told for a customer's id and e-mail address, the last first. */
export async function clicksOf(
  db: D1Database,
  { customerKey, emailKey }: Pick<WaitingColumns, "customerKey" | "emailKey">,
): Promise<RememberedClick[]> {
  const { results } = await db
    .prepare(
      `SELECT iif(key = ?1, 'customer', 'email') AS whose, click_id AS clickId, proof, clicked_at AS clickedAt, told_at AS toldAt
       FROM clicks c WHERE key IN (?1, ?2) ORDER BY ${SEEN("c")} DESC`,
    )
    .bind(customerKey, emailKey)
    .all<RememberedClick>();
  return results;
}

/** Deletes up to `limit` clicks that were told before `before` (milliseconds). */
export async function forgetClicks(db: D1Database, before: number, limit: number): Promise<void> {
  await db
    .prepare(
      "DELETE FROM clicks WHERE (key, click_id) IN (SELECT key, click_id FROM clicks WHERE told_at < ?1 ORDER BY told_at LIMIT ?2)",
    )
    .bind(before, limit)
    .run();
}
