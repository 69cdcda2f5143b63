/** How soon a webhook is acknowledged, whatever Dub does: fast, slow and down, in turns. */
import { SECOND } from "../src/time.ts";
import { busyPercent, markdown, median, type Part, percentile, spread } from "./figures.ts";
import { BOUND, CONNECTIONS, PER_SECOND, SLOW, WARM_UP } from "./limits.ts";
import { freshState, openDub, openWorker } from "./running.ts";
import { type Sent, sendFlatOut, sendSteadily } from "./send.ts";
import { signedWebhooks } from "./webhooks.ts";

const DUBS = ["fast", "slow", "down"] as const;
const WAYS = ["steady", "flat out"] as const;
type Key = `${(typeof WAYS)[number]}, ${(typeof DUBS)[number]}`;

/** `steady` and `flatOut`: webhooks that are counted in each round. */
export type AcknowledgeOptions = { rounds: number; steady: number; flatOut: number };

export async function measureAcknowledgements(
  { rounds, steady, flatOut }: AcknowledgeOptions,
  say: (line: string) => void,
): Promise<Part> {
  const sent = new Map<Key, Sent[]>(WAYS.flatMap((way) => DUBS.map((dub) => [`${way}, ${dub}`, []])));
  const others: number[] = [];
  for (let round = 1; round <= rounds; round++)
    for (const kind of DUBS) {
      say(`acknowledgements, round ${round} of ${rounds}, Dub ${kind}`);
      others.push(await busyPercent(SECOND));
      const dub = await openDub({ delay: kind === "slow" ? SLOW : 0 });
      if (kind === "down") await dub.close();
      const worker = await openWorker({ state: freshState(kind), dubUrl: dub.url });
      await sendFlatOut(worker.url, await signedWebhooks(WARM_UP), CONNECTIONS);
      const calm = await sendSteadily(worker.url, await signedWebhooks(steady), PER_SECOND);
      sent.get(`steady, ${kind}`)?.push(calm);
      const rush = await sendFlatOut(worker.url, await signedWebhooks(flatOut), CONNECTIONS);
      sent.get(`flat out, ${kind}`)?.push(rush);
      await worker.close();
      await dub.close();
    }
  return report(sent, rounds, others);
}

function report(sent: Map<Key, Sent[]>, rounds: number, others: number[]): Part {
  const wrong: string[] = [];
  const rows = WAYS.flatMap((way) => {
    const fast = figures(sent.get(`${way}, fast`) ?? []);
    return DUBS.map((kind) => {
      const own = figures(sent.get(`${way}, ${kind}`) ?? []);
      const ratio = median(own.p50) / median(fast.p50);
      if (own.missed > 0)
        wrong.push(`${way}, Dub ${kind}: ${own.missed} webhooks were not acknowledged with 200.`);
      if (!(ratio <= BOUND))
        wrong.push(
          `${way}, Dub ${kind}: p50 is ${ratio.toFixed(2)} times that with Dub fast, over ${BOUND}.`,
        );
      return [
        way,
        kind,
        own.all,
        own.missed,
        spread(own.perSecond, 0),
        spread(own.p50),
        median(own.p90).toFixed(1),
        median(own.p99).toFixed(1),
        Math.max(...own.max).toFixed(0),
        ratio.toFixed(2),
        (median(own.perSecond) / median(fast.perSecond)).toFixed(2),
      ];
    });
  });
  const head = ["arrivals", "Dub", "webhooks", "not 200", "answered/s", "p50", "p90", "p99", "max"];
  return {
    wrong,
    text: [
      "### Acknowledgements",
      markdown([...head, "p50 ÷ fast", "answered/s ÷ fast"], rows),
      notes(rounds, others),
    ].join("\n\n"),
  };
}

/** What the table's words and figures mean. */
function notes(rounds: number, others: number[]): string {
  return [
    "Milliseconds from sending a webhook to its whole answer.",
    `Median of ${rounds} round(s), in brackets the least and the greatest of them; max: of all rounds.`,
    `"steady": one webhook each ${SECOND / PER_SECOND} ms, whether those before are answered or not.`,
    `"flat out": ${CONNECTIONS} connections, each with the next webhook as soon as the last is answered.`,
    `Dub "slow" takes ${SLOW} ms for every answer, "down" refuses connections.`,
    "Sender, Worker, ledger, queue and stand-in share the machine, and leads are delivered meanwhile.",
    "That is other work in each case (calls to a Dub that answers; rows that wait in the ledger while it is down),",
    "so the ratios are near 1 and not 1.",
    `Just before each case, other processes kept the machine busy at ${spread(others, 0)} %:`,
    "with more than some 10 %, figures of different cases can hardly be compared.",
  ].join(" ");
}

/** Figures of each round of a case; `all` and `missed` are those of all rounds together. */
function figures(rounds: Sent[]) {
  const times = rounds.map(({ answers }) => answers.map(({ ms }) => ms));
  const answers = rounds.flatMap((round) => round.answers);
  return {
    all: answers.length,
    missed: answers.filter(({ status }) => status !== 200).length,
    perSecond: rounds.map(({ perSecond }) => perSecond),
    p50: times.map((ms) => percentile(ms, 0.5)),
    p90: times.map((ms) => percentile(ms, 0.9)),
    p99: times.map((ms) => percentile(ms, 0.99)),
    max: times.map((ms) => percentile(ms, 1)),
  };
}
