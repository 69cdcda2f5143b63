/** A database that counts the rows that its queries read and write, and can tell how SQLite runs them. */
import { db } from "./app.ts";

type Statement = D1PreparedStatement & { sql: string };

/** `queries`: the SQL of each statement that was run. */
export type Counted = { db: D1Database; read: number; written: number; queries: string[] };

export function countRows(): Counted {
  const counted: Counted = { db: undefined as unknown as D1Database, read: 0, written: 0, queries: [] };
  const originals = new WeakMap<object, Statement>();
  const count = <T extends D1Result>(result: T, sql: string): T => {
    counted.read += result.meta.rows_read;
    counted.written += result.meta.rows_written;
    counted.queries.push(sql);
    return result;
  };
  const wrap = (statement: D1PreparedStatement, sql: string): D1PreparedStatement => {
    const wrapped = {
      bind: (...values: unknown[]) => wrap(statement.bind(...values), sql),
      run: async () => count(await statement.run(), sql),
      all: async () => count(await statement.all(), sql),
      first: async (column?: string) => {
        const [row] = count(await statement.all<Record<string, unknown>>(), sql).results;
        return column === undefined ? (row ?? null) : (row?.[column] ?? null);
      },
    } as unknown as D1PreparedStatement;
    originals.set(wrapped, Object.assign(statement, { sql }));
    return wrapped;
  };
  counted.db = {
    prepare: (sql: string) => wrap(db.prepare(sql), sql),
    batch: async (statements: D1PreparedStatement[]) => {
      const own = statements.map((one) => originals.get(one) as Statement);
      return (await db.batch(own)).map((result, i) => count(result, own[i]?.sql ?? ""));
    },
  } as unknown as D1Database;
  return counted;
}

/** How SQLite runs a query: the lines of EXPLAIN QUERY PLAN. */
export async function planOf(sql: string): Promise<string[]> {
  const numbers = [...sql.matchAll(/\?(\d+)/g)].map(([, n]) => Number(n));
  const { results } = await db
    .prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .bind(...Array(Math.max(0, ...numbers)).fill(null))
    .all<{ detail: string }>();
  return results.map(({ detail }) => detail);
}

/** Lines of it that read a whole table or index of the ledger, in a query without a limit. */
export async function scansOf(sql: string): Promise<string[]> {
  if (/LIMIT \d+\s*$/.test(sql)) return [];
  return (await planOf(sql)).filter((one) =>
    /^SCAN (events|clicks|attempts|[aceho])\b(?!.* VIRTUAL)/.test(one),
  );
}
