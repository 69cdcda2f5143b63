/** What the Worker's code is given: Cloudflare's bindings, and the dependencies that tests replace. */
import type { D1Database, Queue } from "@cloudflare/workers-types";

/** What wrangler.toml binds. Settings and secrets are strings beside them. */
export type Env = { DB: D1Database; EVENTS: Queue } & Record<string, unknown>;

/** Injected dependencies. Times in milliseconds. `mappings`: the JSON of each mapping file by provider. */
export type Deps = {
  now: () => number;
  sleep: (time: number) => Promise<void>;
  random: () => number;
  fetch: (request: Request) => Promise<Response>;
  mappings: Record<string, unknown>;
};
