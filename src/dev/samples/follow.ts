/** Waiting for the end of an event, by the admin API of any Worker. */
import { setTimeout as sleep } from "node:timers/promises";
import { ApiEvent } from "../../admin/schema.ts";
import { askAdmin, fitting } from "../admin.ts";
import type { ShownEvent } from "../events.ts";
import { WAIT_STEP } from "../limits.ts";
import { UserError } from "../user-error.ts";

/** The event when it is not pending any more, or as it is after `patience` milliseconds. One that is not kept stays as it is. */
export async function followEvent(to: string, event: ShownEvent, patience: number): Promise<ShownEvent> {
  if (event.id === undefined) return event;
  const end = Date.now() + patience;
  let known = event;
  for (;;) {
    const { status, body } = await askAdmin(to, `/api/events/${encodeURIComponent(event.id)}`);
    if (status === 200) known = { ...event, ...shown(fitting(to, ApiEvent, body)) };
    // While the ledger fails, the queue alone may have the event.
    else if (body.error !== "unknown_event") throw new UserError(`${status}: ${body.message ?? body.error}`);
    if (known.status !== "pending" || Date.now() >= end) return known;
    await sleep(WAIT_STEP);
  }
}

function shown({ status, reason, means, todo, detail, warnings, link }: ApiEvent): Partial<ShownEvent> {
  return {
    status,
    reason,
    means,
    todo,
    ...(detail !== null && { detail }),
    ...(warnings.length > 0 && { warnings: warnings.map(({ field, did }) => `${field}: ${did}`) }),
    ...(link && { link: link.shortLink ?? link.id }),
  };
}
