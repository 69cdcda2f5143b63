/** The Worker as Miniflare runs it: its bundle, and what wrangler.toml says. */
import { fork } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { unstable_getMiniflareWorkerOptions } from "wrangler";
import { ROOT } from "../files.ts";
import { UserError } from "../user-error.ts";

const CONFIG = join(ROOT, "wrangler.toml");

type WorkerOptions = ReturnType<typeof unstable_getMiniflareWorkerOptions>["workerOptions"];

/** All that is needed to start the Worker, as plain data. */
export type BuiltWorker = {
  /** Bindings, queue consumer and compatibility date of wrangler.toml. */
  options: Omit<WorkerOptions, "modulesRules" | "bindings">;
  vars: Record<string, string>;
  script: string;
  migrations: { name: string; queries: string[] }[];
};

/**
 * Bundles the Worker and reads wrangler.toml, in a process of its own: wrangler would keep 200 MB of memory otherwise.
 * `.dev.vars` is not read.
 */
export function buildWorker(): Promise<BuiltWorker> {
  return new Promise((resolve, reject) => {
    const child = fork(import.meta.filename);
    child.once("message", resolve);
    child.once("disconnect", () => reject(new UserError("The Worker can't be built.")));
  });
}

async function build(): Promise<BuiltWorker> {
  const { unstable_getMiniflareWorkerOptions, unstable_readConfig, unstable_splitSqlQuery } = await import(
    "wrangler"
  );
  const esbuild = await import("esbuild");
  const config = unstable_readConfig({ config: CONFIG });
  const { workerOptions, main, define } = unstable_getMiniflareWorkerOptions(CONFIG);
  const { modulesRules: _, bindings: _withDevVars, ...options } = workerOptions;
  const { outputFiles } = await esbuild.build({
    entryPoints: [main ?? ""],
    define,
    bundle: true,
    write: false,
    format: "esm",
    target: "es2024",
    // What wrangler gives esbuild for a Worker.
    conditions: ["workerd", "worker", "browser"],
    mainFields: ["browser", "module", "main"],
    external: ["cloudflare:*", "node:*"],
    sourcemap: "inline",
  });
  const folder = join(ROOT, config.d1_databases[0]?.migrations_dir ?? "migrations");
  const migrations = readdirSync(folder).filter((name) => name.endsWith(".sql"));
  return {
    options,
    vars: config.vars as Record<string, string>,
    script: outputFiles[0]?.text ?? "",
    migrations: migrations
      .sort()
      .map((name) => ({ name, queries: unstable_splitSqlQuery(readFileSync(join(folder, name), "utf8")) })),
  };
}

if (import.meta.main) {
  process.send?.(await build(), () => process.exit());
}
