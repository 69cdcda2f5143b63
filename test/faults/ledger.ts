/** The local D1 database of a Worker: what is in it, and time passing over it. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { LOCK_TIMEOUT, SOON } from "./limits.ts";

export type Row = {
  id: string;
  provider: string;
  status: string;
  reason: string;
  next_attempt_at: number | null;
};

/** Columns that hold a time, by their names. */
const TIME = /^(at|until|.+_(at|until|since))$/;

function withDatabase<T>(state: string, readOnly: boolean, use: (db: DatabaseSync) => T): T {
  const folder = join(state, "v3/d1/miniflare-D1DatabaseObject");
  const file = readdirSync(folder).find((name) => name.endsWith(".sqlite") && name !== "metadata.sqlite");
  const db = new DatabaseSync(join(folder, file ?? ""), { readOnly, timeout: LOCK_TIMEOUT });
  try {
    return use(db);
  } finally {
    db.close();
  }
}

export function rowsOf(state: string): Row[] {
  return withDatabase(
    state,
    true,
    (db) =>
      db
        .prepare("SELECT id, provider, status, reason, next_attempt_at FROM events")
        .all() as unknown as Row[],
  );
}

/** Whether something is being delivered, or is due within the client's time-out and is not held up by a pause. */
export function isBusy(state: string): boolean {
  const busy = `SELECT 1 FROM events WHERE status = 'pending' AND (lease_until > ?1
    OR next_attempt_at < ?1 + ${SOON} AND NOT EXISTS (SELECT 1 FROM pauses WHERE until > ?1 + ${SOON})) LIMIT 1`;
  return withDatabase(state, true, (db) => db.prepare(busy).get(Date.now()) !== undefined);
}

/** Makes everything in the ledger older by `time` milliseconds, as if so much had passed. The Worker must not run. */
export function age(state: string, time: number): void {
  withDatabase(state, false, (db) => {
    const columns = db
      .prepare(
        `SELECT m.name AS "table", c.name AS "column" FROM sqlite_master m, pragma_table_info(m.name) c
         WHERE m.type = 'table' AND m.sql LIKE 'CREATE TABLE%' AND c.type = 'INTEGER'`,
      )
      .all() as { table: string; column: string }[];
    for (const { table, column } of columns)
      if (TIME.test(column)) db.exec(`UPDATE "${table}" SET "${column}" = "${column}" - ${time}`);
  });
}
