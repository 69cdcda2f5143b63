/** What was found on a day, and which of it the operator must be told. */
import type { Alert } from "../alert.ts";
import type { Env } from "../context.ts";
import { countOtherClicks, type Day, readDay } from "../ledger/days.ts";
import { REASONS } from "../states.ts";
import { MANY_OTHER_CLICKS, MANY_TWICE } from "./limits.ts";

/** A day as 2026-03-10. */
export const iso = (day: number) => new Date(day).toISOString().slice(0, 10);

/** Event names with their numbers, of JSON, the most first. */
export function namesOf(json: string): [name: string, leads: number][] {
  return Object.entries(JSON.parse(json) as Record<string, number>).sort(([, a], [, b]) => b - a);
}

const sum = (counts: [string, number][]) => counts.reduce((all, [, n]) => all + n, 0);

/** How many leads of a day's customers other senders have recorded, too. */
export const countTwice = ({ twice }: Pick<Day, "twice">) => sum(namesOf(twice));

/** Sends the alerts of a day. */
export async function alertDay(env: Env, alert: Alert, day: number): Promise<void> {
  const found = await readDay(env.DB, day);
  if (!found) return;
  const on = `of ${iso(day)}`;
  const { delivered, missing, twice } = found;
  if (missing > 0)
    await alert(env, {
      code: "missing_at_dub",
      means: `${missing} of ${delivered} leads ${on}: ${REASONS.missing_at_dub.means}`,
    });
  const clicks = await countOtherClicks(env.DB, day);
  if (clicks > Math.max(MANY_OTHER_CLICKS.leads, (delivered ?? 0) * MANY_OTHER_CLICKS.share))
    await alert(env, {
      code: "other_click",
      means: `Dub credits ${clicks} of ${delivered} leads ${on} to another click than the one that was delivered`,
    });
  const named = namesOf(twice);
  if (sum(named) >= MANY_TWICE)
    await alert(env, {
      code: "counted_twice",
      means: `customers of ${sum(named)} leads ${on} have a lead of this Worker, too: ${named.map(([name, n]) => `“${name}” ${n}`).join(", ")}`,
    });
}
