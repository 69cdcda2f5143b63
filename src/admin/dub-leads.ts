/** Asking Dub, when somebody wants to know, what it lists for a customer. Nothing is recorded by it. */
import type { Deps, Env } from "../context.ts";
import { type ListedLead, listLeads } from "../dub/find.ts";
import { REFUSALS } from "../dub/refusal.ts";
import { parseSettings, SettingsError } from "../settings.ts";
import { DAY } from "../time.ts";
import { inline } from "./display.ts";

/** What Dub said, in sentences, and the leads that it lists. */
export type AtDub = { says: string[]; leads: ListedLead[] };

/** How long before an event its customer's leads are listed. */
export const LISTED_BEFORE = 30 * DAY;

/** Asks for the leads of a customer since `start` (milliseconds). */
export async function askDub(
  env: Env,
  { fetch, now }: Pick<Deps, "fetch" | "now">,
  customer: string,
  start: number,
): Promise<AtDub> {
  const only = (...says: string[]): AtDub => ({ says, leads: [] });
  let settings: { DUB_API_URL: string; DUB_API_KEY?: string | undefined };
  try {
    settings = parseSettings(env, ["DUB_API_URL", "DUB_API_KEY"]);
  } catch (error) {
    if (error instanceof SettingsError) return only(`Dub could not be asked: ${error.message}`);
    throw error;
  }
  const { DUB_API_URL: url, DUB_API_KEY: key } = settings;
  if (key === undefined) return only("Dub could not be asked: the secret DUB_API_KEY is not set.");
  const listed = await listLeads({ url, key, fetch, now }, customer, start);
  switch (listed.kind) {
    case "throttled":
      return only("Dub's rate limit is reached. Ask again in a minute.");
    case "failed":
      return only(`Dub gave no answer of use (${inline(listed.message)}). Ask again later.`);
    case "refused": {
      const said = listed.said === undefined ? "" : ` In its words: “${inline(listed.said)}”.`;
      const { means, todo } = REFUSALS[listed.why];
      return only(
        `Dub does not answer this to the key (${inline(listed.message)}).${said}`,
        ...(listed.message.endsWith("403") ? [`That means: ${means}. What to do: ${todo}.`] : []),
      );
    }
    case "listed": {
      if (!listed.known) return only("Dub knows no customer with this id, in the workspace of the key.");
      const count = listed.leads.length;
      if (count === 0)
        return only(
          "Dub knows the customer, and lists no lead in this time. It lists a lead some time after it has recorded it, within an hour.",
        );
      const leads = count === 1 ? "one lead" : `${count === 100 ? "100 or more" : count} leads`;
      return { says: [`Dub knows the customer, and lists ${leads}.`], leads: listed.leads };
    }
  }
}
