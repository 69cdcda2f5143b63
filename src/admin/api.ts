/** The admin API: its lock, the routes that change events, and its errors. */
import { Hono } from "hono";
import { ALERTS, type Alert, ledgerProblem } from "../alert.ts";
import type { Deps, Env } from "../context.ts";
import { log } from "../log.ts";
import { MappingError } from "../mapping/compile.ts";
import { endOne, LEFT, replay, replayOne } from "../replay/replay.ts";
import { SettingsError } from "../settings.ts";
import { locked } from "./auth.ts";
import { daysRoute } from "./days.ts";
import { eventRoutes, unknownEvent } from "./events.ts";
import { badFilter, REPLAY_FIELDS, REPLAY_FILTERS, readFields, readObject } from "./fields.ts";
import { forgetRoute } from "./forget.ts";
import { hoursRoute } from "./hours.ts";
import type { Ended, Replayed, ReplaySlice } from "./schema.ts";
import { statusRoute } from "./status.ts";
import { workbenchRoute } from "./workbench.ts";

/** The routes under `/api`. */
export function adminApi(deps: Deps & { alert: Alert }) {
  const api = new Hono<{ Bindings: Env }>();
  api.use(locked);
  api.route("/", eventRoutes(deps));
  api.route("/", statusRoute(deps));
  api.route("/", hoursRoute(deps));
  api.route("/", daysRoute());
  api.route("/", workbenchRoute(deps));
  api.route("/", forgetRoute(deps));

  api.post("/events/:id/replay", async (c) => {
    const id = c.req.param("id");
    const done = await replayOne(c.env, deps, id);
    if (!done) return unknownEvent(c, id);
    if ("why" in done) return c.json({ error: done.why, message: LEFT[done.why], was: done.was }, 409);
    log("info", "replay", { event: id, reason: done.was.reason, became: done.became[0]?.reason });
    return c.json(done satisfies Replayed);
  });

  api.post("/events/:id/end", async (c) => {
    const id = c.req.param("id");
    const ended = await endOne(c.env, deps, id);
    if (ended === null) return unknownEvent(c, id);
    if (!ended)
      return c.json({ error: "not_pending", message: "It is not pending, or is being delivered now." }, 409);
    log("info", "ended", { event: id });
    return c.json({ became: [{ status: "failed", reason: "ended_by_operator" }] } satisfies Ended);
  });

  api.post("/replay", async (c) => {
    const body = await readObject(c);
    if (!body) return badFilter(c, ['Send a JSON object such as {"status": "failed", "dryRun": true}']);
    const { value, wrong } = readFields(body, REPLAY_FIELDS, Object.keys(deps.mappings));
    if (!REPLAY_FILTERS.some((name) => value[name] !== undefined))
      wrong.push("say which events: by status, reason, provider, type, since or until");
    if (wrong.length > 0) return badFilter(c, wrong);
    const { dryRun = false, after = 0, leadKeys = [], ...filter } = value;
    const slice = await replay(c.env, deps, filter, { dryRun, after, leadKeys });
    log("info", "replay", { events: slice.events, dryRun });
    return c.json(slice satisfies ReplaySlice);
  });

  api.onError((error, c) => {
    if (/D1_ERROR/.test(error.message)) {
      const problem = ledgerProblem(error.message);
      const { means, todo } = ALERTS[problem];
      log("error", problem, { during: "admin", message: error.message });
      return c.json({ error: problem, message: `${means}. What to do: ${todo}.` }, 503);
    }
    if (!(error instanceof MappingError || error instanceof SettingsError)) throw error;
    log("error", "misconfigured", { message: error.message });
    return c.json({ error: "misconfigured", message: error.message }, 503);
  });
  return api;
}
