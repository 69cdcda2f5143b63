/** The events of a webhook's answer, as commands show them. */
import type { EventAnswer } from "../receive/answer.ts";
import { REASONS, type Reason } from "../states.ts";

/** `means` and `todo` are those of the reason; `link` is the credited one. */
export type ShownEvent = {
  id?: string;
  type: string | null;
  status: string;
  reason?: string;
  redelivery?: true;
  means: string;
  todo?: string;
  link?: string | undefined;
};

export const EVENT_COLUMNS = ["provider", "event", "became", ""];

export function shownEvent(event: EventAnswer): ShownEvent {
  if (!("reason" in event)) return { ...event, means: "no rule of the mapping file takes it" };
  return { ...event, ...wordsOf(event.reason) };
}

/** What a reason means and what to do. */
export function wordsOf(reason: Reason): { means: string; todo: string } {
  const { means, todo } = REASONS[reason];
  return { means, todo };
}

/** One row for each event, under EVENT_COLUMNS. */
export function eventRows(provider: string, events: ShownEvent[]): string[][] {
  return events.map((event, i) => [
    i === 0 ? provider : "",
    event.type ?? "",
    event.status,
    `${event.redelivery ? "redelivery of an event that is kept: " : ""}${event.link ? `credited ${event.link}` : event.means}`,
  ]);
}
