/**
 * `npm start`: the Worker on this machine, with a stand-in for Dub. Posts one signed sample of each provider, prints
 * the result of each, and keeps running. `-- --once` exits after the table instead.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ADMIN_TOKEN } from "../../admin/auth.ts";
import { CLICKS_TOKEN } from "../../clicks/proof.ts";
import { secretName } from "../../settings.ts";
import { command, exitWith, run as runCommand } from "../command.ts";
import { EVENT_COLUMNS } from "../events.ts";
import { providers } from "../files.ts";
import { adminLink, makeLocalToken } from "../local-token.ts";
import { table } from "../print.ts";
import { buildWorker } from "../process/build.ts";
import { interrupted } from "../process/interrupted.ts";
import { reservePort } from "../process/port.ts";
import { type RunningWorker, startWorker } from "../process/worker.ts";
import { type Outcomes, watchOutcomes } from "../samples/outcomes.ts";
import { localClicksTokens, ownSecret, secretFor, secretProblem } from "../samples/secrets.ts";
import { tryAll } from "../samples/try-all.ts";
import { createDubStandIn, LOCAL_KEY } from "../stand-in/dub.ts";
import { serveDub } from "../stand-in/serve.ts";
import { UserError } from "../user-error.ts";
import { warnAboutVars } from "../vars.ts";
import { formatLine, parseLine } from "../worker-log.ts";
import { refuseWrongMappings } from "./check.ts";

const WANTED_PORT = 8787;

/** What is said while it works. */
const say = (text: string) => console.error(text);

async function start(once: boolean): Promise<number> {
  say("Checking the mapping files …");
  await refuseWrongMappings();
  await warnAboutVars();
  const own = ownSecret(ADMIN_TOKEN);
  // A folder of its own, so that several can run at the same time.
  const state = mkdtempSync(join(tmpdir(), `webhook-to-lead-${process.pid}-`));
  const reserved = await reservePort(WANTED_PORT);
  const made = own === undefined ? makeLocalToken(reserved.port) : undefined;
  const dub = createDubStandIn();
  const served = await serveDub(dub);
  let server: RunningWorker | undefined;
  const stop = async () => {
    await server?.stop();
    await served.close();
    made?.remove();
    reserved.release();
    rmSync(state, { recursive: true, force: true });
  };
  const stopped = interrupted();

  const run = async (): Promise<number> => {
    say("Building the Worker …");
    const built = buildWorker();
    built.then(
      () => say("Starting it with a local database and queue, and a stand-in for Dub …"),
      () => {},
    );
    const outcomes = watchOutcomes();
    const log = { shown: false };
    server = startWorker({
      worker: built,
      port: reserved.port,
      state,
      temporary: true,
      settings: await settings(served.url, own ?? made?.token ?? ""),
      onLine: (text) => showLine(text, outcomes, log.shown),
    });
    const url = await server.ready;
    if (reserved.port !== WANTED_PORT) console.log(`Port ${WANTED_PORT} is taken, using ${reserved.port}.`);
    console.log(`Worker        ${url}\nDub stand-in  ${served.url}\n`);
    say("Sending one signed sample of each provider. Deliveries are collected for a second …\n");
    const { rows, wrong, leads } = await tryAll(url, outcomes, dub.recorded);
    console.log(table(EVENT_COLUMNS, rows));
    const asExpected = `All as the samples expect. Dub's stand-in recorded ${dub.recorded.length} leads.`;
    console.log(`\n${wrong.length === 0 ? asExpected : wrong.join("\n")}`);
    if (once) return wrong.length === 0 ? 0 : 1;

    log.shown = true;
    console.log(`\nListening on ${url}/webhooks/<provider>.`);
    console.log(`Admin pages: ${adminLink(url, made?.token)}`);
    const to = reserved.port === WANTED_PORT ? "" : ` --to ${url}`;
    if (leads[0]) console.log(`Try, in another terminal:\n  npm run send -- ${leads[0]} --wait${to}`);
    console.log("Ctrl-C ends it.\n");
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

/** Notes what a line of the Worker's log says of a delivery, and prints the line for people if it is to be shown. */
function showLine(text: string, outcomes: Outcomes, shown: boolean): void {
  const line = parseLine(text);
  if (line) outcomes.see(line);
  if (line && shown) for (const formatted of formatLine(line)) console.log(formatted);
  if (!line) console.error(text);
}

/** The Worker's settings here. The real Dub is never asked, whatever .dev.vars says. A provider with a bad secret is off. */
async function settings(dubUrl: string, token: string): Promise<Record<string, string>> {
  const secrets: [string, string][] = [];
  for (const provider of providers())
    if (!(await secretProblem(provider))) secrets.push([secretName(provider), secretFor(provider)]);
  return {
    DUB_API_URL: dubUrl,
    DUB_API_KEY: LOCAL_KEY,
    [ADMIN_TOKEN]: token,
    [CLICKS_TOKEN]: localClicksTokens(),
    ...Object.fromEntries(secrets),
  };
}

export const program = command(
  "start",
  "Runs the Worker with a local database and queue and a stand-in for Dub, sends one signed sample of each provider, tells the click of a sign-up that lacks it, prints the results, and keeps running. Several can run at the same time: each has its own port and database.",
  { 0: "every result is as its sample expects (--once)", 1: "one is not", 130: "stopped by Ctrl-C" },
)
  .option("--once", "exit after the results")
  .action(exitWith(({ once }) => start(once ?? false)));

if (import.meta.main) void runCommand(program);
