/** The fault harness in short: `npm run test:faults` is the long form. */
import { describe, expect, it } from "vitest";
import { makePlan } from "../faults/plan.ts";
import { account, problems, sum } from "../faults/report.ts";
import { run } from "../faults/run.ts";

const common = { size: 1, seed: 3 };

describe.concurrent("every sign-up that can be a lead becomes exactly one, whatever fails and whenever it is killed", () => {
  it("registered first, no lead is lost or doubled, and every acknowledged event comes to an end", async () => {
    const result = await run({ ...common, delivery: "register-then-record", analytics: true, kills: 2 });
    const lines = account(result);
    for (const line of lines)
      expect(line).toMatchObject({ recorded: line.leads, lost: 0, doubled: 0, open: 0 });
    expect(sum(lines).leads).toBeGreaterThan(10);
    expect(sum(lines).sent).toBeGreaterThan(sum(lines).events);
    for (const ids of result.acknowledged.values()) expect(ids.size).toBeGreaterThan(0);
    expect(new Set(result.rows.map(({ id }) => id)).size).toBe(sum(lines).events);
    expect(result.calls).toBeGreaterThan(sum(lines).recorded * 2);
  });

  it("recorded at once, those are lost whose click Dub could not look up, and none is doubled", async () => {
    const lines = account(await run({ ...common, delivery: "single", analytics: true, kills: 0 }));
    expect(sum(lines)).toMatchObject({ doubled: 0, open: 0 });
    for (const { fault, lost } of lines)
      expect([fault, lost > 0]).toEqual([fault, /click store/.test(fault)]);
  });
});

describe("what fails a run", () => {
  const common = { delivery: "register-then-record", size: 1, kills: 1, seed: 1 } as const;
  const none = sum([]);
  const asking = { ...common, analytics: true };
  const notAsking = { ...common, analytics: false };

  it("a doubled lead or an event without an end, in every run", () => {
    for (const options of [asking, notAsking, { ...asking, delivery: "single" as const }]) {
      expect(problems(options, none)).toEqual([]);
      expect(problems(options, { ...none, doubled: 1, open: 2 })).toEqual([
        "2 acknowledged events have no end.",
        "1 leads are doubled.",
      ]);
    }
  });
  it("a lost lead, unless the key may not ask and the ledger reports the lead as uncertain", () => {
    const lost = { ...none, lost: 3, uncertain: 2 };
    expect(problems(asking, lost)).toEqual(["3 leads are lost."]);
    expect(problems(notAsking, lost)).toEqual(["1 leads are lost and not reported as uncertain."]);
    expect(problems(notAsking, { ...lost, uncertain: 3 })).toEqual([]);
    expect(problems({ ...asking, delivery: "single" }, lost)).toEqual([]);
  });
});

it("a plan sends trials and told clicks before, after and together with their sign-ups", () => {
  const { leads, sends } = makePlan(10, 1);
  const trials = leads.filter(({ eventName }) => eventName === "Started Trial");
  expect(trials).toHaveLength(40);
  expect(trials.every(({ clickId }) => clickId === null)).toBe(true);
  const named = (one: (typeof sends)[number]["webhooks"][number] | undefined) =>
    one && "leads" in one ? `${one.provider} ${one.leads[0]?.eventName}` : "click";
  const ordersOf = (first: string) =>
    new Set(
      sends.flatMap(({ webhooks: [one, two], inTurn }) => {
        if (![named(one), two && named(two)].includes(first)) return [];
        return inTurn ? `${named(one)} first` : "together";
      }),
    );
  expect(ordersOf("stripe Started Trial")).toEqual(
    new Set(["stripe Sign Up first", "stripe Started Trial first", "together"]),
  );
  expect(ordersOf("click")).toEqual(new Set(["clerk Sign Up first", "click first", "together"]));
});
