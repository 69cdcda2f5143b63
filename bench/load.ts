/**
 * `npm run load`: how soon webhooks are acknowledged, how fast a backlog drains, and what happens after a 429; on this
 * machine only, with a stand-in for Dub. Exits with 1 if a target is missed. `-- --quick` does less of everything.
 */
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { command, exitWith, run } from "../src/dev/command.ts";
import { ROOT, readJson } from "../src/dev/files.ts";
import { interrupted } from "../src/dev/process/interrupted.ts";
import { MINUTE } from "../src/time.ts";
import { measureAcknowledgements } from "./acknowledge.ts";
import { fillLedger, measureDrain } from "./drain.ts";
import { FULL, QUICK, RUN_TIMEOUT } from "./limits.ts";
import { closeAll } from "./running.ts";

async function load({ rounds, steady, flatOut, backlog, drain }: typeof FULL): Promise<number> {
  const begun = Date.now();
  const say = (line: string) => console.error(`${new Date().toTimeString().slice(0, 8)}  ${line}`);
  const facts = machine();
  const filled = await fillLedger(backlog, say);
  const parts = [
    await measureAcknowledgements({ rounds, steady, flatOut }, say),
    await measureDrain(filled, drain, say),
  ];
  const wrong = parts.flatMap((part) => part.wrong);
  say(`done in ${((Date.now() - begun) / MINUTE).toFixed(1)} minutes\n`);
  console.log([facts, ...parts.map(({ text }) => text)].join("\n\n"));
  console.log(`\n${wrong.length === 0 ? "Every target is met." : `**Missed:** ${wrong.join(" ")}`}`);
  return wrong.length === 0 ? 0 : 1;
}

/** The machine in a line. */
function machine(): string {
  const all = cpus();
  const { version } = readJson(join(ROOT, "node_modules/wrangler/package.json")) as { version: string };
  return `${all[0]?.model.trim()}, ${all.length} cores; Node ${process.versions.node}, wrangler ${version}; load average before: ${loadavg()[0]?.toFixed(1)}`;
}

async function measure(size: typeof FULL): Promise<number> {
  const stopped = interrupted();
  const late = new Promise<number>((resolve) => {
    setTimeout(() => {
      console.error("Stopped: this takes too long.");
      resolve(1);
    }, RUN_TIMEOUT).unref();
  });
  try {
    const ended = await Promise.race([load(size), stopped, late]);
    return ended === "interrupted" ? 130 : ended;
  } finally {
    await closeAll();
  }
}

export const program = command(
  "load",
  "Measures acknowledgements, how fast a backlog is delivered, and what follows a 429, on this machine only.",
  { 0: "every target is met", 1: "one is missed" },
)
  .option("--quick", "do less of everything")
  .action(
    exitWith(async ({ quick }) => {
      process.exitCode = await measure(quick ? QUICK : FULL);
      // Ends what still waits.
      process.exit();
    }),
  );

if (import.meta.main) void run(program);
