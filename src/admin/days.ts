/** `GET /api/days`: each day's delivered leads compared with Dub's list. */
import { Hono } from "hono";
import type { Env } from "../context.ts";
import { REFUSALS } from "../dub/refusal.ts";
import { type Day, readDays } from "../ledger/days.ts";
import type { Mark } from "../ledger/marks.ts";
import { countTwice, iso as dateOf, namesOf } from "../reconcile/findings.ts";
import { BEGIN_AFTER } from "../reconcile/limits.ts";
import { refusalOfMark } from "../reconcile/reconcile.ts";
import { secretName } from "../settings.ts";
import { DAY } from "../time.ts";
import type { Check, Days } from "./schema.ts";

/** Days that are answered, the newest. */
const SHOWN = 30;

/** The route. */
export function daysRoute() {
  const route = new Hono<{ Bindings: Env }>();
  route.get("/days", async (c) =>
    c.json({ days: (await readDays(c.env.DB, SHOWN)).map(shown) } satisfies Days),
  );
  return route;
}

function shown({ day, others, twice, doneAt, pages, page, ...counts }: Day): Days["days"][number] {
  return {
    day: dateOf(day),
    doneAt: doneAt === null ? null : new Date(doneAt).toISOString(),
    pages,
    page,
    ...counts,
    says: daySentence({ ...counts, doneAt }),
    others: Object.fromEntries(namesOf(others)),
    twice: Object.fromEntries(namesOf(twice)),
  };
}

const number = (n: number) => n.toLocaleString("en");

/** A day in a sentence, without its differences. */
export function daySentence({
  delivered,
  present,
  doneAt,
}: Pick<Day, "delivered" | "present" | "doneAt">): string {
  if (delivered === null) return "Dub's list of this day is being read.";
  const so = doneAt === null ? " so far; the others are asked for one by one" : "";
  return `${number(present)} of ${number(delivered)} delivered leads are at Dub${so}.`;
}

/** What a day has that should be looked at, by kind, with its number; none is 0. */
export function differencesOf(day: Day): { kind: DifferenceKind; leads: number; says: string }[] {
  const { missing, otherClick, linkDeleted, customerDeleted, unclear, settled, elsewhere, doneAt } = day;
  const { delivered, present } = day;
  const asked = missing + linkDeleted + customerDeleted + unclear;
  const notAsked = doneAt === null ? 0 : (delivered ?? 0) - present - asked;
  const all: [DifferenceKind, number, string][] = [
    ["missing", missing, "missing at Dub"],
    ["not_asked", notAsked, "not on Dub's list, too many to ask for each"],
    ["other_click", otherClick, "credited to another click"],
    ["twice", countTwice(day), "counted twice, by another sender"],
    ["link_deleted", linkDeleted, "whose link was deleted at Dub"],
    ["customer_deleted", customerDeleted, "whose customer was deleted at Dub"],
    ["unclear", unclear, "that Dub does not list for a reason that can't be told"],
    ["settled", settled, "in doubt that Dub's list has confirmed"],
    ["elsewhere", elsewhere, "that another sender has recorded instead"],
  ];
  return all.filter(([, leads]) => leads > 0).map(([kind, leads, says]) => ({ kind, leads, says }));
}
export type DifferenceKind =
  | "missing"
  | "not_asked"
  | "other_click"
  | "twice"
  | "link_deleted"
  | "customer_deleted"
  | "unclear"
  | "settled"
  | "elsewhere";

/** Without any news for so long, a day that is not compared is a problem. */
const LATE = BEGIN_AFTER + DAY;

/** How far the comparison with Dub's list has come. `refused`: the mark of the last refusal. */
export function checkDays(days: Day[], refused: Mark | undefined, hasKey: boolean, now: number): Check[] {
  const what = "comparison with Dub's list";
  if (!hasKey) return [];
  if (refused) {
    const { means, todo } = REFUSALS[refusalOfMark(refused.value)];
    return [{ what, state: "problem", says: `no day is compared, since ${means}`, todo }];
  }
  const last = days.find(({ doneAt }) => doneAt !== null);
  if (!last) return [{ what, state: "unknown", says: "no day is compared yet" }];
  const says = `last day ${dateOf(last.day)}: ${daySentence(last).replace(/\.$/, "")}`;
  if (now - last.day - DAY > LATE + DAY)
    return [
      { what, state: "problem", says, todo: "read in the Worker's log, under reconcile, what Dub answers" },
    ];
  return [{ what, state: "ok", says }];
}

/** Whether Dub's own webhook is set up, and was refused within a day. */
export function checkDubWebhook(
  env: Env,
  refusals: { provider: string; lastAt: number; evidence: string }[],
  now: number,
): Check {
  const what = "Dub's webhook (/webhooks/dub)";
  const name = secretName("dub");
  if (typeof env[name] !== "string" || env[name].trim() === "")
    return {
      what,
      state: "off",
      says: `${name} is not set`,
      todo: "set it up, if leads in doubt are to end within seconds: docs/reconciliation.md",
    };
  const refusal = refusals.find(({ provider, lastAt }) => provider === "dub" && now - lastAt < DAY);
  return refusal
    ? {
        what,
        state: "problem",
        says: refusal.evidence.replace(/\.$/, ""),
        todo: "copy the secret of the webhook in Dub",
      }
    : { what, state: "ok", says: `${name} is set` };
}
