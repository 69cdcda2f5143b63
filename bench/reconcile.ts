/**
 * `npm run reconcile`: days of 10,000 and 100,000 leads, with differences of each kind planted, are compared with the list
 * of the stand-in for Dub. The Worker's cron runs in Node on a local D1 database, which counts rows. Exit code 1: a
 * difference was not found, or something else was found.
 */
import { join } from "node:path";
import { readD1Migrations } from "@cloudflare/vitest-plugin";
import type { D1Database, D1PreparedStatement, D1Result } from "@cloudflare/workers-types";
import { getPlatformProxy } from "wrangler";
import { shipped } from "../mappings/index.ts";
import type { Env } from "../src/context.ts";
import { command, exitWith, run as runCommand } from "../src/dev/command.ts";
import { ROOT } from "../src/dev/files.ts";
import { createDubStandIn, LOCAL_KEY } from "../src/dev/stand-in/dub.ts";
import { DAY, HOUR, MINUTE } from "../src/time.ts";
import { plant, put } from "../test/reconcile/planted.ts";
import { loadApp } from "./app.ts";
import { markdown } from "./figures.ts";

const YESTERDAY = Date.UTC(2026, 2, 9);

type Found = { kind: string; planted: number; found: number };

/** Compares one planted day; answers what was found of each kind, and what it cost. */
async function compare(leads: number) {
  const rows = { read: 0, written: 0 };
  const count = <T extends D1Result>(result: T): T => {
    rows.read += result.meta.rows_read ?? 0;
    rows.written += result.meta.rows_written ?? 0;
    return result;
  };
  const originals = new WeakMap<object, D1PreparedStatement>();
  const counted = (statement: D1PreparedStatement): D1PreparedStatement => {
    const proxy = {
      bind: (...values: unknown[]) => counted(statement.bind(...values)),
      run: async () => count(await statement.run()),
      all: async () => count(await statement.all()),
      first: async (column?: string) => {
        const [row] = count(await statement.all<Record<string, unknown>>()).results;
        return column === undefined ? (row ?? null) : (row?.[column] ?? null);
      },
    } as unknown as D1PreparedStatement;
    originals.set(proxy, statement);
    return proxy;
  };
  const platform = await getPlatformProxy<{ DB: D1Database }>({ persist: false });
  try {
    const { DB } = platform.env;
    for (const { queries } of await readD1Migrations(join(ROOT, "src/ledger/migrations")))
      await DB.batch(queries.map((query) => DB.prepare(query)));
    const clock = { now: YESTERDAY + DAY + 6 * HOUR };
    const dub = createDubStandIn({ now: () => clock.now });
    const planted = plant(leads, YESTERDAY, 1);
    await put(DB, dub, planted);
    const env = {
      DB: {
        prepare: (sql: string) => counted(DB.prepare(sql)),
        batch: async (statements: D1PreparedStatement[]) =>
          (await DB.batch(statements.flatMap((one) => originals.get(one) ?? []))).map(count),
      },
      EVENTS: { sendBatch: async () => {} },
      DUB_API_KEY: LOCAL_KEY,
    } as unknown as Env;
    const { createWorker } = await loadApp();
    const worker = createWorker({
      now: () => clock.now,
      sleep: async (time) => {
        clock.now += time;
      },
      random: () => 0,
      fetch: async (request) => dub.app.fetch(request),
      mappings: shipped,
    });
    const day = () =>
      DB.prepare("SELECT * FROM days WHERE day = ?1")
        .bind(YESTERDAY)
        .first<Record<string, number | string>>();
    let minutes = 0;
    for (let done = false; !done && minutes < 10_000; minutes++) {
      await worker.scheduled({}, env);
      clock.now += MINUTE;
      done = Boolean((await day())?.done_at);
    }
    const result = (await day()) ?? {};
    const sum = (json: unknown) =>
      Object.values(JSON.parse(String(json ?? "{}")) as Record<string, number>).reduce((a, b) => a + b, 0);
    const { by } = planted;
    const found: Found[] = [
      { kind: "missing at Dub", planted: by.lost.length, found: Number(result.missing) },
      { kind: "link deleted", planted: by.linkDeleted.length, found: Number(result.link_deleted) },
      {
        kind: "customer deleted",
        planted: by.customerDeleted.length,
        found: Number(result.customer_deleted),
      },
      { kind: "another click", planted: by.otherClick.length, found: Number(result.other_click) },
      { kind: "counted twice", planted: by.twice.length, found: sum(result.twice) },
      {
        kind: "in doubt here, listed",
        planted: by.stuck.length + by.lostAnswer.length,
        found: Number(result.settled),
      },
      { kind: "skipped here, listed", planted: by.skipped.length, found: Number(result.elsewhere) },
      { kind: "other senders", planted: by.elsewhere.length, found: sum(result.others) },
      { kind: "unclear (none is planted)", planted: 0, found: Number(result.unclear) },
      { kind: "calls to POST /track/lead", planted: 0, found: dub.calls.length },
    ];
    const calls = (path: string) => dub.lists.filter((one) => one === path).length;
    const asked = calls("/customers");
    const pages = Number(result.page);
    return { leads, found, result, pages, asked, calls: dub.lists.length, minutes, rows };
  } finally {
    await platform.dispose();
  }
}

async function compareAll(): Promise<number> {
  // The Worker's log lines.
  for (const level of ["info", "warn", "error"] as const) console[level] = () => {};
  let right = true;
  for (const leads of [10_000, 100_000]) {
    const { found, result, pages, asked, calls, minutes, rows } = await compare(leads);
    console.log(
      `\n${leads.toLocaleString("en")} leads: ${result.present} of ${result.delivered} are at Dub.\n`,
    );
    console.log(
      markdown(
        ["difference", "planted", "found"],
        found.map((one) => [one.kind, one.planted, one.found]),
      ),
    );
    console.log(
      `\n${calls} calls: 1 for the number, ${pages} pages, ${calls - 1 - pages} for ${asked} leads asked one by one. ` +
        `${minutes} minutes of cron. D1 rows: ${rows.written} written, ${rows.read} read.`,
    );
    right &&= found.every((one) => one.planted === one.found);
  }
  return right ? 0 : 1;
}

export const program = command(
  "reconcile",
  "Compares planted days of 10,000 and 100,000 leads with the list of the stand-in for Dub.",
  { 1: "a planted difference was not found, or one that is none was" },
).action(exitWith(compareAll));

if (import.meta.main) void runCommand(program);
