/** Reads what could explain that there is no lead, for the pages. */
import type { Deps, Env } from "../context.ts";
import type { EventDetails } from "./details.ts";
import { listEvents } from "./events.ts";
import { type Cause, causesOfNoClickId, causesOfNoEvent, isUnexplained, MAX_REJECTED } from "./no-lead.ts";
import { readStatus, readTroubles } from "./status.ts";

/** Events of a person that are looked at, the newest. */
const MAX_EVENTS = 100;

/** For a text by which no event is found. `origin`: of the Worker. */
export async function readCausesOfNoEvent(env: Env, deps: Deps, origin: string): Promise<Cause[]> {
  const [status, { events, next }] = await Promise.all([
    readStatus(env, deps, { origin, askDub: false }),
    listEvents(env.DB, { status: ["rejected"], limit: MAX_REJECTED }, Object.keys(deps.mappings)),
  ]);
  return causesOfNoEvent(status, { events, more: next !== null });
}

/** For an event without a click id: none if an event of the same person has one, or is a lead. */
export async function readCausesOfNoClickId(
  env: Env,
  deps: Deps,
  { row, lead }: Pick<EventDetails, "row" | "lead">,
  origin: string,
): Promise<Cause[]> {
  const providers = Object.keys(deps.mappings);
  const find = lead?.customerExternalId ?? lead?.customerEmail;
  const { events } =
    find === undefined
      ? { events: [] }
      : await listEvents(env.DB, { find, related: true, limit: MAX_EVENTS }, providers);
  if (!isUnexplained(events)) return [];
  const own = [...new Set([row.provider, ...events.map(({ provider }) => provider)])];
  const troubles = await readTroubles(
    env,
    deps,
    own.filter((one) => providers.includes(one)),
    origin,
  );
  return causesOfNoClickId(troubles);
}
