/** The fault harness in short: `npm run test:faults` is the long form. */
import { describe, expect, it } from "vitest";
import { account, sum } from "../faults/report.ts";
import { run } from "../faults/run.ts";

describe.concurrent("every sign-up that can be a lead becomes exactly one, whatever fails and whenever it is killed", () => {
  it("registered first, no lead is lost or doubled, and every acknowledged event comes to an end", async () => {
    const result = await run({ delivery: "register-then-record", size: 1, kills: 2, seed: 3 });
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
    const lines = account(await run({ delivery: "single", size: 1, kills: 0, seed: 3 }));
    expect(sum(lines)).toMatchObject({ doubled: 0, open: 0, lost: 1 });
    expect(lines.find(({ lost }) => lost > 0)?.fault).toBe("404 while the click store is down");
  });
});
