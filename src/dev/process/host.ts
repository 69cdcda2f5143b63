/** Runs the Worker in Miniflare until the process is ended. `worker.ts` starts it, sends the options and gets the address. */
import { join } from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import type { BuiltWorker } from "./build.ts";
import { takePort } from "./port.ts";

/** What the host is sent, once. `ports`: those to try in order; 0 stands for any that is free. */
export type HostOptions = {
  worker: BuiltWorker;
  state: string;
  settings: Record<string, string>;
  ports: number[];
};
/** What it answers when the Worker is ready. */
export type HostMessage = { url: string };

async function run({ ports, ...options }: HostOptions): Promise<HostMessage> {
  for (const [i, port] of ports.entries()) {
    const last = i === ports.length - 1;
    const release = port === 0 ? () => {} : await takePort(port);
    if (!last && !release) continue;
    try {
      return await start(options, port);
    } catch (error) {
      // Another process was faster.
      if (last || (error as { code?: string }).code !== "ERR_ADDRESS_IN_USE") throw error;
    } finally {
      release?.();
    }
  }
  throw new Error("no port to try");
}

async function start(given: Omit<HostOptions, "ports">, port: number): Promise<HostMessage> {
  const { options, vars, script, migrations } = given.worker;
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: "localhost",
      port,
      cf: false,
      log: new Log(LogLevel.WARN),
      handleStructuredLogs: ({ message }) => console.log(message),
      resourcePersistencePath: join(given.state, "v3"),
      unsafeTriggerHandlers: true,
      workers: [
        {
          ...options,
          bindings: { ...vars, ...given.settings },
          modules: [{ type: "ESModule", path: "worker.js", contents: script }],
        },
      ],
    }),
  );
  try {
    const { origin } = await miniflare.ready;
    await migrate(await miniflare.getD1Database("DB"), migrations);
    return { url: origin };
  } catch (error) {
    await miniflare.dispose().catch(() => {});
    throw error;
  }
}

type Database = Awaited<ReturnType<Miniflare["getD1Database"]>>;

/** Applies the migrations that the database lacks, and notes them where wrangler does. */
async function migrate(db: Database, migrations: BuiltWorker["migrations"]): Promise<void> {
  await db
    .prepare(
      `CREATE TABLE IF NOT EXISTS d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE,
       applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)`,
    )
    .run();
  const { results } = await db.prepare("SELECT name FROM d1_migrations").all<{ name: string }>();
  const applied = new Set(results.map(({ name }) => name));
  for (const { name, queries } of migrations.filter((one) => !applied.has(one.name)))
    await db.batch([
      ...queries.map((query) => db.prepare(query)),
      db.prepare("INSERT INTO d1_migrations (name) VALUES (?)").bind(name),
    ]);
}

process.once("message", async (options: HostOptions) => {
  try {
    process.send?.(await run(options));
  } catch (error) {
    console.error((error as Error).message);
    process.exit(1);
  }
});
