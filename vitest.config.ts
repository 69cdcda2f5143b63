/** Two projects: `worker` runs in the Workers runtime, `dev` in Node. */
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

const migrations = await readD1Migrations(resolve(import.meta.dirname, "src/ledger/migrations"));

export default defineConfig({
  test: {
    silent: "passed-only",
    // Many tests wait for processes: also with two cores, three files at a time.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    projects: [
      {
        logLevel: "error",
        plugins: [
          cloudflareTest({
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: { bindings: { MIGRATIONS: migrations } },
          }),
        ],
        test: {
          name: "worker",
          include: ["test/**/*.test.ts"],
          exclude: ["test/dev/**"],
          setupFiles: ["test/support/setup.ts"],
          testTimeout: 90_000,
        },
      },
      {
        test: {
          name: "dev",
          include: ["test/dev/**/*.test.ts"],
          setupFiles: ["test/dev/support/environment.ts"],
          testTimeout: 300_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
