/** Replay: what the ledger kept is mapped once more with today's mapping files, and delivered if it is a lead now. */

import { type Alert, reportDown } from "../alert.ts";
import type { Deps, Env } from "../context.ts";
import { parseJson } from "../json.ts";
import { unqueue } from "../ledger/due.ts";
import { type MappedColumns, mappedColumns, newEvent } from "../ledger/event.ts";
import { QUEUE_GRACE } from "../ledger/keep.ts";
import type { Filter } from "../ledger/part.ts";
import { type Change, change, end, find, findOne, heldKeys, type KeptRow } from "../ledger/replay.ts";
import { type MapOptions, mapAgain } from "../mapping/apply.ts";
import { mappingOf } from "../mapping/cache.ts";
import { describeUntyped } from "../mapping/untyped.ts";
import { enqueueIds } from "../queue.ts";
import { parseSettings } from "../settings.ts";
import { about, type Doubt, type Reason, type Status } from "../states.ts";

/** Why a replay leaves an event as it is. */
export const LEFT = {
  delivered: "Dub has the lead already.",
  dedup_blocked: "Dub refuses the lead until its dedup key has run out; it is delivered then automatically.",
  in_delivery: "It is being delivered at this moment.",
  ignored: "No rule of the mapping file takes it now.",
  payload_gone: "Its payload is not kept any more: see RETENTION_DAYS. Or it was too large to be kept.",
  no_mapping: "There is no mapping file for its provider any more.",
} as const;
export type Left = keyof typeof LEFT;

type ReplayDeps = Deps & { alert: Alert };
type Plan = Change | { kind: "left"; row: KeptRow; why: Left };
type Became = { status: Status; reason: Reason };

/**
 * The result of one slice of a replay, counted. `next`: where the following slice begins, null after the last; a slice may
 * have few events, or none, and still a next one.
 * `leadKeys`, of a dry run: the leads that it would deliver, so that the following slices know their duplicates.
 */
export type Slice = {
  dryRun: boolean;
  events: number;
  became: (Became & { events: number })[];
  left: { why: Left; message: string; events: number }[];
  next: number | null;
  leadKeys?: string[];
};

/** Rows handled by one request, so that it stays within a Worker's limits. */
export const SLICE = 100;

/** `leadKeys`: what the dry run of the slices before has answered. */
export type SliceOptions = { dryRun: boolean; after: number; leadKeys: string[] };

/**
 * Replays up to a hundred events of a filter after the one numbered `after`; with `dryRun` only says what would become
 * of them, as far as mapping goes. Throws MappingError or SettingsError when today's files or settings are wrong.
 */
export async function replay(
  env: Env,
  deps: ReplayDeps,
  filter: Filter,
  { dryRun, after, leadKeys }: SliceOptions,
): Promise<Slice> {
  const { rows, next } = await find(env.DB, filter, after, SLICE);
  const { changes, left } = await plan(env, deps, rows);
  const held = new Set(leadKeys);
  const became = dryRun ? await expected(env, changes, held) : await write(env, deps, changes);
  return {
    dryRun,
    events: rows.length,
    became: count(became, ({ status, reason }) => ({ status, reason })),
    left: count(left, ({ why }) => ({ why, message: LEFT[why] })),
    next,
    ...(dryRun && { leadKeys: [...held] }),
  };
}

/** An event of a preview: what it is, and what a replay would make of it or why it would leave it. */
export type PreviewedEvent = { row: KeptRow } & ({ would: Expected[] } | { why: Left });

/**
 * What a replay of a filter would make of its first events, at most a hundred, oldest first. `next`: where the events
 * after them begin; null after the last. Changes nothing. Throws as `replay` does.
 */
export async function previewMany(
  env: Env,
  deps: Deps,
  filter: Filter,
  after: number,
): Promise<{ events: PreviewedEvent[]; next: number | null }> {
  const { rows, next } = await find(env.DB, filter, after, SLICE);
  const { changes, left } = await plan(env, deps, rows);
  const results = await expected(env, changes, new Set());
  const told = new Map<string, PreviewedEvent>(left.map(({ row, why }) => [row.id, { row, why }]));
  let seen = 0;
  for (const one of changes) {
    const { length } = resultsOf(one);
    told.set(one.row.id, { row: one.row, would: results.slice(seen, seen + length) });
    seen += length;
  }
  return { events: rows.flatMap(({ id }) => told.get(id) ?? []), next };
}

/** Replays one event; null when there is none with this id. Throws as `replay` does. */
export async function replayOne(
  env: Env,
  deps: ReplayDeps,
  id: string,
): Promise<{ was: Became; became: Became[] } | { was: Became; why: Left } | null> {
  const row = await findOne(env.DB, id);
  if (!row) return null;
  const was = { status: row.status, reason: row.reason };
  const { changes, left } = await plan(env, deps, [row]);
  return left[0] ? { was, why: left[0].why } : { was, became: await write(env, deps, changes) };
}

/** What a replay would make of an event. `lead` and `warnings` are JSON. */
export type Expected = Became & { lead: string | null; detail: string | null; warnings: string | null };

/** What `replayOne` would do, as far as mapping goes. Changes nothing. */
export async function previewOne(
  env: Env,
  deps: Deps,
  id: string,
): Promise<{ was: Became; would: Expected[] } | { was: Became; why: Left } | null> {
  const row = await findOne(env.DB, id);
  if (!row) return null;
  const was = { status: row.status, reason: row.reason };
  const { changes, left } = await plan(env, deps, [row]);
  return left[0] ? { was, why: left[0].why } : { was, would: await expected(env, changes, new Set()) };
}

/** Ends one pending event by hand; false when it is not pending or is being delivered, null when there is none. */
export async function endOne(env: Env, deps: Deps, id: string): Promise<boolean | null> {
  const row = await findOne(env.DB, id);
  return row && end(env.DB, row, deps.now());
}

async function plan(env: Env, deps: Deps, rows: KeptRow[]) {
  const { ACCEPT_TEST_EVENTS } = parseSettings(env, ["ACCEPT_TEST_EVENTS"]);
  const today = { mappings: deps.mappings, acceptTestEvents: ACCEPT_TEST_EVENTS };
  const plans = await Promise.all(rows.map((row) => planOne(row, today, deps.now())));
  return {
    changes: plans.filter((one) => one.kind !== "left"),
    left: plans.filter((one) => one.kind === "left"),
  };
}

async function write(env: Env, deps: ReplayDeps, changes: Change[]): Promise<Became[]> {
  const now = deps.now();
  const became = await change(env.DB, changes, now, now + QUEUE_GRACE);
  const pending = became.flatMap(({ id, status }) => (status === "pending" ? [id] : []));
  await enqueueIds(env, pending).catch(async (error) => {
    await unqueue(env.DB, pending);
    await reportDown(deps, env, "queue", "replay", error);
  });
  return became.map(({ status, reason }) => ({ status, reason }));
}

/** What changes would make of their rows. The keys of the leads to be delivered are added to `held`. */
async function expected(env: Env, changes: Change[], held: Set<string>): Promise<Expected[]> {
  const results = changes.flatMap(resultsOf);
  const keys = results.flatMap(({ leadKey }) => leadKey ?? []);
  const others = await heldKeys(
    env.DB,
    keys,
    changes.map(({ row }) => row.id),
  );
  return results.map((result) => {
    const { status, leadKey } = result;
    if (status !== "pending" || leadKey === null) return result;
    if (others.has(leadKey) || held.has(leadKey))
      return { ...result, status: "duplicate", reason: "duplicate_here" };
    held.add(leadKey);
    return result;
  });
}

function resultsOf(one: Change): MappedColumns[] {
  if (one.kind === "split") return one.events;
  if (one.kind === "mapped") return [one.columns];
  const { lead, lead_key: leadKey } = one.row;
  return [{ status: "pending", reason: "replayed", lead, leadKey, detail: null, warnings: null }];
}

type Today = MapOptions & { mappings: Deps["mappings"] };

async function planOne(row: KeptRow, today: Today, now: number): Promise<Plan> {
  const left = (why: Left): Plan => ({ kind: "left", row, why });
  const kept = (doubt: Doubt): Plan =>
    row.lead === null ? left("payload_gone") : { kind: "kept", row, doubt };
  if (row.lease_until > now) return left("in_delivery");
  const { replay: how = "map" } = about(row.reason);
  if (how === "delivered" || how === "dedup_blocked") return left(how);
  // Dub may have this very lead: mapped to another customer or name, it would be counted twice.
  if (how === "look" || row.claims > 0) return kept(row.doubt ?? "unknown");
  if (row.doubt !== null) return kept(row.doubt);
  if (row.payload === null || row.event_id === null)
    return ["pending", "failed"].includes(row.status) ? kept(null) : left("payload_gone");

  const mapping = mappingOf(row.provider, today.mappings);
  if (!mapping) return left("no_mapping");
  const whole = row.reason === "not_split";
  const again = { event: parseJson(row.payload), type: row.type, eventId: row.event_id, whole };
  const mapped = describeUntyped(mapping, today.mappings, mapAgain(mapping, again, today));
  const unsplit = mapped.some(({ outcome }) => outcome.kind === "ended" && outcome.reason === "not_split");
  if (whole && !unsplit) {
    const text = row.payload;
    const events = await Promise.all(
      mapped.map((one) =>
        newEvent(row.provider, one, row.received_at, one.event === again.event ? text : undefined),
      ),
    );
    const split = events.filter((event) => event !== null);
    return split.length > 0 ? { kind: "split", row, events: split } : left("ignored");
  }
  const [outcome] = mapped.map((one) => one.outcome);
  if (!outcome || outcome.kind === "ignored") return left("ignored");
  return { kind: "mapped", row, columns: await mappedColumns(outcome, "replayed") };
}

/** How many of them have the same key. */
export function count<T, K extends object>(all: T[], key: (one: T) => K): (K & { events: number })[] {
  const by = new Map<string, K & { events: number }>();
  for (const one of all) {
    const as = key(one);
    const name = JSON.stringify(as);
    const seen = by.get(name) ?? { ...as, events: 0 };
    by.set(name, { ...seen, events: seen.events + 1 });
  }
  return [...by.values()];
}
