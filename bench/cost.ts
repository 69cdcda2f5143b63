/**
 * `npm run cost`: what a lead costs on Cloudflare, and what each plan carries. The Worker's handlers run in Node on a
 * local D1 database, which counts the rows read and written. A queue message counts as Cloudflare bills it: a write, a
 * read and a delete for each 64 KB.
 */
import { join } from "node:path";
import { readD1Migrations } from "@cloudflare/vitest-plugin";
import type { D1Database, D1PreparedStatement, D1Result } from "@cloudflare/workers-types";
import { getPlatformProxy } from "wrangler";
import { shipped } from "../mappings/index.ts";
import type { Env } from "../src/context.ts";
import { command, exitWith, run as runCommand } from "../src/dev/command.ts";
import { ROOT, readSample } from "../src/dev/files.ts";
import { localSecret, sampleBody, sign } from "../src/dev/samples/sign.ts";
import { createDubStandIn, LOCAL_KEY } from "../src/dev/stand-in/dub.ts";
import type { Fault } from "../src/dev/stand-in/faults.ts";
import { MappingFile } from "../src/mapping/schema.ts";
import type { QueueMessage } from "../src/queue.ts";
import { DAY, MINUTE } from "../src/time.ts";
import { loadApp } from "./app.ts";
import { markdown } from "./figures.ts";

type Cost = { requests: number; rowsWritten: number; rowsRead: number; queueOperations: number };

/** Quotas a day (developers.cloudflare.com: Workers, D1 and Queues limits and pricing, November 2026). */
const FREE: Cost = { requests: 100_000, rowsWritten: 100_000, rowsRead: 5_000_000, queueOperations: 10_000 };
const COLUMNS: [keyof Cost, string][] = [
  ["requests", "requests"],
  ["rowsWritten", "D1 rows written"],
  ["rowsRead", "D1 rows read"],
  ["queueOperations", "queue operations"],
];
const CLICKS_TOKEN = "the-token-of-the-site-for-clicks";
/** Events of each kind that a figure is the mean of. */
const EVENTS = 20;

/** The Worker with a ledger that counts and a queue that is delivered at once. `clock` is set by the caller. */
async function open() {
  const cost: Cost = { requests: 0, rowsWritten: 0, rowsRead: 0, queueOperations: 0 };
  const count = <T extends D1Result>(result: T): T => {
    cost.rowsRead += result.meta.rows_read ?? 0;
    cost.rowsWritten += result.meta.rows_written ?? 0;
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
  const { DB } = platform.env;
  for (const { queries } of await readD1Migrations(join(ROOT, "src/ledger/migrations")))
    await DB.batch(queries.map((query) => DB.prepare(query)));

  const clock = { now: Date.UTC(2026, 2, 10, 12) };
  const faults: Fault[] = [];
  const dub = createDubStandIn({
    now: () => clock.now,
    limit: Number.POSITIVE_INFINITY,
    fault: ({ phase }) => (phase === "record" ? faults.shift() : undefined),
  });
  const messages: { body: QueueMessage; due: number }[] = [];
  const env = {
    DB: {
      prepare: (sql: string) => counted(DB.prepare(sql)),
      batch: async (statements: D1PreparedStatement[]) => {
        const own = statements.flatMap((statement) => originals.get(statement) ?? []);
        return (await DB.batch(own)).map(count);
      },
    },
    EVENTS: {
      sendBatch: async (sent: Iterable<{ body: QueueMessage }>, { delaySeconds = 0 } = {}) => {
        for (const { body } of sent) {
          cost.queueOperations += 3 * Math.ceil(JSON.stringify(body).length / 64_000);
          messages.push({ body, due: clock.now + delaySeconds * 1000 });
        }
      },
    },
    DUB_API_KEY: LOCAL_KEY,
    CLERK_WEBHOOK_SECRET: localSecret("clerk", clerk.verify),
    CLICKS_TOKEN,
  } as unknown as Env;
  const { createWorker } = await loadApp();
  const worker = createWorker({
    now: () => clock.now,
    sleep: async (time) => {
      clock.now += time;
    },
    random: () => 0,
    fetch: async (request) => {
      try {
        return await dub.app.fetch(request);
      } catch {
        throw new TypeError("Network connection lost.");
      }
    },
    mappings: shipped,
  });

  const deliver = async () => {
    for (;;) {
      const due = messages.filter((one) => one.due <= clock.now).slice(0, 20);
      if (due.length === 0) return;
      for (const one of due) messages.splice(messages.indexOf(one), 1);
      cost.requests++;
      const batch = { queue: "webhook-to-lead", messages: due.map((one) => ({ ...one, attempts: 1 })) };
      await worker.queue(batch as unknown as Parameters<typeof worker.queue>[0], env);
    }
  };
  const call = async (request: Request) => {
    cost.requests++;
    const waiting: Promise<unknown>[] = [];
    const context = { waitUntil: (work: Promise<unknown>) => waiting.push(work) };
    const response = await worker.fetch(request, env, context as never);
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
    await Promise.all(waiting);
  };
  return {
    cost,
    clock,
    faults,
    close: () => platform.dispose(),
    /** Sends a sign-up at Clerk. */
    async send(user: string, clickId: string | null) {
      const sample = readSample("clerk");
      const { data } = sample.webhook as { data: object };
      Object.assign(data, { id: user, unsafe_metadata: clickId === null ? {} : { dubClickId: clickId } });
      const body = sampleBody(sample);
      const url = "https://leads.example/webhooks/clerk";
      const id = `msg_${crypto.randomUUID()}`;
      const secret = String(env.CLERK_WEBHOOK_SECRET);
      const headers = await sign(clerk.verify, { provider: "clerk", secret, url, body, id, now: clock.now });
      await call(new Request(url, { method: "POST", headers, body }));
    },
    /** Tells a customer's click, as the site's server. */
    tell: (customerExternalId: string, clickId: string) =>
      call(
        new Request("https://leads.example/clicks", {
          method: "POST",
          headers: { authorization: `Bearer ${CLICKS_TOKEN}` },
          body: JSON.stringify({ clickId, customerExternalId, clickedAt: clock.now - DAY }),
        }),
      ),
    deliver,
    /** Lets time pass with cron each minute. */
    async pass(time: number) {
      for (const end = clock.now + time; clock.now < end; clock.now += MINUTE) {
        cost.requests++;
        await worker.scheduled({}, env);
        await deliver();
      }
    },
  };
}

const clerk = MappingFile.parse(shipped.clerk);
type Run = Awaited<ReturnType<typeof open>>;
const click = (i: number) => `Click${String(i).padStart(11, "0")}`;

const KINDS: [name: string, run: (app: Run, i: number) => Promise<void>][] = [
  [
    "a lead",
    async (app, i) => {
      await app.send(`lead_${i}`, click(i));
      await app.deliver();
    },
  ],
  [
    "a lead whose answer was lost once",
    async (app, i) => {
      app.faults.push("reset_after");
      await app.send(`lost_${i}`, click(EVENTS + i));
      await app.deliver();
      app.clock.now += MINUTE;
      await app.pass(MINUTE);
      // Cron runs anyway.
      app.cost.requests--;
    },
  ],
  ["a click that is told, of a customer without a sign-up", (app, i) => app.tell(`told_${i}`, click(i))],
  [
    "a lead by a click that is told",
    async (app, i) => {
      await app.send(`memory_${i}`, null);
      await app.tell(`memory_${i}`, click(3 * EVENTS + i));
      await app.pass(MINUTE);
      // Cron runs anyway.
      app.cost.requests--;
    },
  ],
  ["a duplicate", async (app, i) => app.send(`lead_${i}`, click(i)).then(app.deliver)],
  ["a sign-up without a click id", async (app, i) => app.send(`organic_${i}`, null).then(app.deliver)],
];

async function measure(): Promise<number> {
  console.info = console.warn = () => {};
  const app = await open();
  try {
    const spend = async (use: () => Promise<void>, times: number): Promise<Cost> => {
      const before = { ...app.cost };
      await use();
      const each = COLUMNS.map(([key]) => [key, (app.cost[key] - before[key]) / times]);
      return Object.fromEntries(each) as Cost;
    };
    await app.send("first", click(2 * EVENTS));
    await app.pass(2 * MINUTE);
    const rows: [string, Cost][] = [];
    for (const [name, run] of KINDS)
      rows.push([
        name,
        await spend(async () => {
          for (let i = 0; i < EVENTS; i++) await run(app, i);
        }, EVENTS),
      ]);
    const idle = await spend(() => app.pass(60 * MINUTE), 60);
    const day = Object.fromEntries(COLUMNS.map(([key]) => [key, idle[key] * (DAY / MINUTE)])) as Cost;
    rows.push(["a day without any webhook", day]);
    const shown = (value: number) => (Number.isInteger(value) ? String(value) : value.toFixed(1));
    console.log(
      markdown(
        ["", ...COLUMNS.map(([, title]) => title)],
        rows.map(([name, cost]) => [name, ...COLUMNS.map(([key]) => shown(cost[key]))]),
      ),
    );
    const lead = rows[0]?.[1] as Cost;
    const carried = COLUMNS.map(([key]) => Math.floor((FREE[key] - day[key]) / lead[key]));
    console.log(
      `\nA Free account carries ${Math.min(...carried)} leads a day: ${COLUMNS.map(([, title], i) => `${title} ${carried[i]}`).join(", ")}.`,
    );
    return 0;
  } finally {
    await app.close();
  }
}

export const program = command(
  "cost",
  "Measures what a lead costs on Cloudflare, and what each plan can carry.",
).action(exitWith(measure));

if (import.meta.main) void runCommand(program);
