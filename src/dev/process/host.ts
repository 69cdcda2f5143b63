/** Runs the Worker in Miniflare until the process is ended. `worker.ts` starts it, sends the options and gets the address. */
import { join } from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import type { BuiltWorker } from "./build.ts";

/** What the host is sent, once. `port`: 0 stands for any that is free. */
export type HostOptions = {
  worker: BuiltWorker;
  state: string;
  settings: Record<string, string>;
  port: number;
};
/** What it answers when the Worker is ready. */
export type HostMessage = { url: string };

async function run({ worker, state, settings, port }: HostOptions): Promise<HostMessage> {
  const { options, vars, script, migrations } = worker;
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: "localhost",
      port,
      cf: false,
      log: new Log(LogLevel.WARN),
      handleStructuredLogs: ({ message }) => console.log(message),
      resourcePersistencePath: join(state, "v3"),
      unsafeTriggerHandlers: true,
      workers: [
        {
          ...options,
          bindings: { ...vars, ...settings },
          modules: [{ type: "ESModule", path: "worker.js", contents: script }],
        },
      ],
    }),
  );
  const { origin } = await miniflare.ready;
  await migrate(await miniflare.getD1Database("DB"), migrations);
  return { url: origin };
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
