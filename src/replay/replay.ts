/** Replay: what the ledger kept is mapped once more with today's mapping files, and delivered if it is a lead now. */

import type { Deps, Env } from "../context.ts";
import { putOnTheirWay } from "../deliver/sweep.ts";
import { parseJson } from "../json.ts";
import { mappedColumns, newEvent } from "../ledger/event.ts";
import { QUEUE_GRACE } from "../ledger/keep.ts";
import { type Change, change, type Filter, find, findOne, type KeptRow } from "../ledger/replay.ts";
import { type MapOptions, mapAgain } from "../mapping/apply.ts";
import { mappingOf } from "../mapping/cache.ts";
import { parseSettings } from "../settings.ts";
import type { Reason, Status } from "../states.ts";

/** Why a replay leaves an event as it is. */
export const LEFT = {
  delivered: "Dub has the lead already.",
  dedup_blocked: "Dub refuses the lead until its dedup key has run out; it is delivered then by itself.",
  in_delivery: "It is being delivered at this moment.",
  possibly_lost:
    "Dub may have the lead. Look for it there; if it is missing, replay the event by its id, or name the reason possibly_lost.",
  ignored: "No rule of the mapping file takes it now.",
  payload_gone: "Its payload is not kept any more: see RETENTION_DAYS. Or it was too large to be kept.",
  no_mapping: "There is no mapping file for its provider any more.",
} as const;
export type Left = keyof typeof LEFT;

type Plan = Change | { kind: "left"; row: KeptRow; why: Left };
type Became = { status: Status; reason: Reason };

/** What one slice of a replay came to, counted. `next`: where the following slice begins, null after the last. */
export type Slice = {
  dryRun: boolean;
  events: number;
  became: (Became & { events: number })[];
  left: { why: Left; message: string; events: number }[];
  next: number | null;
};

/** Rows handled by one request, so that it stays within a Worker's limits. */
const SLICE = 100;

/**
 * Replays up to a hundred events of a filter after the one numbered `after`; with `dryRun` only says what would become
 * of them, as far as mapping goes. Throws MappingError or SettingsError when today's files or settings are wrong.
 */
export async function replay(
  env: Env,
  deps: Deps,
  filter: Filter,
  { dryRun, after }: { dryRun: boolean; after: number },
): Promise<Slice> {
  const rows = await find(env.DB, filter, after, SLICE);
  const { became, left } = await run(env, deps, rows, {
    dryRun,
    dubLacksIt: filter.reason?.includes("possibly_lost") ?? false,
  });
  return {
    dryRun,
    events: rows.length,
    became: count(became, ({ status, reason }) => ({ status, reason })),
    left: count(left, ({ why }) => ({ why, message: LEFT[why] })),
    next: rows.at(-1)?.rowid ?? null,
  };
}

/** Replays one event; null when there is none with this id. Throws as `replay` does. */
export async function replayOne(
  env: Env,
  deps: Deps,
  id: string,
): Promise<{ was: Became; became: Became[] } | { was: Became; why: Left } | null> {
  const row = await findOne(env.DB, id);
  if (!row) return null;
  const was = { status: row.status, reason: row.reason };
  const { became, left } = await run(env, deps, [row], { dryRun: false, dubLacksIt: true });
  return left[0] ? { was, why: left[0].why } : { was, became };
}

/** `dubLacksIt`: the operator says so of leads that are possibly lost. */
type Options = { dryRun: boolean; dubLacksIt: boolean };

async function run(
  env: Env,
  deps: Deps,
  rows: KeptRow[],
  options: Options,
): Promise<{ became: Became[]; left: { why: Left }[] }> {
  const now = deps.now();
  const { ACCEPT_TEST_EVENTS } = parseSettings(env, ["ACCEPT_TEST_EVENTS"]);
  const today = { mappings: deps.mappings, acceptTestEvents: ACCEPT_TEST_EVENTS };
  const plans = await Promise.all(rows.map((row) => plan(row, today, options.dubLacksIt, now)));
  const left = plans.filter((one) => one.kind === "left");
  const changes = plans.filter((one) => one.kind !== "left");
  if (options.dryRun) return { became: changes.flatMap(expected), left };
  const became = await change(env.DB, changes, now, now + QUEUE_GRACE);
  await putOnTheirWay(
    env,
    became.flatMap(({ id, status }) => (status === "pending" ? [id] : [])),
    "replay",
  );
  return { became: became.map(({ status, reason }) => ({ status, reason })), left };
}

function expected(one: Change): Became[] {
  if (one.kind === "kept") return [{ status: "pending", reason: "replayed" }];
  return one.kind === "split" ? one.events : [one.columns];
}

type Today = MapOptions & { mappings: Deps["mappings"] };

async function plan(row: KeptRow, today: Today, dubLacksIt: boolean, now: number): Promise<Plan> {
  const left = (why: Left): Plan => ({ kind: "left", row, why });
  if (row.lease_until > now) return left("in_delivery");
  if (row.status === "delivered" || row.reason === "duplicate_at_dub") return left("delivered");
  if (row.reason === "dedup_blocked") return left("dedup_blocked");
  if (row.reason === "possibly_lost")
    return dubLacksIt && row.lead !== null
      ? { kind: "kept", row, doubt: "failed" }
      : left(row.lead === null ? "payload_gone" : "possibly_lost");
  // Dub may have this very lead: mapped to another customer or name, it would be counted twice.
  if (row.doubt !== null || row.claims > 0)
    return row.lead === null ? left("payload_gone") : { kind: "kept", row, doubt: row.doubt };
  if (row.payload === null || row.event_id === null)
    return row.lead !== null && ["pending", "failed"].includes(row.status)
      ? { kind: "kept", row, doubt: null }
      : left("payload_gone");

  const mapping = mappingOf(row.provider, today.mappings);
  if (!mapping) return left("no_mapping");
  const whole = row.reason === "not_split";
  const kept = { event: parseJson(row.payload), type: row.type, eventId: row.event_id, whole };
  const mapped = mapAgain(mapping, kept, today);
  const unsplit = mapped.some(({ outcome }) => outcome.kind === "ended" && outcome.reason === "not_split");
  if (whole && !unsplit) {
    const text = row.payload;
    const events = await Promise.all(
      mapped.map((one) =>
        newEvent(row.provider, one, row.received_at, one.event === kept.event ? text : undefined),
      ),
    );
    const split = events.filter((event) => event !== null);
    return split.length > 0 ? { kind: "split", row, events: split } : left("ignored");
  }
  const [outcome] = mapped.map((one) => one.outcome);
  if (!outcome || outcome.kind === "ignored") return left("ignored");
  return { kind: "mapped", row, columns: await mappedColumns(outcome, "replayed") };
}

function count<T, K extends object>(all: T[], key: (one: T) => K): (K & { events: number })[] {
  const by = new Map<string, K & { events: number }>();
  for (const one of all) {
    const as = key(one);
    const name = JSON.stringify(as);
    const seen = by.get(name) ?? { ...as, events: 0 };
    by.set(name, { ...seen, events: seen.events + 1 });
  }
  return [...by.values()];
}
