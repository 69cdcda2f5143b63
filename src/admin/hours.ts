/** `GET /api/hours`: events by the hour, provider and reason; and what counts as a sign-up. */
import { Hono } from "hono";
import type { Deps, Env } from "../context.ts";
import { type Counts, countHours } from "../ledger/hours.ts";
import { about, type Reason, statusOf } from "../states.ts";
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
      hours: counts.map(({ at, provider, reason, events }) => ({
        hour: iso(at),
        provider,
        status: statusOf(reason),
        reason,
        events,
      })),
      summedUntil: summedUntil === null ? null : iso(summedUntil),
      complete,
    });
  });
  return route;
}

/** The reasons of events without a click id that could have had one. */
const WITHOUT_CLICK: Reason[] = ["no_click_id", "customer_not_known_yet", "unknown_customer"];

/**
 * Whether an event of a reason is a sign-up, and whether it carried a click id; null for what is none, such as a test,
 * or what has been counted already. A lead without a click id that Dub took, since it knows the customer, counts as
 * one that carried it.
 */
export function carriedClick(reason: Reason): boolean | null {
  if (WITHOUT_CLICK.includes(reason)) return false;
  const { status, by } = about(reason);
  return status !== "duplicate" && (by !== "mapping" || reason === "new") ? true : null;
}
