/** Counts of events put together for the overview: by span of time, by provider, and which sign-ups carried a click id. */
import type { Count } from "../ledger/hours.ts";
import { about, type Reason, type Status, statusOf } from "../states.ts";

/** How many events, by status; and of how many sign-ups, how many carried a click id. */
export type Figures = {
  events: number;
  statuses: Partial<Record<Status, number>>;
  signUps: number;
  withClick: number;
};

/** The figures of a span of time that begins `at` and ends before `until` (milliseconds). */
export type Bucket = Figures & { at: number; until: number };

/** Adds counts up. */
export function figuresOf(counts: Count[]): Figures {
  const figures: Figures = { events: 0, statuses: {}, signUps: 0, withClick: 0 };
  for (const { reason, events } of counts) {
    const status = statusOf(reason);
    const carried = carriedClick(reason);
    figures.events += events;
    figures.statuses[status] = (figures.statuses[status] ?? 0) + events;
    if (carried !== null) figures.signUps += events;
    if (carried === true) figures.withClick += events;
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
 * Whether an event of a reason is a sign-up, and whether it carried a click id; null for what is none, such as a test,
 * or is counted already. A lead without a click id that Dub took, since it knows the customer, counts as one that
 * carried it.
 */
function carriedClick(reason: Reason): boolean | null {
  if (WITHOUT_CLICK.includes(reason)) return false;
  const { status, by } = about(reason);
  return status !== "duplicate" && (by !== "mapping" || reason === "new") ? true : null;
}
