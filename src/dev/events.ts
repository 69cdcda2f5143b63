/** Events, as commands show them. */
import type { ApiEvent } from "../admin/schema.ts";
import type { EventAnswer } from "../receive/answer.ts";
import { REASONS, type Reason } from "../states.ts";

/** An event of a webhook's answer. `means` and `todo` are those of the reason; `link` is the credited one. */
export type ShownEvent = {
  id?: string;
  type: string | null;
  status: string;
  reason?: string;
  redelivery?: true;
  means: string;
  todo?: string;
  detail?: string;
  warnings?: string[];
  link?: string | undefined;
};

/** Whose event it is, as far as it is known. */
export const customerOf = ({ lead }: ApiEvent) => lead?.customerEmail ?? lead?.customerExternalId ?? "";

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
    `${event.redelivery ? "was received before: " : ""}${event.link ? `credited ${event.link}` : event.means}`,
  ]);
}

/** What a person should know of events that are no leads (yet), and the warnings of all; "" when there is nothing. */
export function advice(events: ShownEvent[]): string {
  const lines = events.flatMap(({ id, type, status, reason, todo, detail, warnings = [] }) => [
    ...(todo !== undefined && status !== "delivered"
      ? [`${type ?? "event"} ${id}: ${reason}`, ...(detail ? [`  ${detail}`] : []), `  What to do: ${todo}`]
      : []),
    ...warnings.map((warning) => `  Warning: ${warning}`),
  ]);
  return lines.join("\n");
}

/** Whether a webhook made leads of all its events that a rule takes, and there is one. */
export function becameLeads(events: ShownEvent[]): boolean {
  const kept = events.filter(({ id }) => id !== undefined);
  return kept.length > 0 && kept.every(({ status }) => status === "delivered");
}
