/** The simulation of click memory in short (`npm run simulate` is the long form), and what makes it fail. */
import { expect, it } from "vitest";
import { PATHS } from "../../bench/simulate/assumptions.ts";
import type { Counts, Played } from "../../bench/simulate/play.ts";
import { problems, type Result } from "../../bench/simulate/report.ts";
import { simulate } from "../../bench/simulate.ts";

const named = (results: Result[], name: string) =>
  results.find(({ protocol }) => protocol.name === name)?.played as Played[];

it("credits most sign-ups to the right click, no more organic ones than without click memory, and none to an attacker", async () => {
  const results = await simulate(250, [1]);
  // So few sign-ups by a link say little of how many of them are credited.
  expect(problems(results).filter((one) => !one.includes("fewer than"))).toEqual([]);
  const [without] = named(results, "form only (no click memory)");
  const [session] = named(results, "session + clickedAt");
  const [open] = named(results, "open endpoint, by e-mail (not offered)");
  const fraud = (played?: Played) =>
    [...(played?.paths.values() ?? [])].reduce((sum, one) => sum + one.fraud, 0);
  expect(without?.paths.get("hosted page")).toMatchObject({ right: 0, wrong: 0, credited: 0 });
  expect(session?.paths.get("hosted page")?.right).toBeGreaterThan(10);
  expect(session?.attacks.size).toBe(9);
  for (const { tried, taken } of session?.attacks.values() ?? [])
    expect([tried > 10, taken]).toEqual([true, 0]);
  // The simulation sees fraud where there is some.
  expect(fraud(open)).toBeGreaterThan(5);
  expect(fraud(session)).toBe(0);
});

it("fails for each target that is missed", () => {
  const [path] = PATHS.filter(({ target }) => target);
  const played = (counts: Partial<Counts>, others: Partial<Played> = {}): Played => ({
    paths: new Map([
      [
        path?.name ?? "",
        { due: 100, known: 80, right: 85, wrong: 5, organic: 1000, credited: 10, fraud: 0, ...counts },
      ],
    ]),
    attacks: new Map(),
    byMemory: 0,
    doubled: 0,
    pending: 0,
    ...others,
  });
  const found = (one: Played) =>
    problems([
      { protocol: { name: "form" }, played: [played({})] },
      { protocol: { name: "x", session: "timed", targets: "all" }, played: [one] },
    ]);
  expect(found(played({ credited: 11 }))).toEqual([]);
  expect(found(played({ right: 84 }))).toEqual([
    "x: 84.0 % are credited to the right click, fewer than 85 %.",
  ]);
  expect(found(played({ known: 86 }))).toEqual([
    "x: of 86 sign-ups whose click the browser knew, 85 are credited to it.",
  ]);
  expect(found(played({ credited: 12 }))).toEqual([
    "x: 1.2 % of the organic sign-ups are credited, 1.0 % without click memory.",
  ]);
  expect(found(played({ fraud: 1 }))).toEqual(["x: 1 sign-ups are credited to an attacker."]);
  expect(found(played({}, { doubled: 1 }))).toEqual(["x: 1 leads are doubled."]);
  expect(found(played({}, { pending: 1 }))).toEqual(["x: 1 events are pending at the end."]);
  expect(found(played({}, { attacks: new Map([["a", { tried: 2, taken: 1 }]]) }))).toEqual([
    "x: 1 attacks were taken.",
  ]);
});
