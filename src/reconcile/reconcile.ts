/**
 * Compares each day's delivered leads with Dub's list, from six hours after its end on: one call to Dub each minute for
 * the number of leads and for each page, then a few for the leads that no page has. Nothing is sent to be recorded.
 */
import type { Alert } from "../alert.ts";
import type { Deps, Env } from "../context.ts";
import type { Dub } from "../dub/client.ts";
import type { Unlisted } from "../dub/find.ts";
import { countDay, listDay, PAGE } from "../dub/list.ts";
import { REFUSALS, type Refusal } from "../dub/refusal.ts";
import { takeTurn } from "../ledger/alerts.ts";
import {
  beginDay,
  compareDay,
  countPage,
  type Day,
  findUnlisted,
  finishDay,
  listingWorks,
  noteAsked,
  noteRefused,
  readWork,
  setPages,
} from "../ledger/days.ts";
import { log, printable } from "../log.ts";
import { fingerprintOf, parseSettings } from "../settings.ts";
import { DAY } from "../time.ts";
import { askEach } from "./ask.ts";
import { alertDay, iso } from "./findings.ts";
import {
  ASK_ROWS,
  BEGIN_AFTER,
  MANY_MISSING,
  MAX_NAMES,
  MOST_BEHIND,
  OTHER_NAMES,
  REFUSED_WAIT,
} from "./limits.ts";
import { sighted } from "./sighted.ts";

export type ReconcileDeps = Deps & { alert: Alert };

/** Does the next step, if one is due. Throws D1's errors and SettingsError. */
export async function reconcile(env: Env, deps: ReconcileDeps): Promise<void> {
  const now = deps.now();
  const settings = parseSettings(env, ["DUB_API_KEY", "DUB_API_URL", "DUB_DELIVERY", "RETRY_SCHEDULE"]);
  const { DUB_API_KEY: key, DUB_API_URL: url } = settings;
  if (key === undefined) return;
  const { open, newest, paused, refused } = await readWork(env.DB, now, await fingerprintOf(settings));
  if (paused || (refused && now - refused.at < REFUSED_WAIT)) return;
  if (open) return step(env, deps, { url, key, fetch: deps.fetch, now: deps.now }, open);
  const next = nextDay(newest, now);
  if (next !== null) await beginDay(env.DB, next);
}

/** The day after the newest, or yesterday; null: it is not due yet. */
function nextDay(newest: number | null, now: number): number | null {
  const today = now - (now % DAY);
  const day = newest === null ? today - DAY : Math.max(newest + DAY, today - MOST_BEHIND);
  return now >= day + DAY + BEGIN_AFTER ? day : null;
}

async function step(env: Env, deps: ReconcileDeps, dub: Dub, day: Day): Promise<void> {
  if (day.pages === null) return count(env, deps, dub, day);
  if (day.page < day.pages) return readPage(env, deps, dub, day, day.pages);
  if (day.delivered === null) return compare(env, deps, day);
  return askMissing(env, deps, dub, day);
}

async function count(env: Env, deps: ReconcileDeps, dub: Dub, { day }: Day): Promise<void> {
  const answer = await countDay(dub, day);
  if (answer.kind !== "count") return unlisted(env, deps, answer);
  await setPages(env.DB, day, Math.ceil(answer.leads / PAGE));
}

async function readPage(env: Env, deps: ReconcileDeps, dub: Dub, day: Day, pages: number): Promise<void> {
  const answer = await listDay(dub, day.day, day.page + 1);
  if (answer.kind !== "page") return unlisted(env, deps, answer);
  const { rows, leads } = answer;
  const { sightings } = await sighted(env.DB, leads, deps.now(), ({ sightings: seen, others, twice }) => [
    listingWorks(env.DB),
    countPage(env.DB, day, {
      // A full page may be followed by another one, whatever the count was.
      pages: rows < PAGE ? pages : Math.max(pages, day.page + 2),
      listed: rows,
      settled: seen.filter(({ becomes }) => becomes === "recorded").length,
      elsewhere: seen.filter(({ becomes }) => becomes === "duplicate_at_dub").length,
      others: added(day.others, others),
      twice: added(day.twice, twice),
    }),
  ]);
  log("info", "reconcile", { day: iso(day.day), page: day.page + 1, leads: rows, matched: sightings.length });
}

/** The counts of earlier pages, JSON, and of one more. */
function added(before: string, more: Record<string, number>): Record<string, number> {
  const counts = new Map(Object.entries(JSON.parse(before) as Record<string, number>));
  for (const [given, n] of Object.entries(more)) {
    const name = printable(given, 255);
    const as = counts.has(name) || counts.size < MAX_NAMES ? name : OTHER_NAMES;
    counts.set(as, (counts.get(as) ?? 0) + n);
  }
  return Object.fromEntries(counts);
}

async function compare(env: Env, deps: ReconcileDeps, { day }: Day): Promise<void> {
  const counted = await compareDay(env.DB, day, deps.now());
  if (counted === null) return;
  const { delivered, present, unclear } = counted;
  log("info", "reconcile", { day: iso(day), delivered, present });
  if (delivered === present + unclear) await finish(env, deps, day);
}

async function askMissing(env: Env, deps: ReconcileDeps, dub: Dub, day: Day): Promise<void> {
  const delivered = day.delivered ?? 0;
  const asked = day.missing + day.linkDeleted + day.customerDeleted;
  const open = delivered - day.present - day.unclear - asked;
  if (asked === 0 && open > Math.max(MANY_MISSING.leads, delivered * MANY_MISSING.share)) {
    const means = `of ${delivered} leads delivered on ${iso(day.day)}, Dub lists ${day.present}: too many are missing to ask for each`;
    await deps.alert(env, { code: "list_differs", means });
    return finish(env, deps, day.day);
  }
  const leads = await findUnlisted(env.DB, day.day, ASK_ROWS);
  const { answers, problem } = await askEach(dub, leads, deps.sleep);
  await noteAsked(env.DB, day.day, answers, deps.now());
  if (problem) return unlisted(env, deps, problem);
  if (leads.length < ASK_ROWS) await finish(env, deps, day.day);
}

/** Alerts come first: what is cut off in between is done once more, and an alert is sent once an hour. */
async function finish(env: Env, deps: ReconcileDeps, day: number): Promise<void> {
  await alertDay(env, deps.alert, day);
  await finishDay(env.DB, day, deps.now());
}

const WHY: Refusal[] = ["no_permission", "over_limit", "other"];

/** Why Dub does not list to the key, of the value of the mark. */
export const refusalOfMark = (value: number | null): Refusal => WHY[value ?? 2] ?? "other";

/** No list came: a refusal is told once a day and tried again each hour, all else with the next minute. */
async function unlisted(env: Env, deps: ReconcileDeps, answer: Unlisted): Promise<void> {
  const now = deps.now();
  const said = answer.kind === "throttled" ? "429" : answer.message;
  log("warn", "reconcile", { message: said });
  if (answer.kind !== "refused") return;
  await noteRefused(env.DB, now, WHY.indexOf(answer.why));
  if (!(await takeTurn(env.DB, "list_refused a day", now, DAY))) return;
  const { means, todo } = REFUSALS[answer.why];
  await deps.alert(env, {
    code: "list_refused",
    means: `no day is compared with Dub's list, since ${means} (${answer.said ?? answer.message})`,
    todo,
  });
}
