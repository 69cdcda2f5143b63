/** How fast a backlog drains under Dub's rate limit, and that Dub is left alone after a 429. */
import { setTimeout as sleep } from "node:timers/promises";
import { CALLS_PER_MINUTE } from "../src/deliver/limits.ts";
import { triggerCron } from "../src/dev/process/cron.ts";
import { QUEUE_GRACE } from "../src/ledger/keep.ts";
import { MINUTE, SECOND } from "../src/time.ts";
import { markdown, type Part } from "./figures.ts";
import { AFTERWARDS, EVENT_TIMEOUT, LATEST, ON_THE_WAY, SETTLING, TARGET } from "./limits.ts";
import { type Dub, type DubCall, freshState, openDub, openWorker } from "./running.ts";
import { sendFlatOut } from "./send.ts";
import { signedWebhooks } from "./webhooks.ts";

export type Backlog = { state: string; filledAt: number; wrong: string[] };

/** Takes webhooks in while a setting of delivery is wrong: all are kept, none is delivered. */
export async function fillLedger(leads: number, say: (line: string) => void): Promise<Backlog> {
  say(`filling a ledger with ${leads} leads; a wrong setting stops delivery, as the Worker says:`);
  const state = freshState("drain");
  const closed = "http://127.0.0.1:1";
  const worker = await openWorker({ state, dubUrl: closed, settings: { DUB_DELIVERY: "stopped" } });
  const { answers } = await sendFlatOut(worker.url, await signedWebhooks(leads), 10);
  await worker.close();
  const missed = answers.filter(({ status }) => status !== 200).length;
  const wrong = missed > 0 ? [`Backlog: ${missed} webhooks were not acknowledged with 200.`] : [];
  return { state, filledAt: Date.now(), wrong };
}

/** Drains a backlog for `time` milliseconds alone, then while another client uses up the window. */
export async function measureDrain(
  { state, filledAt, wrong }: Backlog,
  time: number,
  say: (line: string) => void,
): Promise<Part> {
  // Until then the ledger takes the leads to be in the queue, which does not outlive the Worker on this machine.
  const due = filledAt + QUEUE_GRACE - Date.now();
  if (due > 0) say(`waiting ${Math.ceil(due / SECOND)} s until the backlog is due`);
  await sleep(Math.max(0, due));
  const dub = await openDub();
  const worker = await openWorker({ state, dubUrl: dub.url });
  await triggerCron(worker.url);
  say(`draining for ${time / SECOND} s`);
  await until(() => dub.calls.length > 0, "The backlog does not drain.");
  await sleep(SETTLING);
  const drained = await steadyDrain(dub, time);
  const paused = await after429(dub, say);
  await worker.close();
  await dub.close();
  return {
    text: `${drained.text}\n\n${paused.text}`,
    wrong: [...wrong, ...drained.wrong, ...paused.wrong],
  };
}

async function steadyDrain({ calls }: Dub, time: number): Promise<Part> {
  const from = Date.now();
  await sleep(time);
  const to = Date.now();
  const during = calls.filter(({ at }) => at >= from && at < to);
  const refused = during.filter(({ status }) => status === 429).length;
  const letIn = during.filter(({ status }) => status === 200);
  const perMinute = (letIn.length / (to - from)) * MINUTE;
  const share = perMinute / CALLS_PER_MINUTE;
  const wrong: string[] = [];
  if (!(share >= TARGET))
    wrong.push(`Drain: ${percent(share)} of what Dub allows, under ${percent(TARGET)}.`);
  if (refused > 0) wrong.push(`Drain: ${refused} calls were refused with 429.`);
  const longest = Math.max(...letIn.slice(1).map(({ at }, i) => at - (letIn[i] as DubCall).at));
  return {
    wrong,
    text: `### Drain of a backlog

${markdown(
  ["measured", "calls let in", "calls/min", "limit/min", "share", "refused (429)", "longest gap"],
  [
    [
      `${time / SECOND} s`,
      letIn.length,
      perMinute.toFixed(0),
      CALLS_PER_MINUTE,
      percent(share),
      refused,
      `${longest} ms`,
    ],
  ],
)}

Two calls for each lead. The stand-in has Dub's sliding window of a minute and the limit of its Business plan; measured from ${SETTLING / SECOND} s after the first call on.`,
  };
}

async function after429(dub: Dub, say: (line: string) => void): Promise<Part> {
  const intoWindow = Date.now() % MINUTE;
  if (intoWindow > LATEST) await sleep(MINUTE - intoWindow);
  const seen = dub.calls.length;
  const refusal = () => dub.calls.slice(seen).find(({ status }) => status === 429);
  await until(async () => {
    await dub.useUp();
    return refusal() !== undefined;
  }, "The Worker was not refused though the window is used up.");
  const { answered } = refusal() as DubCall;
  const end = Math.ceil(answered / MINUTE) * MINUTE;
  say(`refused, ${((end - answered) / SECOND).toFixed(0)} s before the end of Dub's window`);
  await sleep(end - Date.now() + AFTERWARDS);

  const later = dub.calls.filter(({ at }) => at > answered).sort((a, b) => a.at - b.at);
  const onTheWay = later.filter(({ at }) => at <= answered + ON_THE_WAY.within);
  const early = later.filter(({ at }) => at > answered + ON_THE_WAY.within && at < end);
  const resumed = later.filter(({ at }) => at >= end);
  const refused = resumed.filter(({ status }) => status === 429).length;
  const [first] = resumed;
  const wrong: string[] = [];
  if (onTheWay.length > ON_THE_WAY.connections)
    wrong.push(
      `After a 429: ${onTheWay.length} calls within ${ON_THE_WAY.within} ms are more than were on their way.`,
    );
  if (early.length > 0) wrong.push(`After a 429: ${early.length} calls before the window's end.`);
  if (!first) wrong.push(`After a 429: no call within ${AFTERWARDS / SECOND} s of the window's end.`);
  if (refused > 0) wrong.push(`After a 429: ${refused} more calls were refused.`);
  return {
    wrong,
    text: `### After a 429

${markdown(
  [
    "429 before the window's end",
    "calls on their way",
    "calls until the end",
    "first call after the end",
    `calls let in within ${AFTERWARDS / SECOND} s of the end`,
    "refused again",
  ],
  [
    [
      seconds(end - answered),
      onTheWay.length,
      early.length,
      first ? seconds(first.at - end) : "none",
      resumed.length - refused,
      refused,
    ],
  ],
)}

In the middle of the drain another client with the same key uses the window up. "On their way": calls that came within ${ON_THE_WAY.within} ms after the answer 429 had left; they are at most ${ON_THE_WAY.connections}, the Worker's other connections, and are not counted as too early.`,
  };
}

/** Waits for what must happen soon. */
async function until(done: () => boolean | Promise<boolean>, otherwise: string): Promise<void> {
  const late = Date.now() + EVENT_TIMEOUT;
  while (!(await done())) {
    if (Date.now() > late) throw new Error(otherwise);
    await sleep(5);
  }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function seconds(ms: number): string {
  return `${(ms / SECOND).toFixed(1)} s`;
}
