/** Which rows a text finds: by what a person or an event is known by, each by its own index. */
import type { D1Database } from "@cloudflare/workers-types";
import { hash } from "../hash.ts";
import { MAX_NUMBERS, type Part } from "./part.ts";

/** Events of one click or person that one page looks at, the newest; and customers, and e-mail addresses, of one click. */
const MAX_HITS = 500;
const MAX_PERSONS = 20;

/** SQL: numbers of the newest rows below another one. */
const newest = (where: string, below: string) =>
  `SELECT n FROM (SELECT rowid AS n FROM events WHERE ${where} AND rowid < ${below} ORDER BY rowid DESC LIMIT ${MAX_HITS})`;
/** SQL: numbers of the rows that a text finds, a query for each index. */
const ways = (below: string) => [
  `SELECT rowid AS n FROM events WHERE id IN (SELECT value FROM json_each(?1)) AND rowid < ${below}`,
  newest("customer_id = ?2", below),
  newest("email = lower(?2)", below),
  newest("click_id = ?2", below),
];
/** SQL: a list of numbers for each of them. */
const HITS = ways("?3")
  .map((rows) => `SELECT json_group_array(n) AS numbers FROM (${rows})`)
  .join(" UNION ALL ");
/** SQL: a list of the numbers of each of those whom `found` names in a column. */
const of = (column: string) => `
SELECT (SELECT json_group_array(n) FROM (${newest(`${column} = p.one`, "?3")})) AS numbers
FROM (SELECT DISTINCT ${column} AS one FROM found WHERE ${column} IS NOT NULL LIMIT ${MAX_PERSONS}) p`;
const RELATED = `
WITH found AS MATERIALIZED (SELECT customer_id, email FROM events WHERE rowid IN (${ways(`${Number.MAX_SAFE_INTEGER}`).join(" UNION ")}))
${of("customer_id")} UNION ALL ${of("email")}`;

/** The rows below `before` that a text finds, as far as one page looks. `providers`: those whose event ids it may be. */
export async function hitsOf(
  db: D1Database,
  providers: string[],
  find: string,
  related: boolean,
  before: number,
): Promise<Part> {
  const ids = [find, ...(await Promise.all(providers.map((name) => hash(name, find))))];
  const bound = (sql: string) => db.prepare(sql).bind(JSON.stringify(ids), find, before);
  const results = await db.batch<{ numbers: string }>([bound(HITS), ...(related ? [bound(RELATED)] : [])]);
  const lists = results.flatMap((one) => one.results.map(({ numbers }) => JSON.parse(numbers) as number[]));
  // Of a list that is full, there can be more numbers below its last one.
  const full = lists.filter(({ length }) => length >= MAX_HITS).map((list) => Math.min(...list));
  const all = [...new Set(lists.flat())].sort((a, b) => b - a);
  const low = Math.max(0, ...full, all[MAX_NUMBERS - 1] ?? 0);
  return { low, high: before, numbers: all.filter((n) => n >= low), next: low || null };
}
