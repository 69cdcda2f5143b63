/** What the answer and the log say of a webhook that was taken. */
import { printable } from "../log.ts";
import type { MappedEvent } from "../mapping/apply.ts";
import type { Reason, Status } from "../states.ts";

/**
 * What the answer says of one event. `id` is the ledger's; events that no mapping rule takes have none. `redelivery`: an
 * earlier webhook brought the event, and `status` and `reason` are what became of it.
 */
export type EventAnswer =
  | { id: string; type: string | null; status: Status; reason: Reason; redelivery?: true }
  | { type: string | null; status: "ignored" };

/** Events of one webhook that are alike. `lead`: its event name. `event`: the id, if it is one event only. */
export type Group = Partial<Record<"type" | "lead" | "reason" | "event", string>> & {
  status: string;
  redelivery?: true;
  events: number;
};

/** Groups that a line lists. */
const MAX_GROUPS = 10;
/** Of a type or an event name, in UTF-16 units. */
const MAX_NAME = 100;

/** How many events have each status, and in `became` which events became what; `answers` are in the order of `mapped`. */
export function summary(mapped: MappedEvent[], answers: EventAnswer[]) {
  const counts: Record<string, number> = {};
  const groups = new Map<string, Group>();
  for (const [i, answer] of answers.entries()) {
    counts[answer.status] = (counts[answer.status] ?? 0) + 1;
    const { id, type, ...rest } = { id: undefined, ...answer };
    const outcome = mapped[i]?.outcome;
    const lead = outcome && "lead" in outcome ? outcome.lead?.eventName : undefined;
    const alike = {
      ...(type !== null && { type: printable(type, MAX_NAME) }),
      ...(lead !== undefined && { lead: printable(lead, MAX_NAME) }),
      ...rest,
    };
    const key = JSON.stringify(alike);
    const before = groups.get(key)?.events ?? 0;
    groups.set(key, { ...alike, ...(id !== undefined && before === 0 && { event: id }), events: before + 1 });
  }
  return { ...counts, became: [...groups.values()].slice(0, MAX_GROUPS) };
}
