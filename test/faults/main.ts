/** `npm run test:faults`: the same run with both ways of delivery and both kinds of keys, each as a table. */
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { command, exitWith, run as runCommand } from "../../src/dev/command.ts";
import { account, format, problems, sum } from "./report.ts";
import { type Options, run } from "./run.ts";

const RUNS: Pick<Options, "delivery" | "analytics">[] = [
  { delivery: "register-then-record", analytics: true },
  { delivery: "register-then-record", analytics: false },
  { delivery: "single", analytics: true },
];

function wholeNumber(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError("It must be a whole number from 1.");
  return Number(text);
}

async function measure({ size, kills, seed }: Pick<Options, "size" | "kills" | "seed">): Promise<number> {
  // A run mostly waits, so all of them go on at the same time.
  const done = await Promise.all(
    RUNS.map(async (kind) => {
      const title = `DUB_DELIVERY=${kind.delivery}, a key ${kind.analytics ? "with" : "without"} analytics.read`;
      const options = { ...kind, size, kills, seed };
      const result = await run({ ...options, say: (line) => console.log(`${title}: ${line}`) });
      return { title, options, result, lines: account(result) };
    }),
  );
  const wrong: string[] = [];
  for (const { title, options, result, lines } of done) {
    console.log(`\n${title}\n\n${format(lines)}\n`);
    console.log(
      `${result.requests} requests of providers, ${result.kills} times SIGKILL, ${result.calls} calls to Dub.`,
    );
    const byMemory = sum(lines.filter(({ fault }) => /\btold\b/.test(fault)));
    console.log(`By clicks that were told: ${byMemory.recorded} of ${byMemory.leads} leads.`);
    wrong.push(...problems(options, sum(lines)).map((problem) => `${title}: ${problem}`));
  }
  if (wrong.length > 0) console.error(`\n${wrong.join("\n")}`);
  return wrong.length > 0 ? 1 : 0;
}

export const program = command(
  "test:faults",
  "Dub fails by plan, the Worker is killed again and again, and every lead is checked.",
  { 0: "every lead is where it must be", 1: "one is not" },
)
  .option("--size <n>", "customers of each kind", wholeNumber, 10)
  .option("--kills <n>", "how often the Worker is killed", wholeNumber, 6)
  .option("--seed <n>", "of the random order", wholeNumber, 1)
  .action(exitWith(measure));

if (import.meta.main) void runCommand(program);
