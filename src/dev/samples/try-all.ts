/** One sample of each provider, sent at once, and one of click memory: what became of each event, and whether the sample expects it. */
import type { EventAnswer } from "../../receive/answer.ts";
import { becameLeads, eventRows, type ShownEvent, shownEvent, wordsOf } from "../events.ts";
import { DEFAULT_SAMPLE, folderOf, providers, readSample } from "../files.ts";
import type { Outcomes, Recorded, Tried } from "./outcomes.ts";
import { postSample } from "./post.ts";
import { secretProblem } from "./secrets.ts";
import { tryClick } from "./try-click.ts";

/** Sends the samples as they are in their files, each with the delivery id that `npm run send -- --again` gives it. */
export async function tryAll(url: string, outcomes: Outcomes, recorded: Recorded): Promise<Tried> {
  const tried = await Promise.all([
    ...providers().map((provider) => trySample(provider, url, outcomes, recorded)),
    tryClick(url, outcomes, recorded),
  ]);
  return {
    rows: tried.flatMap(({ rows }) => rows),
    wrong: tried.flatMap(({ wrong }) => wrong),
    leads: tried.flatMap(({ leads }) => leads),
  };
}

async function trySample(
  provider: string,
  url: string,
  outcomes: Outcomes,
  recorded: Recorded,
): Promise<Tried> {
  const bad = await secretProblem(provider);
  if (bad) return { rows: [[provider, "", "off", bad]], wrong: [`${provider} is off: ${bad}`], leads: [] };
  const { expect } = readSample(provider);
  const { status, text, events } = await postSample(provider, readSample(provider), url, { again: true });
  if (events.length !== expect.length) {
    const wrong = `${provider}: ${expect.length} events expected, but the answer is ${status} ${text}`;
    return { rows: [[provider, "", String(status), text]], wrong: [wrong], leads: [] };
  }
  const ended = await Promise.all(events.map((event) => endOf(event, outcomes)));
  const file = `${folderOf(provider).shown}/samples/${DEFAULT_SAMPLE}.json`;
  return {
    rows: eventRows(provider, ended),
    leads: becameLeads(ended) ? [provider] : [],
    wrong: ended.flatMap(({ status, reason = "" }, i) => {
      const expected = expect[i];
      if (expected && isExpected(expected, status, reason, recorded)) return [];
      const became = `${status}${reason && ` (${reason})`}`;
      return `${provider}, event ${i + 1}: ${became}, but ${file} expects ${JSON.stringify(expected)}`;
    }),
  };
}

async function endOf(event: EventAnswer, outcomes: Outcomes): Promise<ShownEvent> {
  const shown = shownEvent(event);
  if (!("id" in event) || event.status !== "pending") return shown;
  const delivery = await outcomes.of(event.id);
  if (!delivery) return shown;
  const { status, reason, link } = delivery;
  return { ...shown, status, reason, link, ...wordsOf(reason) };
}

type Expected = ReturnType<typeof readSample>["expect"][number];

function isExpected(expected: Expected, status: string, reason: string, recorded: Recorded): boolean {
  if ("ignored" in expected) return status === "ignored";
  if (!("lead" in expected)) {
    const said = "skipped" in expected ? expected.skipped : expected.rejected;
    return said === reason || said.startsWith(`${reason} (`);
  }
  const { customerExternalId, eventName } = expected.lead;
  return (
    status === "delivered" &&
    recorded.some((lead) => lead.customerExternalId === customerExternalId && lead.eventName === eventName)
  );
}
