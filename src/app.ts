/** The Worker's handlers: fetch, queue and scheduled. */
import type { ExecutionContext, MessageBatch } from "@cloudflare/workers-types";
import { Hono } from "hono";
import { adminApi } from "./admin/api.ts";
import { adminPages } from "./admin/pages/routes.tsx";
import { ALERTS, createAlert, ledgerProblem } from "./alert.ts";
import { runChores } from "./chores.ts";
import { clicks } from "./clicks/route.ts";
import { serveScript } from "./clicks/script/serve.ts";
import type { Deps, Env } from "./context.ts";
import { consume } from "./deliver/consume.ts";
import { createPace } from "./deliver/pace.ts";
import { createIgnoredCounter } from "./ledger/ignored.ts";
import { checkLedger } from "./ledger/ready.ts";
import { createRefusalCounter } from "./ledger/refusals.ts";
import { log } from "./log.ts";
import { compileAll } from "./mapping/cache.ts";
import type { QueueMessage } from "./queue.ts";
import { createLedgerHealth } from "./receive/keep.ts";
import { notFound, webhooks } from "./receive/route.ts";
import { dubWebhook } from "./reconcile/webhook.ts";
import { createKeySets } from "./verify/key-sets.ts";

/** Builds the Worker's handlers over their dependencies: clock, randomness, network and mapping files. */
export function createWorker(deps: Deps) {
  const context = {
    ...deps,
    countRefusal: createRefusalCounter(deps),
    countIgnored: createIgnoredCounter(deps),
    pace: createPace(deps),
    alert: createAlert(deps),
    ledgerHealth: createLedgerHealth(),
    keySets: createKeySets(deps),
  };
  compileAll(deps.mappings);
  const app = new Hono<{ Bindings: Env }>();
  app.route("/webhooks", dubWebhook(context));
  app.route("/webhooks", webhooks(context));
  app.route("/clicks", clicks(context));
  app.get("/clicks.js", serveScript);
  app.route("/api", adminApi(context));
  app.route("/admin", adminPages(context));
  app.get("/", async (c) => {
    const problem = await checkLedger(c.env.DB).then(
      () => null,
      (error: Error) => ledgerProblem(error.message),
    );
    if (problem === null) return c.text("webhook-to-lead: send webhooks to POST /webhooks/<provider>\n");
    const { means, todo } = ALERTS[problem];
    return c.text(`webhook-to-lead: ${means}.\nWhat to do: ${todo}.\n`, 503);
  });
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
    scheduled: (_controller: unknown, env: Env) => runChores(env, context),
  };
}
