/** `npm run test:faults`: the same run with both ways of delivery, each as a table. */
import { parseArgs } from "node:util";
import { main, UserError } from "../../src/dev/files.ts";
import { account, format, sum } from "./report.ts";
import { run } from "./run.ts";

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
  let wrong = false;
  for (const delivery of ["register-then-record", "single"] as const) {
    console.log(`\nDUB_DELIVERY=${delivery}`);
    const result = await run({ delivery, size, kills, seed, say: (line) => console.log(`  ${line}`) });
    const lines = account(result);
    const { lost, doubled, open } = sum(lines);
    console.log(`\n${format(lines)}\n`);
    console.log(
      `${result.requests} requests of providers, ${result.kills} times SIGKILL, ${result.calls} calls to Dub.`,
    );
    if (open > 0 || (delivery === "register-then-record" && lost + doubled > 0)) wrong = true;
  }
  return wrong ? 1 : 0;
});
