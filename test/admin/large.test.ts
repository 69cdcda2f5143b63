/** Lists and searches in a large ledger: what they find, and how many rows they read. */
import fc from "fast-check";
import { expect, it } from "vitest";
import type { Filter } from "../../src/ledger/part.ts";
import { find, type Slice } from "../../src/ledger/replay.ts";
import { type Search, search } from "../../src/ledger/search.ts";
import { REASONS, type Reason, STATUS_NAMES, statusOf } from "../../src/states.ts";
import { createTestApp, DAY, db, HOUR, SECOND, START } from "../support/app.ts";
import { countRows, scansOf } from "../support/rows.ts";

const MANY = 1_000_000;
/** As many as a page looks at, once and again for what it shows. */
const BOUND = 15_000;
const PROVIDERS = ["clerk", "stripe", "auth0"];
const ALL = Object.keys(REASONS) as Reason[];

/** Inserts events, 100,000 with each query. `i` is the number of the event, from 1 on. */
async function fill(
  count: number,
  columns: { provider: string; type: string; reason: string; receivedAt: string; lead: string },
) {
  const status = `CASE reason ${ALL.map((reason) => `WHEN '${reason}' THEN '${statusOf(reason)}'`).join(" ")} END`;
  for (let from = 0; from < count; from += 100_000)
    await db
      .prepare(
        `WITH RECURSIVE n(i) AS (SELECT CAST(?1 AS INTEGER) + 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2),
         e AS (SELECT i, ${columns.provider} AS provider, ${columns.type} AS type, ${columns.reason} AS reason FROM n)
         INSERT INTO events (id, provider, event_id, type, status, reason, lead, received_at, next_attempt_at)
         SELECT 'id' || i, provider, 'e' || i, type, ${status}, reason, ${columns.lead}, ${columns.receivedAt},
           iif(${status} = 'pending', 0, NULL) FROM e`,
      )
      .bind(from, Math.min(count, from + 100_000))
      .run();
}

/** Marks late rows as they would be marked when inserted one by one. */
const markLate = () =>
  db
    .prepare(
      `UPDATE events SET late = 1 WHERE rowid IN (SELECT n FROM (SELECT rowid AS n, received_at AS at,
         max(received_at) OVER (ORDER BY rowid) AS newest FROM events) WHERE at < newest - ${DAY})`,
    )
    .run();

/** All steps of a replay, one after the other. */
async function replayed(filter: Filter, limit: number) {
  const found: number[] = [];
  for (let after: number | null = 0; after !== null; ) {
    const slice: Slice = await find(db, filter, after, limit);
    expect(slice.rows.length).toBeLessThanOrEqual(limit);
    if (slice.next !== null) expect(slice.next).toBeGreaterThan(after);
    found.push(...slice.rows.map(({ rowid }) => rowid));
    after = slice.next;
  }
  return found;
}

/** All pages of a search, one after the other. */
async function everything(given: Omit<Search, "limit">, limit: number) {
  const found: number[] = [];
  for (let before: number | null | undefined; before !== null; ) {
    const page = await search(db, { ...given, limit, ...(before !== undefined && { before }) }, PROVIDERS);
    expect(page.rows.length).toBeLessThanOrEqual(limit);
    if (page.next !== null && before !== undefined) expect(page.next).toBeLessThan(before);
    found.push(...page.rows.map(({ rowid }) => rowid));
    before = page.next;
  }
  return found;
}

it("the pages of a list, and the steps of a replay, have every event that fits once, in order, whatever the filters", async () => {
  await createTestApp();
  const reason = `(SELECT value FROM json_each('${JSON.stringify(ALL)}') WHERE key = iif(i % 3 = 0, (i * 7919) % ${ALL.length}, iif(i % 3 = 1, ${ALL.indexOf("recorded")}, ${ALL.indexOf("no_click_id")})))`;
  const count = 12_000;
  // Some were inserted hours late, and some days, for the queue had them or a replay split their webhook.
  await fill(count, {
    provider: `CASE WHEN i % 997 = 0 THEN 'auth0' WHEN i % 5 = 0 THEN 'stripe' ELSE 'clerk' END`,
    type: `iif(i % 1999 = 0, 'user.updated', 'user.created')`,
    reason,
    receivedAt: `${START} + i * ${60 * SECOND} - iif(i % 11 = 0, ${20 * HOUR}, 0) - iif(i % 7 = 0 AND i > 7000, ${4 * DAY}, 0)`,
    lead: "NULL",
  });
  await markLate();
  const { results: rows } = await db
    .prepare(
      "SELECT rowid, provider, type, status, reason, received_at AS at FROM events ORDER BY rowid DESC",
    )
    .all<{ rowid: number; provider: string; type: string; status: string; reason: string; at: number }>();
  const time = fc.integer({ min: -HOUR, max: count * 60 * SECOND + HOUR }).map((after) => START + after);
  await fc.assert(
    fc.asyncProperty(
      fc.record(
        {
          status: fc.subarray([...STATUS_NAMES], { minLength: 1 }),
          reason: fc.subarray(ALL, { minLength: 1, maxLength: 4 }),
          provider: fc.constantFrom(...PROVIDERS),
          type: fc.constantFrom("user.created", "user.updated", "other"),
          since: time,
          until: time,
        },
        { requiredKeys: [] },
      ),
      fc.constantFrom(1000, 5000),
      async (filter, limit) => {
        const { status, reason: one, provider, type, since = 0, until = Number.MAX_SAFE_INTEGER } = filter;
        const expected = rows.filter(
          (row) =>
            (!status || status.includes(row.status as never)) &&
            (!one || one.includes(row.reason as never)) &&
            (!provider || row.provider === provider) &&
            (!type || row.type === type) &&
            row.at >= since &&
            row.at < until,
        );
        const numbers = expected.map(({ rowid }) => rowid);
        expect(await everything(filter, limit)).toEqual(numbers);
        expect(await replayed(filter, limit)).toEqual(numbers.toReversed());
      },
    ),
    { numRuns: 40 },
  );
  await db.exec("DELETE FROM transitions");
});

it("events of a time are found when a webhook that came before it was split by a replay", async () => {
  await createTestApp();
  const columns = { provider: "'clerk'", type: "'user.created'", reason: "'no_click_id'", lead: "NULL" };
  await fill(5, { ...columns, receivedAt: `${START} - i * ${HOUR}` });
  await db.exec("UPDATE events SET id = 'first' || id");
  await fill(100, { ...columns, receivedAt: `${START - 5 * DAY}` });
  await db.exec("UPDATE events SET id = 'split' || id WHERE id LIKE 'id%'");
  await markLate();
  const found = await everything({ since: START - 2 * DAY }, 100);
  expect(found).toHaveLength(5);
  expect(await everything({ until: START - 4 * DAY }, 100)).toHaveLength(100);
  await db.exec("DELETE FROM events; DELETE FROM transitions");
});

it("a search has every event of a person once, newest first, and reads no more the more there are", async () => {
  await createTestApp();
  const count = 3000;
  await fill(count, {
    provider: "'clerk'",
    type: "'user.created'",
    reason: "'no_click_id'",
    receivedAt: `${START} + i`,
    lead: `json_object('customerExternalId', iif(i % 3 = 0, 'busy', 'c' || i), 'customerEmail', iif(i % 3 = 1, 'other@example.com', 'busy@example.com'))`,
  });
  const all = Array.from({ length: count }, (_, i) => count - i);
  const numbers = (found: number[], i: number) => found.map((n) => n - i);
  const [{ first } = { first: 0 }] = (
    await db.prepare("SELECT min(rowid) - 1 AS first FROM events").all<{ first: number }>()
  ).results;
  expect(numbers(await everything({ find: "busy" }, 100), first)).toEqual(all.filter((n) => n % 3 === 0));
  expect(numbers(await everything({ find: "id2", related: true }, 100), first)).toEqual(
    all.filter((n) => n % 3 !== 1),
  );
  // The other filters are kept exactly, also by events that are older than the newest 500 of the person.
  for (const [find, fits] of [
    ["busy", (n: number) => n % 3 === 0],
    ["busy@example.com", (n: number) => n % 3 !== 1],
  ] as const) {
    const old = await everything({ find, until: START + 301 }, 100);
    expect(numbers(old, first)).toEqual(all.filter((n) => n <= 300 && fits(n)));
    expect(await everything({ find, provider: "stripe" }, 100)).toEqual([]);
  }
  const counted = countRows();
  for (const find of ["busy", "busy@example.com", "id3000"])
    await search(counted.db, { find, related: true, limit: 100 }, PROVIDERS);
  expect(counted.read).toBeLessThan(3 * BOUND);
  await db.exec("DELETE FROM events; DELETE FROM transitions");
});

it("with a million events, a page of any list, any search and a step of any replay reads a bounded number of rows", async () => {
  await createTestApp();
  await fill(MANY, {
    provider: "iif(i % 250000 = 1, 'auth0', 'clerk')",
    type: "iif(i % 300000 = 1, 'user.updated', 'user.created')",
    reason: `CASE WHEN i % 200000 = 1 THEN 'link_missing' WHEN i % 20 = 0 THEN 'recorded' WHEN i % 50 = 1 THEN 'duplicate_here' ELSE 'no_click_id' END`,
    receivedAt: `${START} - (${MANY} - i) * 2500`,
    lead: `iif(i % 1000 = 1, json_object('customerExternalId', 'c' || i, 'customerEmail', 'c' || i || '@example.com', 'clickId', 'click' || i), NULL)`,
  });
  const filters: Omit<Search, "limit">[] = [
    {},
    ...STATUS_NAMES.map((status) => ({ status: [status] })),
    ...ALL.map((reason) => ({ reason: [reason] })),
    { reason: ALL.filter((reason) => !["recorded", "no_click_id"].includes(reason)) },
    { provider: "auth0" },
    { provider: "auth0", status: ["rejected"] },
    { type: "user.updated" },
    { type: "nothing" },
    { since: START - DAY },
    { until: START - 20 * DAY },
    { until: START - 20 * DAY, reason: ["link_missing"] },
    { since: START - 21 * DAY, until: START - 20 * DAY, provider: "auth0" },
    { before: 500_000, type: "nothing" },
    ...["c1", "C500001@EXAMPLE.COM", "click900001", "e7", "id7", "nothing"].flatMap((find) => [
      { find },
      { find, related: true },
    ]),
  ];
  const counted = countRows();
  const most: [number, string][] = [];
  for (const filter of filters) {
    counted.read = 0;
    const { rows } = await search(counted.db, { ...filter, limit: 100 }, PROVIDERS);
    most.push([counted.read, `${JSON.stringify(filter)}: ${rows.length}`]);
    if (filter.find !== undefined) continue;
    for (const after of [0, 500_000]) {
      counted.read = 0;
      await find(counted.db, filter, after, 100);
      most.push([counted.read, `replay after ${after}: ${JSON.stringify(filter)}`]);
    }
  }
  expect(most.filter(([read]) => read > BOUND)).toEqual([]);
  expect(most.filter(([, found]) => /"find":"(?!nothing|e7).*: 0$/.test(found))).toEqual([]);
  expect(counted.written).toBe(0);
  for (const sql of new Set(counted.queries)) expect(await scansOf(sql), sql).toEqual([]);
  await db.exec("DELETE FROM events; DELETE FROM transitions");
});
