/**
 * `npm run simulate`: how many sign-ups are credited to the link that they came by, with click memory and without. The
 * Worker's handlers run in this process, with a stand-in for Dub; people, sign-ups and attackers are made up from
 * bench/simulate/assumptions.ts.
 */
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { command, exitWith, run as runCommand } from "../src/dev/command.ts";
import { PROTOCOLS } from "./simulate/assumptions.ts";
import { play } from "./simulate/play.ts";
import { attacksTable, pathsTable, problems, protocolsTable, type Result } from "./simulate/report.ts";

/** Plays each protocol in the same worlds, one for each seed. */
export async function simulate(
  size: number,
  seeds: number[],
  say: (line: string) => void = () => {},
): Promise<Result[]> {
  const results: Result[] = [];
  for (const protocol of PROTOCOLS) {
    const played = [];
    for (const seed of seeds) {
      say(`${protocol.name}, seed ${seed}`);
      played.push(await play(protocol, size, seed));
    }
    results.push({ protocol, played });
  }
  return results;
}

const wholeNumber = (text: string) => {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError("It must be a whole number from 1.");
  return Number(text);
};

async function measure({ size, seeds }: { size: number; seeds: number[] }): Promise<number> {
  console.info = console.warn = () => {};
  const results = await simulate(size, seeds, (line) => console.error(line));
  const wrong = problems(results);
  console.log(
    [
      protocolsTable(results),
      `Each way: right/due (sign-ups by a link); w: credited to another click of the same person; f: organic ones credited/all. ${size} sign-ups for each of the seeds ${seeds.join(", ")}.`,
      pathsTable(results),
      attacksTable(results),
      wrong.length === 0 ? "Every target is met." : `**Missed:** ${wrong.join(" ")}`,
    ].join("\n\n"),
  );
  return wrong.length === 0 ? 0 : 1;
}

export const program = command(
  "simulate",
  "Simulates sign-ups, with click memory and without, and counts which are credited to the right link.",
  { 0: "every target is met", 1: "one is missed" },
)
  .option("--size <n>", "sign-ups in each world", wholeNumber, 4000)
  .option(
    "--seeds <list>",
    "one world for each, such as 1,2,3",
    (text) => text.split(",").map(wholeNumber),
    [1, 2, 3],
  )
  .action(exitWith(measure));

if (import.meta.main) void runCommand(program);
