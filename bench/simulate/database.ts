/** A D1 database in this process, over SQLite: thousands of statements a second, without a Worker around it. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import type { D1Database } from "@cloudflare/workers-types";
import { ROOT } from "../../src/dev/files.ts";

const MIGRATIONS = join(ROOT, "src/ledger/migrations");

/** What the Worker uses of D1: prepare, bind, run, all, first, and batch as a transaction. */
export function openDatabase() {
  const sqlite = new DatabaseSync(":memory:");
  for (const file of readdirSync(MIGRATIONS).sort())
    sqlite.exec(readFileSync(join(MIGRATIONS, file), "utf8"));
  const prepared = new Map<string, StatementSync>();
  const statement = (sql: string) => {
    const known = prepared.get(sql) ?? sqlite.prepare(sql);
    prepared.set(sql, known);
    return known;
  };
  const all = (sql: string, values: SQLInputValue[]) => ({
    success: true,
    results: statement(sql).all(...values) as Record<string, unknown>[],
    meta: {},
  });
  const bound = (sql: string, values: SQLInputValue[]) => ({
    sql,
    values,
    bind: (...given: SQLInputValue[]) => bound(sql, given),
    run: async () => all(sql, values),
    all: async () => all(sql, values),
    first: async (column?: string) => {
      const [row] = all(sql, values).results;
      return column === undefined ? (row ?? null) : (row?.[column] ?? null);
    },
  });
  const batch = async (statements: ReturnType<typeof bound>[]) => {
    sqlite.exec("BEGIN");
    try {
      const results = statements.map(({ sql, values }) => all(sql, values));
      sqlite.exec("COMMIT");
      return results;
    } catch (error) {
      sqlite.exec("ROLLBACK");
      throw error;
    }
  };
  const db = { prepare: (sql: string) => bound(sql, []), batch } as unknown as D1Database;
  return {
    db,
    rows: <T>(sql: string, ...values: SQLInputValue[]) => statement(sql).all(...values) as T[],
    close: () => sqlite.close(),
  };
}
