/** One sample of click memory: a sign-up without a click id, then its click is told, then it is a lead. */
import { DAY } from "../../time.ts";
import { eventRows, shownEvent, wordsOf } from "../events.ts";
import { folderOf, loadMapping, providers, readSamples } from "../files.ts";
import { triggerCron } from "../process/cron.ts";
import { tellClick } from "./click.ts";
import { mapped, recentSample } from "./fresh.ts";
import type { Outcomes, Recorded, Tried } from "./outcomes.ts";
import { postSample } from "./post.ts";
import { localClicksToken, secretProblem } from "./secrets.ts";

const SAMPLE = "organic";
const CLICK = "Cm4nR7wKx2ZtQy9P";

/** Sends the sample `organic` of the first provider that has one, and tells its click. Nothing, when none has. */
export async function tryClick(url: string, outcomes: Outcomes, recorded: Recorded): Promise<Tried> {
  const provider = await providerWithSample();
  const sample = provider && readSamples(folderOf(provider)).get(SAMPLE);
  if (!provider || !sample) return { rows: [], wrong: [], leads: [] };
  const mapping = loadMapping(provider);
  const recent = recentSample(mapping, sample, Date.now());
  const lead = mapped(mapping, recent)
    .map(({ outcome }) => ("lead" in outcome ? outcome.lead : undefined))
    .find((one) => one !== undefined);
  const customerExternalId = lead?.customerExternalId;

  const posted = await postSample(provider, recent, url, { again: true });
  const [before] = posted.events.map(shownEvent);
  const { answer } = await tellClick(url, localClicksToken(), {
    clickId: CLICK,
    clickedAt: Date.now() - 2 * DAY,
    customerExternalId,
  });
  await triggerCron(url);
  const after = before?.id === undefined ? undefined : await outcomes.of(before.id);
  const ended = after && { ...wordsOf(after.reason), ...after, type: "its click is told" };
  const right =
    before?.reason === "no_click_id" &&
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

async function providerWithSample(): Promise<string | undefined> {
  for (const provider of providers())
    if (readSamples(folderOf(provider)).has(SAMPLE) && !(await secretProblem(provider))) return provider;
  return undefined;
}
