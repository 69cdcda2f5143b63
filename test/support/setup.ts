/** Migrates the database of a test file, and checks after each test that every change of state is one of the table. */
import { applyD1Migrations, type D1Migration, env } from "cloudflare:test";
import { afterEach, expect } from "vitest";
import { TRANSITIONS } from "../../src/transitions.ts";

const { DB, MIGRATIONS } = env as unknown as { DB: D1Database; MIGRATIONS: D1Migration[] };
await applyD1Migrations(DB, MIGRATIONS);
await DB.batch(
  [
    "CREATE TABLE IF NOT EXISTS transitions (before TEXT, after TEXT, UNIQUE (before, after))",
    `CREATE TRIGGER IF NOT EXISTS inserted AFTER INSERT ON events
     BEGIN INSERT OR IGNORE INTO transitions VALUES ('(new)', new.reason); END`,
    `CREATE TRIGGER IF NOT EXISTS updated AFTER UPDATE OF reason ON events WHEN old.reason <> new.reason
     BEGIN INSERT OR IGNORE INTO transitions VALUES (old.reason, new.reason); END`,
  ].map((sql) => DB.prepare(sql)),
);

const allowed = new Set(
  TRANSITIONS.flatMap(({ from, to }) =>
    from.flatMap((before) => to.map((after) => `${before ?? "(new)"} → ${after}`)),
  ),
);

afterEach(async () => {
  const { results } = await DB.prepare("SELECT before, after FROM transitions").all<{
    before: string;
    after: string;
  }>();
  const others = results
    .map(({ before, after }) => `${before} → ${after}`)
    .filter((one) => !allowed.has(one));
  expect(others, "changes of state that src/transitions.ts does not know").toEqual([]);
});
