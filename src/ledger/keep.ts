/** Keeping events: idempotent, and one lead for each customer and event name. */
import type { D1Database, D1PreparedStatement } from "@cloudflare/workers-types";
import type { Reason, Status } from "../states.ts";
import { DAY } from "../time.ts";
import { joinStatements } from "./clicks.ts";
import type { NewEvent } from "./event.ts";
import { HOLDS_KEY } from "./sql.ts";

/** The sweep skips a new event for this long (milliseconds), since a queue message brings it. */
export const QUEUE_GRACE = 2 * 60_000;
/** D1 takes parameters of at most 2 MB; JSON inside JSON may double. */
const MAX_CHUNK_LENGTH = 400_000;
const MAX_CHUNK_ROWS = 200;

const INSERT = `
INSERT INTO events (id, provider, event_id, type, status, reason, detail, warnings, lead, lead_key, payload, received_at, late, next_attempt_at, queued_until, waits_key, signed_up_at)
SELECT e.value->>'id', e.value->>'provider', e.value->>'eventId', e.value->>'type', e.value->>'status', e.value->>'reason',
  e.value->>'detail', e.value->>'warnings', e.value->>'lead', e.value->>'leadKey',
  coalesce(?2, e.value->>'payload'),
  e.value->>'receivedAt',
  iif(e.value->>'receivedAt' < (SELECT max(received_at) FROM events WHERE event_id IS NOT NULL) - ${DAY}, 1, NULL),
  iif(e.value->>'status' = 'pending', e.value->>'receivedAt', NULL), e.value->>'queuedUntil',
  e.value->>'waitsKey', e.value->>'signedUpAt'
FROM json_each(?1) e WHERE true
ON CONFLICT (id) DO NOTHING`;

const MARK_DUPLICATES = `
UPDATE events SET status = 'duplicate', reason = 'duplicate_here', next_attempt_at = NULL
WHERE id IN (SELECT value FROM json_each(?1)) AND status = 'pending' AND reason = 'new' AND lead_key IS NOT NULL
  AND EXISTS (SELECT 1 FROM events o WHERE o.lead_key = events.lead_key AND o.rowid < events.rowid AND ${HOLDS_KEY("o")})`;

/** SQL: the event name of a row's lead, nearly as Dub compares it; null for a lead that only registers the customer. */
const COUNTED_AS = (row: string) =>
  `iif(${row}.lead->>'mode' IS 'deferred', NULL, lower(replace(${row}.lead->>'eventName', ' ', '-')))`;

/** SQL: `what` of the first event with the same click, e-mail address and event name, of another customer, that holds its lead key. */
const OTHER_CUSTOMER = (what: string) =>
  `SELECT ${what} FROM events o WHERE o.email = events.email AND o.click_id = events.click_id AND o.customer_id <> events.customer_id
    AND o.lead_key IS NOT NULL AND o.rowid < events.rowid AND ${COUNTED_AS("o")} = ${COUNTED_AS("events")} AND ${HOLDS_KEY("o")} LIMIT 1`;

/** A lead with the click, e-mail address and event name of another customer's is delivered all the same, and says so. */
const NAME_SAME_PERSON = `
UPDATE events SET warnings = json_insert(coalesce(warnings, '[]'), '$[#]', json_object('field', 'customerExternalId', 'did',
  'kept: another customer has the same click and e-mail address, event ' || (${OTHER_CUSTOMER("o.id")})
  || '. If it is one person, map the same id for both'))
WHERE id IN (SELECT value FROM json_each(?1)) AND status = 'pending' AND reason = 'new' AND lead_key IS NOT NULL AND email IS NOT NULL
  AND instr(coalesce(warnings, ''), 'same click and e-mail address') = 0 AND EXISTS (${OTHER_CUSTOMER("1")})`;

/** The statements that keep `events`; run them in one batch, in order. `queued`: whether a queue message is sent too. */
export function keepStatements(
  db: D1Database,
  events: NewEvent[],
  queued: (event: NewEvent) => boolean,
  now: number,
): D1PreparedStatement[] {
  const size = ({ payload, lead }: NewEvent) => (payload?.length ?? 0) + (lead?.length ?? 0);
  const statements = chunks(events, size).flatMap((chunk) => {
    const [only] = chunk;
    const alone = chunk.length === 1 && only ? only.payload : null;
    const rows = chunk.map((event) => ({
      ...event,
      payload: alone === null ? event.payload : null,
      queuedUntil: queued(event) ? event.receivedAt + QUEUE_GRACE : 0,
    }));
    return [db.prepare(INSERT).bind(JSON.stringify(rows), alone)];
  });
  return [
    ...statements,
    db.prepare(MARK_DUPLICATES).bind(ids(events)),
    ...joinStatements(db, events, now),
    db.prepare(NAME_SAME_PERSON).bind(ids(events)),
  ];
}

/** What the ledger has of an event. `receivedAt`: when its first webhook came. Times in milliseconds since 1970. */
type Known = { status: Status; reason: Reason; receivedAt: number };

/** What the ledger says of kept events by id, and when cron last ran (undefined: unknown). */
export type Kept = { known: Map<string, Known>; cronAt: number | undefined };

/** Keeps events. A redelivery is answered with what became of the event the first time. */
export async function keep(
  db: D1Database,
  events: NewEvent[],
  queued: (event: NewEvent) => boolean,
  now: number,
): Promise<Kept> {
  const results = await db.batch([
    ...keepStatements(db, events, queued, now),
    db.prepare("SELECT at FROM marks WHERE name = 'cron'"),
    db
      .prepare(
        "SELECT id, status, reason, received_at AS receivedAt FROM events WHERE id IN (SELECT value FROM json_each(?1))",
      )
      .bind(ids(events)),
  ]);
  const [cron, rows] = results.slice(-2).map((result) => result.results) as [
    { at: number }[],
    ({ id: string } & Known)[],
  ];
  return { known: new Map(rows.map((row) => [row.id, row])), cronAt: cron[0]?.at };
}

function ids(events: { id: string }[]): string {
  return JSON.stringify(events.map((event) => event.id));
}

/** Splits rows so that each part fits into a parameter of a statement. `size` in UTF-16 units. */
export function chunks<T>(rows: T[], size: (row: T) => number): T[][] {
  const all: T[][] = [];
  let length = Number.POSITIVE_INFINITY;
  for (const row of rows) {
    const own = size(row);
    const last = all.at(-1);
    if (last && length + own <= MAX_CHUNK_LENGTH && last.length < MAX_CHUNK_ROWS) {
      last.push(row);
      length += own;
    } else {
      all.push([row]);
      length = own;
    }
  }
  return all;
}
