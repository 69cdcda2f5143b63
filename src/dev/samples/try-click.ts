/** One sample of click memory: a sign-up without a click id, then its click is told, then it is a lead. */
import { DAY } from "../../time.ts";
import { eventRows, shownEvent, wordsOf } from "../events.ts";
import { folderOf, loadMapping, providers, readSamples } from "../files.ts";
import { triggerCron } from "../process/cron.ts";
import { tellClick } from "./click.ts";
import { mapped, recentSample } from "./fresh.ts";
import type { Outcomes, Recorded, Tried } from "./outcomes.ts";
import { postSample } from "./post.ts";
import { localClicksTokens, secretProblem } from "./secrets.ts";

const SAMPLE = "organic";
const CLICK = "Cm4nR7wKx2ZtQy9P";

/** Sends the sample `organic` of the first provider that has one, and tells its click. Nothing, when none has. */
export async function tryClick(url: string, outcomes: Outcomes, recorded: Recorded): Promise<Tried> {
  const found = await signUpWithoutClick();
  if (!found) return { rows: [], wrong: [], leads: [] };
  const { provider, sample, customerExternalId } = found;

  const posted = await postSample(provider, sample, url);
  const [before] = posted.events.map(shownEvent);
  const clickedAt = Date.now() - 2 * DAY;
  const click = { clickId: CLICK, clickedAt, customerExternalId };
  const { answer } = await tellClick(url, localClicksTokens(), click);
  await triggerCron(url);
  const after = before?.id === undefined ? undefined : await outcomes.of(before.id);
  const ended = after && { ...wordsOf(after.reason), ...after, type: "its click is told" };
  const right =
    ended?.status === "delivered" &&
    recorded.some((one) => one.customerExternalId === customerExternalId && one.clickId === CLICK);
  return {
    rows: eventRows(provider, [
      ...(before ? [{ ...before, means: "its webhook has no click id" }] : []),
      ...(ended ? [ended] : []),
    ]),
    leads: [],
    wrong: right
      ? []
      : [`${provider}, click memory: ${JSON.stringify([posted.text, answer, after ?? null])}`],
  };
}

async function signUpWithoutClick() {
  for (const provider of providers()) {
    const organic = readSamples(folderOf(provider)).get(SAMPLE);
    if (!organic || (await secretProblem(provider))) continue;
    const mapping = loadMapping(provider);
    const sample = recentSample(mapping, organic, Date.now());
    for (const { outcome } of mapped(mapping, sample))
      if (outcome.kind === "ended" && outcome.reason === "no_click_id" && outcome.waits)
        return { provider, sample, customerExternalId: outcome.lead?.customerExternalId };
  }
  return undefined;
}
