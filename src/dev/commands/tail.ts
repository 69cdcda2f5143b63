/** `npm run tail -- …`: prints events as they come, and each change of their status, until it is ended. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ApiEvent } from "../../admin/schema.ts";
import { TOKEN_FROM } from "../admin.ts";
import { command, exitWith, run } from "../command.ts";
import { customerOf } from "../events.ts";
import { readPage, type Wanted, withFilters } from "../filters.ts";
import { TAIL_STEP } from "../limits.ts";
import { jsonText, plain, styled } from "../print.ts";
import { interrupted } from "../process/interrupted.ts";
import { UserError } from "../user-error.ts";

/** The newest events, of which changes are seen. */
const LOOK = 50;
/** Read at most at a time, when more have come than that. */
const MAX_LOOK = 500;
/** Events that are remembered. */
const MAX_SEEN = 10_000;

type State = Pick<ApiEvent, "status" | "reason">;
/** `was`: null for an event that is new. */
type News = { at: string; was: State | null; event: ApiEvent };

/** Answers what asks for what is new since it was asked last, oldest first. What is there at the beginning is not new. */
async function watch(to: string, wanted: Wanted): Promise<() => Promise<News[]>> {
  const seen = new Map<string, State>();
  const see = ({ id, status, reason }: ApiEvent) => {
    seen.set(id, { status, reason });
    const [oldest] = seen.keys();
    if (oldest !== undefined && seen.size > MAX_SEEN) seen.delete(oldest);
  };
  const { events: first } = await readPage(to, wanted, LOOK);
  for (const event of first.toReversed()) see(event);
  // An event that is older, and not known, moves up when another does not fit the filters any more.
  const begun = first.length === LOOK ? (first.at(-1)?.receivedAt ?? "") : "";

  return async () => {
    const news: News[] = [];
    let next: number | null | undefined;
    for (let read = 0; next !== null && read < MAX_LOOK; read += LOOK) {
      const page = await readPage(to, wanted, LOOK, next);
      const unseen = page.events.filter(({ id, receivedAt }) => !seen.has(id) && receivedAt > begun);
      for (const event of page.events) {
        const was = seen.get(event.id) ?? null;
        if (unseen.includes(event)) news.push({ at: event.receivedAt, was, event });
        else if (was && (was.status !== event.status || was.reason !== event.reason))
          news.push({ at: new Date().toISOString(), was, event });
      }
      // Only when all of a page is new, there is more that is new.
      next = unseen.length === LOOK ? page.next : null;
    }
    if (next)
      console.error(`More than ${MAX_LOOK} have come: npm run events shows those that are left out here.`);
    for (const { event } of news.reverse()) see(event);
    return news;
  };
}

function lineOf({ at, was, event }: News): string {
  const { provider, type, status, reason, id } = event;
  const words = [
    at.slice(11, 19),
    provider.padEnd(10),
    `${was ? `${was.status} (${was.reason}) → ` : ""}${styled(status, status)} (${reason})`,
    plain(type ?? "(no type)"),
    plain(customerOf(event)),
    id,
  ];
  return words.filter((word) => word !== "").join("  ");
}

async function tail(to: string, wanted: Wanted, asJson: boolean): Promise<number> {
  const end = new AbortController();
  void interrupted().then(() => end.abort());
  const look = await watch(to, wanted);
  console.error("Waiting for events. Ctrl-C ends it.");
  let failed = "";
  while (!end.signal.aborted) {
    try {
      for (const one of await look()) console.log(asJson ? jsonText(one, 0) : lineOf(one));
      failed = "";
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      if (error.message !== failed) console.error(error.message);
      failed = error.message;
    }
    await sleep(TAIL_STEP, undefined, { signal: end.signal }).catch(() => {});
  }
  return 0;
}

export const program = withFilters(
  command(
    "tail",
    `Prints events as they come, and each change of status of the newest ${LOOK} events that fit, until it is ended. It looks every ${TAIL_STEP / 1000} seconds; when the Worker does not answer, it goes on trying.`,
    { 0: "ended by Ctrl-C" },
  ),
)
  .option("--type <name>", "events of this type, as the provider names it")
  .option("--to <address>", "address of the Worker", "http://localhost:8787")
  .option("--json", "print a JSON object a line, for scripts: at, was (status and reason, or null), event")
  .addHelpText("after", `\n${TOKEN_FROM}`)
  .action(exitWith(({ to, json, ...wanted }) => tail(to, wanted, json ?? false)));

if (import.meta.main) void run(program);
