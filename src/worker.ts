/** The Worker: fetch, queue and scheduled, wired to the rooms. */
import type { ExecutionContext, MessageBatch } from "@cloudflare/workers-types";
import { Hono } from "hono";
import { mappings } from "../mappings/index.ts";
import { adminApi } from "./admin/api.ts";
import { createAlert, misconfigured } from "./alert.ts";
import type { Deps, Env } from "./context.ts";
import { consume } from "./deliver/consume.ts";
import { createPace } from "./deliver/pace.ts";
import { sweep } from "./deliver/sweep.ts";
import { createIgnoredCounter } from "./ledger/ignored.ts";
import { createRefusalCounter } from "./ledger/refusals.ts";
import { purge } from "./ledger/retention.ts";
import { log } from "./log.ts";
import type { QueueMessage } from "./queue.ts";
import { notFound, webhooks } from "./receive/route.ts";
import { parseSettings, SettingsError } from "./settings.ts";
import { DAY } from "./time.ts";

/** Rows that retention blanks in a minute. */
const PURGE_SLICE = 500;

/** Builds the Worker's handlers over their dependencies: clock, randomness, network and mapping files. */
export function createWorker(deps: Deps) {
  const context = {
    ...deps,
    countRefusal: createRefusalCounter(deps),
    countIgnored: createIgnoredCounter(deps),
    pace: createPace(deps),
    alert: createAlert(deps),
  };
  const app = new Hono<{ Bindings: Env }>();
  app.route("/webhooks", webhooks(context));
  app.route("/api", adminApi(deps));
  app.get("/", (c) => c.text("webhook-to-lead: send webhooks to POST /webhooks/<provider>\n"));
  app.notFound((c) => notFound(c, context));
  app.onError((error, c) => {
    log("error", "unexpected", { message: error.message, at: error.stack?.split("\n")[1]?.trim() });
    return c.json(
      { error: "unexpected", message: "Something unexpected happened. Send it again later." },
      500,
    );
  });

  return {
    fetch: (request: Request, env: Env, ctx: ExecutionContext) => app.fetch(request, env, ctx),
    queue: (batch: MessageBatch<QueueMessage>, env: Env) => consume(batch, env, context),
    scheduled: async (_controller: unknown, env: Env) => {
      await sweep(env, deps);
      try {
        const { RETENTION_DAYS } = parseSettings(env, ["RETENTION_DAYS"]);
        await purge(env.DB, deps.now() - RETENTION_DAYS * DAY, PURGE_SLICE);
      } catch (error) {
        if (!(error instanceof SettingsError)) throw error;
        await context.alert(env, misconfigured(error));
      }
    },
  };
}

export default createWorker({
  now: Date.now,
  sleep: (time) => scheduler.wait(time),
  random: Math.random,
  fetch: (request) => fetch(request),
  mappings,
});
