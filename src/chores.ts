/** What cron does each minute. A chore that fails keeps no other from its work. */
import { misconfigured, reportDown } from "./alert.ts";
import type { Env } from "./context.ts";
import type { DeliveryDeps } from "./deliver/deps.ts";
import { sweep } from "./deliver/sweep.ts";
import { takeTurn } from "./ledger/alerts.ts";
import { CLICK_LIFE, forgetClicks } from "./ledger/clicks.ts";
import { countUnchecked } from "./ledger/due.ts";
import { sumHours } from "./ledger/hours.ts";
import { purge } from "./ledger/retention.ts";
import { reconcile } from "./reconcile/reconcile.ts";
import { parseSettings, SettingsError } from "./settings.ts";
import { REASONS } from "./states.ts";
import { DAY, HOUR } from "./time.ts";

/** Rows that retention blanks in a minute. */
const PURGE_SLICE = 500;

/** Does the chores that are due. Never throws. */
export async function runChores(env: Env, deps: DeliveryDeps): Promise<void> {
  await sweep(env, deps, "cron");
  for (const chore of [blankOldEvents, alertUnchecked, sumEndedHours, reconcile])
    await chore(env, deps).catch((error) =>
      error instanceof SettingsError
        ? deps.alert(env, misconfigured(error))
        : reportDown(deps, env, "ledger", chore.name, error),
    );
}

async function blankOldEvents(env: Env, { now }: DeliveryDeps): Promise<void> {
  const { RETENTION_DAYS } = parseSettings(env, ["RETENTION_DAYS"]);
  await purge(env.DB, now() - RETENTION_DAYS * DAY, PURGE_SLICE);
  await forgetClicks(env.DB, now() - CLICK_LIFE, PURGE_SLICE);
}

/** Once an hour, as long as there are leads of which nobody knows whether Dub has them. */
async function alertUnchecked(env: Env, { now, alert }: DeliveryDeps): Promise<void> {
  if (!(await takeTurn(env.DB, "unchecked", now(), HOUR))) return;
  for (const { reason, events } of await countUnchecked(env.DB))
    await alert(env, { code: reason, means: `${events} event(s): ${REASONS[reason].means}` });
}

/** Does something once an hour, and each minute while hours are left that could not be summed. */
async function sumEndedHours(env: Env, { now }: DeliveryDeps): Promise<void> {
  const { RETENTION_DAYS } = parseSettings(env, ["RETENTION_DAYS"]);
  await sumHours(env.DB, now(), RETENTION_DAYS * DAY);
}
