/** Whether the share of sign-ups with a click id has dropped at a provider: then a sign-up form most likely broke. */
import type { Count } from "../ledger/hours.ts";
import { DAY } from "../time.ts";
import { type Figures, figuresOf } from "./figures.ts";
import type { Check } from "./schema.ts";

/** The last days are compared with so many days before them. Days are of UTC, and today is one of the last. */
const BEFORE = 28;
/** The fewest of the last days that have enough sign-ups: at least two, since a night alone says nothing. */
const LEAST_DAYS = 2;
const MOST_DAYS = 7;
/** Fewer sign-ups in the time before say nothing. */
const LEAST_SIGN_UPS = 50;
/** By the share before, so many of the last sign-ups should have one: then fewer than half of them by chance is as rare as 1 in 200. */
const LEAST_DUE = 20;

/** When the counts begin that `checkClickShare` needs (milliseconds). */
export const clickShareSince = (now: number) => now - (now % DAY) - (MOST_DAYS - 1 + BEFORE) * DAY;

/**
 * A check for each provider with enough sign-ups; a problem when the share of the last days is below half of the share
 * before. `counts`: by the day, since `clickShareSince`.
 */
export function checkClickShare(counts: Count[], now: number): Check[] {
  const providers = [...new Set(counts.map(({ provider }) => provider))].sort();
  return providers.flatMap((provider) => {
    const own = counts.filter((one) => one.provider === provider);
    return checkOf(provider, own, now - (now % DAY)) ?? [];
  });
}

function checkOf(provider: string, counts: Count[], today: number): Check | null {
  const begin = (days: number) => today - (days - 1) * DAY;
  const before = figuresOf(counts.filter(({ at }) => at < begin(MOST_DAYS)));
  if (before.signUps < LEAST_SIGN_UPS) return null;
  const share = known(before) / before.signUps;
  for (let days = LEAST_DAYS; days <= MOST_DAYS; days++) {
    const last = figuresOf(counts.filter(({ at }) => at >= begin(days)));
    const due = share * last.signUps;
    if (due < LEAST_DUE) continue;
    const what = `click ids of ${provider}`;
    const says = `${inWords(last)} of the last ${days} days carried one, ${inWords(before)} of the ${BEFORE} days before`;
    return known(last) < due / 2 ? { what, state: "problem", says, todo: TODO } : { what, state: "ok", says };
  }
  return null;
}

const TODO =
  "sign up by a link of yours, and see whether the event has a click id. If not, the sign-up form does not pass it on any more: see what was changed there. If it has one, see in Dub whether fewer visitors come by links";

/** Sign-ups whose click is known, by the webhook or by click memory. */
const known = ({ byWebhook, byMemory }: Figures) => byWebhook + byMemory;

const inWords = (figures: Figures) =>
  `${known(figures)} of ${figures.signUps} sign-ups (${Math.round((100 * known(figures)) / figures.signUps)} %)`;
