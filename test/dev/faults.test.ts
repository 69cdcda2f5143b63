/** The fault harness in short: `npm run test:faults` is the long form. */
import { describe, expect, it } from "vitest";
import { account, sum } from "../faults/report.ts";
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
