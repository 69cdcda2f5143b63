/** `GET /api/hours`: events by the hour, provider and reason. */
import { Hono } from "hono";
import type { Deps, Env } from "../context.ts";
import { type Counts, countHours } from "../ledger/hours.ts";
import { statusOf } from "../states.ts";
import { DAY, HOUR } from "../time.ts";
import { iso } from "./checks.ts";
import { fieldsOfQuery } from "./events.ts";
import { badFilter, readFields } from "./fields.ts";

/** Since a full hour; without one, the hour that goes on and the 23 before it. Older sums than 90 days there are none. */
export function hoursRoute({ now, mappings }: Pick<Deps, "now" | "mappings">) {
  const route = new Hono<{ Bindings: Env }>();
  route.get("/hours", async (c) => {
    const { value, wrong } = readFields(
      fieldsOfQuery(c.req.queries()),
      ["since"] as const,
      Object.keys(mappings),
    );
    if (wrong.length > 0) return badFilter(c, wrong);
    const since = value.since ?? now() - DAY + HOUR;
    const { counts, summedUntil, complete }: Counts = await countHours(
      c.env.DB,
      since - (since % HOUR),
      HOUR,
    );
    return c.json({
      hours: counts.map(({ at, provider, reason, events, byMemory }) => ({
        hour: iso(at),
        provider,
        status: statusOf(reason),
        reason,
        events,
        byMemory,
      })),
      summedUntil: summedUntil === null ? null : iso(summedUntil),
      complete,
    });
  });
  return route;
}
