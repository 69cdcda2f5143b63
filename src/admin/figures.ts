/** Counts of events put together for the overview: by span of time, by provider, and of how many sign-ups the click is known. */
import type { Count } from "../ledger/hours.ts";
import { about, type Reason, type Status, statusOf } from "../states.ts";

/** How many events, by status; and of how many sign-ups, how many have a click id, by the webhook or by click memory. */
export type Figures = {
  events: number;
  statuses: Partial<Record<Status, number>>;
  signUps: number;
  byWebhook: number;
  byMemory: number;
};

/** The figures of a span of time that begins `at` and ends before `until` (milliseconds). */
export type Bucket = Figures & { at: number; until: number };

/** Adds counts up. */
export function figuresOf(counts: Count[]): Figures {
  const figures: Figures = { events: 0, statuses: {}, signUps: 0, byWebhook: 0, byMemory: 0 };
  for (const { reason, events, byMemory } of counts) {
    const status = statusOf(reason);
    const known = hasClick(reason);
    figures.events += events;
    figures.statuses[status] = (figures.statuses[status] ?? 0) + events;
    if (known !== null) figures.signUps += events;
    if (known === true) {
      figures.byWebhook += events - byMemory;
      figures.byMemory += byMemory;
    }
  }
  return figures;
}

/** The figures of each `step` from `since` until `now`, those without events too. */
export function bucketsOf(counts: Count[], since: number, now: number, step: number): Bucket[] {
  return Array.from({ length: Math.floor((now - since) / step) + 1 }, (_, i) => {
    const at = since + i * step;
    return { at, until: at + step, ...figuresOf(counts.filter((one) => one.at === at)) };
  });
}

/** The reasons of events without a click id that could have had one. */
const WITHOUT_CLICK: Reason[] = ["no_click_id", "customer_not_known_yet", "unknown_customer"];

/**
 * Whether an event of a reason is a sign-up, and whether it has a click id; null for what is none, such as a test,
 * or is counted already. A lead without a click id that Dub took, since it knows the customer, counts as one that
 * has it by the webhook.
 */
function hasClick(reason: Reason): boolean | null {
  if (WITHOUT_CLICK.includes(reason)) return false;
  const { status, by } = about(reason);
  return status !== "duplicate" && (by !== "mapping" || reason === "new") ? true : null;
}
