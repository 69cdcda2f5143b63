/** Alerts: what only the operator can mend is said once an hour, in the log and, if ALERT_WEBHOOK_URL is set, as a message. */
import type { Deps, Env } from "./context.ts";
import { takeTurn } from "./ledger/alerts.ts";
import { log } from "./log.ts";
import { parseSettings, SettingsError } from "./settings.ts";
import { HOUR } from "./time.ts";

/** `code` is stable. A problem is of one kind with those of the same code and provider. `todo`: what the operator should do. */
export type Problem = { code: string; provider?: string; means: string; todo: string };

/** Says a problem, unless one of its kind was said within the hour. Never throws. */
export type Alert = (env: Env, problem: Problem) => Promise<void>;

/** The problem that a wrong setting, secret or mapping file is; the error's message says what is right. */
export function misconfigured(error: Error, provider?: string): Problem {
  const means = error.message.replace(/\.$/, "");
  const todo = "correct it, and deploy again if it is a file";
  return { code: "misconfigured", means, todo, ...(provider !== undefined && { provider }) };
}

/** An isolate that was told that the problem has been said does not ask again for so long (milliseconds). */
const ASK_EVERY = 300_000;
const TIMEOUT = 5000;

/** Makes the alert of an isolate. It asks the ledger whether it may speak; when the ledger is down, there is a line and no message. */
export function createAlert({ now, fetch }: Pick<Deps, "now" | "fetch">): Alert {
  const quietUntil = new Map<string, number>();
  return async (env, problem) => {
    const { code, provider, means, todo } = problem;
    const kind = provider === undefined ? code : `${code} ${provider}`;
    const time = now();
    if (time < (quietUntil.get(kind) ?? 0)) return;
    quietUntil.set(kind, time + ASK_EVERY);
    const turn = await takeTurn(env.DB, kind, time, HOUR).catch(() => undefined);
    if (turn === false) return;
    log("error", code, { provider, message: means, todo });
    if (turn === undefined) return;
    quietUntil.set(kind, time + HOUR);
    await send(env, problem, fetch);
  };
}

async function send(env: Env, problem: Problem, fetch: Deps["fetch"]): Promise<void> {
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

/** Slack's markup (docs.slack.dev, "Formatting message text"): three characters are escaped. */
function text({ code, provider, means, todo }: Problem): string {
  const about = provider === undefined ? "" : ` (${provider})`;
  const plain = `webhook-to-lead${about}: ${means}.\nWhat to do: ${todo}.\nThis is said at most once an hour, as ${code}.`;
  return plain.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
