/**
 * `npm start`: the Worker on this machine, with a stand-in for Dub. Posts one signed sample of each provider, prints
 * the result of each, and keeps running. `-- --once` exits after the table instead.
 */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { secretName } from "../../settings.ts";
import { REASONS } from "../../states.ts";
import { command, exitWith, run as runCommand } from "../command.ts";
import { DEFAULT_SAMPLE, folderOf, providers, ROOT, readSample } from "../files.ts";
import { SAMPLE_TIMEOUT } from "../limits.ts";
import { formatLine, type LogLine, parseLine, table } from "../print.ts";
import { buildWorker } from "../process/build.ts";
import { interrupted } from "../process/interrupted.ts";
import { freePort } from "../process/port.ts";
import { type RunningWorker, startWorker } from "../process/worker.ts";
import { postSample } from "../samples/post.ts";
import { adminToken, secretFor, secretProblem } from "../samples/secrets.ts";
import { createDubStandIn, LOCAL_KEY } from "../stand-in/dub.ts";
import { serveDub } from "../stand-in/serve.ts";
import { UserError } from "../user-error.ts";
import { warnAboutVars } from "../vars.ts";
import { refuseWrongMappings } from "./check.ts";

const STATE = join(ROOT, ".wrangler/start");
const WANTED_PORT = 8787;

async function start(once: boolean): Promise<number> {
  await refuseWrongMappings();
  await warnAboutVars();
  const port = await freePort(WANTED_PORT);
  if (port !== WANTED_PORT) console.log(`Port ${WANTED_PORT} is taken, using ${port}.`);
  rmSync(STATE, { recursive: true, force: true });
  mkdirSync(STATE, { recursive: true });

  const dub = createDubStandIn();
  const served = await serveDub(dub);
  const outcomes = watchOutcomes();
  let quiet = true;
  let server: RunningWorker | undefined;
  const stop = async () => {
    await server?.stop();
    await served.close();
  };
  const stopped = interrupted();

  const run = async (): Promise<number> => {
    console.log("Starting the Worker with a local database and queue, and a stand-in for Dub …");
    server = startWorker({
      worker: await buildWorker(),
      port,
      state: STATE,
      settings: await settings(served.url),
      onLine: (text) => {
        const line = parseLine(text);
        if (line) outcomes.see(line);
        if (line && !quiet) console.log(formatLine(line));
        if (!line) console.error(text);
      },
    });
    const url = await server.ready;
    console.log(`Worker        ${url}\nDub stand-in  ${served.url}\n\nOne signed sample of each provider:\n`);
    const wrong = await sendSamples(url, dub, outcomes);
    if (once) return wrong === 0 ? 0 : 1;

    quiet = false;
    console.log(`\nListening on ${url}/webhooks/<provider>. Try, in another terminal:`);
    console.log(
      `  npm run send -- clerk waitlist${port === WANTED_PORT ? "" : ` --to ${url}`}\nCtrl-C ends it.\n`,
    );
    const ended = await Promise.race([stopped, server.exited]);
    if (ended !== "interrupted") throw new UserError("The Worker stopped by itself.");
    return 0;
  };
  try {
    const result = await Promise.race([run(), stopped]);
    return result === "interrupted" ? 130 : result;
  } finally {
    await stop();
  }
}

/** The Worker's settings here. The real Dub is never asked, whatever .dev.vars says. A provider with a bad secret is off. */
async function settings(dubUrl: string): Promise<Record<string, string>> {
  const secrets: [string, string][] = [];
  for (const provider of providers())
    if (!(await secretProblem(provider))) secrets.push([secretName(provider), secretFor(provider)]);
  return {
    DUB_API_URL: dubUrl,
    DUB_API_KEY: LOCAL_KEY,
    ADMIN_TOKEN: adminToken(),
    ...Object.fromEntries(secrets),
  };
}

type Outcomes = { see: (line: LogLine) => void; of: (id: string) => Promise<LogLine | undefined> };

/** Reads the result of each event from the Worker's log. */
function watchOutcomes(): Outcomes {
  const seen = new Map<string, LogLine>();
  const waiting = new Map<string, (line: LogLine) => void>();
  return {
    see(line) {
      if (line.code !== "delivery" || typeof line.event !== "string") return;
      seen.set(line.event, line);
      if (line.status !== "pending") waiting.get(line.event)?.(line);
    },
    async of(id) {
      const known = seen.get(id);
      if (known && known.status !== "pending") return known;
      return new Promise((resolve) => {
        const late = setTimeout(() => resolve(seen.get(id)), SAMPLE_TIMEOUT);
        waiting.set(id, (line) => {
          clearTimeout(late);
          resolve(line);
        });
      });
    },
  };
}

/** Sends the samples, prints the table; answers how many events are not as the samples expect. */
async function sendSamples(
  url: string,
  dub: ReturnType<typeof createDubStandIn>,
  outcomes: Outcomes,
): Promise<number> {
  const rows: string[][] = [];
  const wrong: string[] = [];
  for (const provider of providers()) {
    const bad = await secretProblem(provider);
    if (bad) {
      wrong.push(`${provider} is off: ${bad}`);
      rows.push([provider, "", "off", bad]);
      continue;
    }
    const sample = readSample(provider);
    const { status, text, events } = await postSample(provider, sample, url);
    if (events.length !== sample.expect.length) {
      wrong.push(`${provider}: ${sample.expect.length} events expected, but the answer is ${status} ${text}`);
      rows.push([provider, "", String(status), text]);
    }
    for (const [i, event] of events.entries()) {
      const ended = "id" in event && event.status === "pending" ? await outcomes.of(event.id) : undefined;
      const became = String(ended?.status ?? event.status);
      const reason = String(
        ended?.reason ?? ("reason" in event ? event.reason : "no rule of the mapping takes it"),
      );
      const why = reason in REASONS ? REASONS[reason as keyof typeof REASONS].means : reason;
      rows.push([
        i === 0 ? provider : "",
        event.type ?? "",
        became,
        ended?.link ? `credited ${ended.link}` : why,
      ]);
      const expected = sample.expect[i];
      const right =
        expected !== undefined &&
        ("lead" in expected
          ? became === "delivered" &&
            dub.recorded.some(
              (lead) =>
                lead.customerExternalId === expected.lead.customerExternalId &&
                lead.eventName === expected.lead.eventName,
            )
          : "ignored" in expected
            ? became === "ignored"
            : reason === ("skipped" in expected ? expected.skipped : expected.rejected));
      if (!right)
        wrong.push(
          `${provider}, event ${i + 1}: ${became} (${reason}), but ${folderOf(provider).shown}/samples/${DEFAULT_SAMPLE}.json expects ${JSON.stringify(expected)}`,
        );
    }
  }
  console.log(table(["provider", "event", "became", ""], rows));
  console.log(
    wrong.length === 0
      ? `\nAll as the samples expect. Dub's stand-in recorded ${dub.recorded.length} leads.`
      : `\n${wrong.join("\n")}`,
  );
  return wrong.length;
}

export const program = command(
  "start",
  "Runs the Worker with a local database and queue and a stand-in for Dub, sends one signed sample of each provider, prints the results, and keeps running.",
  { 0: "every result is as its sample expects (--once)", 1: "one is not", 130: "stopped by Ctrl-C" },
)
  .option("--once", "exit after the results")
  .action(exitWith(({ once }) => start(once ?? false)));

if (import.meta.main) void runCommand(program);
