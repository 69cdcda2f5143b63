/** Alerts: what only the operator can fix is logged once an hour and, if ALERT_WEBHOOK_URL is set, sent as a message. */
import type { Deps, Env } from "./context.ts";
import { takeTurn } from "./ledger/alerts.ts";
import { log } from "./log.ts";
import { parseSettings, SettingsError } from "./settings.ts";
import { REASONS, type Reason } from "./states.ts";
import { HOUR } from "./time.ts";

/** Alerts of their own. A reason with `alert`, and an answer of the webhook endpoint with one, are alerts too. */
export const ALERTS = {
  misconfigured: {
    means: "a setting, secret or mapping file can't be used",
    todo: "correct it, and deploy again if it is a file",
  },
  ledger_down: {
    means:
      "the ledger (D1) can't be reached. The queue keeps the events for now; after an hour webhooks are answered 503, so that the providers send them again",
    todo: "see Cloudflare's status page and the database's page in the dashboard: is it full, or deleted?",
  },
  ledger_not_migrated: {
    means: "the ledger lacks tables or columns: nothing is delivered",
    todo: "run `npm run deploy`, which applies the migrations; the queue keeps the events until then",
  },
  queue_down: {
    means:
      "the queue takes no messages: events are kept in the ledger, and a few leads a minute are delivered",
    todo: "see the queue's page in Cloudflare's dashboard: is the day's quota of the plan used up?",
  },
  delivery_stalled: {
    means: "no lead has been delivered for an hour, though leads are due",
    todo: "see the reasons of the pending events, and the Worker's log",
  },
  cron_stopped: {
    means:
      "the cron trigger has not run for an hour; webhooks and queue messages start the sweep instead, later than it would",
    todo: "see that the Worker has the cron trigger `* * * * *`: run `npm run deploy`",
  },
  unknown_clicks: {
    means: "Dub does not know the clicks of most leads of the last hours",
    todo: "see that `lead.clickId` of the mapping file gives the value of Dub's cookie dub_id, then replay the reasons unknown_click and click_not_found_yet. If it does, Dub may have an outage: the leads wait for its end",
  },
  list_refused: {
    means: "Dub does not list its leads to the key, so no day is compared with its list",
    todo: "give the key the permission analytics.read, or get the workspace below its events limit: the alert says which",
  },
  list_differs: {
    means: "Dub lists far fewer leads of a day than were delivered, too many to ask for each",
    todo: "see that DUB_API_KEY belongs to the workspace whose links you use, and look at the leads in Dub; nothing was changed",
  },
  other_click: {
    means: "Dub credits many leads of a day to another click than the one that was delivered",
    todo: "see the events on the overview: another sender may record the same leads, or somebody may claim customers by Dub's publishable key",
  },
  counted_twice: {
    means: "customers have a lead of this Worker and one of another sender",
    todo: "read the event names: if both count the same sign-up, switch one of the two off (Dub's app for Stripe makes “New customer”). If the other one is a later step that you want, do nothing",
  },
} as const satisfies Record<string, { means: string; todo: string }>;

/**
 * What an alert says. `code` is stable. Alerts of the same code and provider are of one kind. `means` and `todo` are
 * those of ALERTS or REASONS unless they are given.
 */
export type Problem = { provider?: string } & (
  | { code: keyof typeof ALERTS | Reason; means?: string; todo?: string }
  | { code: string; means: string; todo: string }
);

/** Sends an alert, unless one of its kind was sent within the hour. Never throws. */
export type Alert = (env: Env, problem: Problem) => Promise<void>;

/** The alert for a wrong setting, secret or mapping file; the error's message says what is right. */
export function misconfigured(error: Error, provider?: string): Problem {
  const means = error.message.replace(/\.$/, "");
  return { code: "misconfigured", means, ...(provider !== undefined && { provider }) };
}

/** Logs that the ledger or the queue has failed, and sends an alert. `during`: what was being done. */
export async function reportDown(
  { alert }: { alert: Alert },
  env: Env,
  what: "ledger" | "queue",
  during: string,
  error: unknown,
): Promise<void> {
  const message = error instanceof Error ? error.message : String(error);
  const code = what === "queue" ? "queue_down" : ledgerProblem(message);
  log("error", code, { during, message });
  await alert(env, { code });
}

/** Whether the ledger fails because a migration is missing, by D1's message. */
export function ledgerProblem(message: string): "ledger_down" | "ledger_not_migrated" {
  return /no such (table|column)|has no column named/i.test(message) ? "ledger_not_migrated" : "ledger_down";
}

/** An isolate that was told that an alert has been sent does not ask again for so long (milliseconds). */
const ASK_EVERY = 300_000;
const TIMEOUT = 5000;

/**
 * Makes the alert of an isolate. It asks the ledger whether one of the kind was sent; when the ledger can't be asked,
 * the isolate's own memory decides.
 */
export function createAlert({ now, fetch }: Pick<Deps, "now" | "fetch">): Alert {
  const quietUntil = new Map<string, number>();
  return async (env, problem) => {
    const { code, provider } = problem;
    const known: Record<string, { means: string; todo: string }> = { ...ALERTS, ...REASONS };
    const { means = "", todo = "" } = { ...known[code], ...problem };
    const kind = provider === undefined ? code : `${code} ${provider}`;
    const time = now();
    if (time < (quietUntil.get(kind) ?? 0)) return;
    quietUntil.set(kind, time + ASK_EVERY);
    if (!(await takeTurn(env.DB, kind, time, HOUR).catch(() => true))) return;
    quietUntil.set(kind, time + HOUR);
    log("error", code, { provider, message: means, todo });
    await send(env, { code, means, todo, ...(provider !== undefined && { provider }) }, fetch);
  };
}

async function send(env: Env, problem: Message, fetch: Deps["fetch"]): Promise<void> {
  let address: string | undefined;
  try {
    address = parseSettings(env, ["ALERT_WEBHOOK_URL"]).ALERT_WEBHOOK_URL;
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return log("error", "misconfigured", { message: error.message });
  }
  if (address === undefined) return;
  const request = new Request(address, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ text: text(problem) }),
    redirect: "manual",
    signal: AbortSignal.timeout(TIMEOUT),
  });
  const status = await fetch(request)
    .then(async (response) => {
      await response.body?.cancel();
      return response.ok ? null : String(response.status);
    })
    .catch(() => "no answer");
  if (status !== null)
    log("error", "alert_failed", { message: `ALERT_WEBHOOK_URL: ${status}`, about: problem.code });
}

type Message = Required<Omit<Problem, "provider">> & { provider?: string };

/** Slack's markup (docs.slack.dev, "Formatting message text"): three characters are escaped. */
function text({ code, provider, means, todo }: Message): string {
  const about = provider === undefined ? "" : ` (${provider})`;
  const plain = `webhook-to-lead${about}: ${means}.\nWhat to do: ${todo}.\nThis alert is sent at most once an hour, as ${code}.`;
  return plain.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
