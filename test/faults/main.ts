/** `npm run test:faults`: the same run with both ways of delivery and both kinds of keys, each as a table. */
import { parseArgs } from "node:util";
import { main, UserError } from "../../src/dev/files.ts";
import { account, format, problems, sum } from "./report.ts";
import { type Options, run } from "./run.ts";

const RUNS: Pick<Options, "delivery" | "analytics">[] = [
  { delivery: "register-then-record", analytics: true },
  { delivery: "register-then-record", analytics: false },
  { delivery: "single", analytics: true },
];

await main(async () => {
  const { values } = parseArgs({
    options: {
      size: { type: "string", default: "10" },
      kills: { type: "string", default: "6" },
      seed: { type: "string", default: "1" },
    },
  });
  const [size, kills, seed] = [Number(values.size), Number(values.kills), Number(values.seed)];
  if (![size, kills, seed].every((n) => Number.isInteger(n) && n >= 1))
    throw new UserError("npm run test:faults [-- --size 10 --kills 6 --seed 1]: whole numbers from 1");
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
    wrong.push(...problems(options, sum(lines)).map((problem) => `${title}: ${problem}`));
  }
  if (wrong.length > 0) console.error(`\n${wrong.join("\n")}`);
  return wrong.length > 0 ? 1 : 0;
});
