/** The checks of `GET /api/status`: settings, Dub's key, cron, queue, delivery; each in words, with what to do. */
import { ALERTS } from "../alert.ts";
import type { Deps, Env } from "../context.ts";
import { outcomeOf } from "../deliver/outcome.ts";
import { tryKey, tryListing } from "../dub/check.ts";
import type { Dub } from "../dub/client.ts";
import { REFUSALS } from "../dub/refusal.ts";
import type { countUnchecked } from "../ledger/due.ts";
import type { PauseName } from "../ledger/pauses.ts";
import type { Report } from "../ledger/report.ts";
import { CRON_LATE } from "../queue.ts";
import { DELIVERY, ENDPOINT, parseSettings, SettingsError } from "../settings.ts";
import { about, type Reason } from "../states.ts";
import { HOUR } from "../time.ts";
import type { Check } from "./schema.ts";

export type { Check };

const NOT_SET = "is not set";

/** A check for the settings of each kind, by name and never by value. */
export function checkSettings(env: Env): Check[] {
  const wrong = (names: Parameters<typeof parseSettings>[1]): string | null => {
    try {
      parseSettings(env, names);
      return null;
    } catch (error) {
      if (error instanceof SettingsError) return error.message.replace(/\.$/, "");
      throw error;
    }
  };
  const check = (what: string, names: Parameters<typeof parseSettings>[1], fine: string): Check => {
    const problem = wrong(names);
    return problem === null
      ? { what, state: "ok", says: fine }
      : { what, state: "problem", says: problem, todo: "correct it; values are never shown" };
  };
  const isSet = (name: string) => typeof env[name] === "string" && env[name].trim() !== "";
  return [
    check("settings to receive", ENDPOINT, ENDPOINT.join(", ")),
    check(
      "settings to deliver",
      DELIVERY.filter((name) => name !== "DUB_API_KEY"),
      DELIVERY.filter((name) => name !== "DUB_API_KEY").join(", "),
    ),
    check("settings of retention", ["RETENTION_DAYS"], "RETENTION_DAYS"),
    isSet("DUB_API_KEY")
      ? check("DUB_API_KEY", ["DUB_API_KEY"], "is set")
      : { what: "DUB_API_KEY", state: "problem", says: NOT_SET, todo: todoOf("dub_key_missing") },
    isSet("ALERT_WEBHOOK_URL")
      ? check("ALERT_WEBHOOK_URL", ["ALERT_WEBHOOK_URL"], "is set")
      : {
          what: "ALERT_WEBHOOK_URL",
          state: "off",
          says: "is not set: alerts are in the log only",
          todo: "run `npx wrangler secret put ALERT_WEBHOOK_URL`, to be told when something needs you",
        },
  ];
}

/** A time in milliseconds as ISO 8601. */
export const iso = (at: number) => new Date(at).toISOString();

const todoOf = (reason: Reason) => about(reason).todo;

/** Dub names no plan, but each has a limit of its own (source: Dub's server, November 2026). */
const PLANS: Record<number, string> = {
  120: " (a trial)",
  1200: " (Business)",
  3000: " (Advanced or Enterprise)",
};

/** What Dub says of the key; nothing when there is no usable one. */
export async function checkDub(env: Env, { fetch, now }: Deps): Promise<Check[]> {
  let dub: Dub;
  try {
    const { DUB_API_URL: url, DUB_API_KEY: key } = parseSettings(env, ["DUB_API_URL", "DUB_API_KEY"]);
    if (key === undefined) return [];
    dub = { url, key, fetch, now };
  } catch (error) {
    if (error instanceof SettingsError) return [];
    throw error;
  }
  const what = "Dub takes leads with the key";
  const answer = await tryKey(dub);
  const outcome = outcomeOf(answer, {
    phase: "register",
    delivery: "register-then-record",
    registerOnly: false,
    doubt: null,
    clickId: "",
    awaited: false,
  });
  const reason = "reason" in outcome ? outcome.reason : "dub_address";
  const message = "message" in answer ? answer.message : "";
  if (reason !== "refused_by_dub")
    return [{ what, state: "problem", says: `${about(reason).means} (${message})`, todo: todoOf(reason) }];
  const perMinute = answer.kind === "error" ? answer.perMinute : null;
  const limit = perMinute === null ? "" : `; ${perMinute} calls a minute${PLANS[perMinute] ?? ""}`;
  const listing = await tryListing(dub);
  return [
    { what, state: "ok", says: `yes${limit}` },
    listing.kind === "yes"
      ? { what: "Dub lists leads to the key", state: "ok", says: "yes (analytics.read)" }
      : {
          what: "Dub lists leads to the key",
          state: listing.kind === "no" ? "problem" : "unknown",
          says:
            listing.kind === "no" ? `${REFUSALS[listing.why].means} (${listing.message})` : listing.message,
          todo:
            listing.kind === "no"
              ? `${REFUSALS[listing.why].todo}. Until then, a lead whose answer was lost can be missing at Dub, and no day is reconciled`
              : "try again later",
        },
  ];
}

const eventsCheck = (what: string, { reason, events }: { reason: Reason; events: number }): Check => ({
  what,
  state: "problem",
  says: `${events}: ${about(reason).means}`,
  todo: todoOf(reason),
  reason,
});

/** Pauses during which leads are tried to the end of the retry schedule, and then fail. */
const FAILING: Reason[] = ["dub_error", "dub_unreachable", "dub_address"];

/** Pauses, those that need the operator first. */
const URGENT: PauseName[] = ["setting", "outage", "rate_limit"];

/**
 * Cron, queue, delivery, the leads that nobody knows of, and the events that wait for the operator. `settings`: their
 * checks.
 */
export function checkFlow(
  { marks, pauses, dueSince, broken }: Report,
  unchecked: Awaited<ReturnType<typeof countUnchecked>>,
  settings: Check[],
  now: number,
): Check[] {
  const [wrong] = settings.filter(
    ({ what, state }) => state === "problem" && (what === "settings to deliver" || what === "DUB_API_KEY"),
  );
  const says = marks.cron ? `last ran at ${iso(marks.cron.at)}` : "has not run yet";
  const cron: Check =
    now - (marks.cron?.at ?? 0) <= CRON_LATE
      ? { what: "cron trigger", state: "ok", says }
      : {
          what: "cron trigger",
          state: "problem",
          says,
          todo: ALERTS.cron_stopped.todo,
          // With a setting that can't be used, cron can do nothing that the ledger would know of.
          ...(wrong && wrong.says !== NOT_SET && { because: wrong.what }),
        };
  const queue: Check = marks.queue_down
    ? { what: "queue", state: "problem", says: ALERTS.queue_down.means, todo: ALERTS.queue_down.todo }
    : { what: "queue", state: "ok", says: "takes messages" };
  const paused = pauses
    .filter(({ until }) => until > now)
    .sort((a, b) => URGENT.indexOf(a.name) - URGENT.indexOf(b.name));
  const isLate = paused.length === 0 && dueSince !== null && now - dueSince > HOUR;
  const cause = wrong ?? (isLate ? [cron, queue].find(({ state }) => state === "problem") : undefined);
  const own = checkDelivery(paused, isLate, marks.accepted?.at);
  const delivery: Check = { ...own, ...(cause && own.state === "problem" && { because: cause.what }) };
  const isFailing = isLate || paused.some(({ reason }) => FAILING.includes(reason));
  return [
    cron,
    queue,
    delivery,
    ...unchecked.map((one) => eventsCheck("leads in doubt", one)),
    ...broken.map((one) => ({
      ...eventsCheck("events of the last seven days", one),
      ...(isFailing && one.reason === "retries_exhausted" && { because: delivery.what }),
    })),
  ];
}

/** `paused`: the pauses in force, the one that tells what to do first. */
function checkDelivery(paused: Report["pauses"], isLate: boolean, acceptedAt: number | undefined): Check {
  const what = "delivery";
  const [first] = paused;
  if (first)
    return {
      what,
      // Dub's rate limit is for a minute, and part of a busy day.
      state: first.name === "rate_limit" ? "ok" : "problem",
      says: paused.map(({ reason, until }) => `waits until ${iso(until)}: ${about(reason).means}`).join("; "),
      todo: todoOf(first.reason),
    };
  if (isLate)
    return {
      what,
      state: "problem",
      says: ALERTS.delivery_stalled.means,
      todo: ALERTS.delivery_stalled.todo,
    };
  return {
    what,
    state: "ok",
    says: acceptedAt === undefined ? "no lead yet" : `Dub last accepted a lead at ${iso(acceptedAt)}`,
  };
}
