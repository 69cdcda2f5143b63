/** When the share of sign-ups with a click id has dropped so far that the sign-up form most likely broke. */
import { describe, expect, it } from "vitest";
import { checkClickShare, clickShareSince } from "../../src/admin/click-share.ts";
import type { Count } from "../../src/ledger/hours.ts";
import type { Reason } from "../../src/states.ts";
import { open, TOKEN } from "../support/admin.ts";
import { DAY, db, HOUR, START } from "../support/app.ts";

const TODAY = START - (START % DAY);
/** Sign-ups of one day and provider: with a click id, and without. `daysAgo`: 0 is today. */
const day = (daysAgo: number, withClick: number, without: number, provider = "clerk"): Count[] =>
  (
    [
      ["recorded", withClick],
      ["no_click_id", without],
    ] as [Reason, number][]
  ).map(([reason, events]) => ({ at: TODAY - daysAgo * DAY, provider, reason, events, byMemory: 0 }));
/** The same in each of the days from `from` to `to` days ago. */
const days = (from: number, to: number, ...of: [number, number, string?]) =>
  Array.from({ length: to - from + 1 }, (_, i) => day(from + i, ...of)).flat();
/** Ten of twenty sign-ups a day. */
const BEFORE = days(7, 34, 10, 10);

describe("a drop", () => {
  it.each<[string, Count[], string | null]>([
    ["none at all", [], null],
    ["no sign-up lately", BEFORE, null],
    ["the same share", [...BEFORE, ...days(0, 6, 10, 10)], "ok: 20 of 40 sign-ups (50 %) of the last 2 days"],
    [
      "a form that broke two days ago",
      [...BEFORE, ...days(2, 6, 10, 10), ...days(0, 1, 0, 20)],
      "problem: 0 of 40 sign-ups (0 %) of the last 2 days carried one, 280 of 560 sign-ups (50 %) of the 28 days before",
    ],
    [
      "a form that broke yesterday in the evening",
      [...BEFORE, ...days(1, 6, 10, 10), ...day(0, 0, 20)],
      "ok: 10 of 40 sign-ups (25 %)",
    ],
    ["just below half", [...BEFORE, ...days(0, 1, 5, 16)], "problem: 10 of 42 sign-ups (24 %)"],
    [
      "many more sign-ups without one, such as by an import",
      [...BEFORE, ...days(0, 1, 10, 90)],
      "problem: 20 of 200 sign-ups (10 %)",
    ],
    [
      "few sign-ups: more days are taken",
      [...days(7, 34, 2, 2), ...days(0, 6, 0, 6)],
      "problem: 0 of 42 sign-ups (0 %) of the last 7 days",
    ],
    [
      "days without sign-ups",
      [...BEFORE, ...days(0, 4, 0, 0), ...days(5, 6, 0, 20)],
      "problem: 0 of 40 sign-ups (0 %) of the last 7 days",
    ],
    ["too few sign-ups in seven days", [...days(7, 34, 2, 2), ...days(0, 6, 0, 5)], null],
    ["too few before", [...days(7, 7, 20, 20), ...days(0, 6, 0, 20)], null],
    [
      "enough before",
      [...days(7, 7, 20, 30), ...days(0, 6, 0, 20)],
      "problem: 0 of 60 sign-ups (0 %) of the last 3 days",
    ],
    ["no click id before either", [...days(7, 34, 0, 20), ...days(0, 6, 0, 20)], null],
    ["a share that is low, and stays so", [...days(7, 34, 1, 99), ...days(0, 6, 1, 99)], null],
    [
      "a share that grows",
      [...days(7, 34, 5, 15), ...days(0, 6, 15, 5)],
      "ok: 60 of 80 sign-ups (75 %) of the last 4 days",
    ],
    [
      "what is no sign-up",
      [
        ...BEFORE,
        ...days(0, 1, 10, 10),
        { ...(day(0, 0, 0)[0] as Count), reason: "duplicate_here", events: 900 },
      ],
      "ok: 20 of 40",
    ],
  ])("%s", (_, counts, said) => {
    const [check, ...more] = checkClickShare(counts, START);
    expect(more).toEqual([]);
    if (said === null) expect(check).toBeUndefined();
    else expect(`${check?.state}: ${check?.says}`.slice(0, said.length)).toBe(said);
  });

  it("is told of its provider alone, also when the others have many more sign-ups", () => {
    const counts = [
      ...BEFORE,
      ...days(0, 6, 0, 20),
      ...days(0, 34, 500, 500, "stripe"),
      ...days(0, 34, 0, 500, "auth0"),
    ];
    expect(checkClickShare(counts, START).map(({ what, state }) => [what, state])).toEqual([
      ["click ids of clerk", "problem"],
      ["click ids of stripe", "ok"],
    ]);
  });
});

it("is a check of the status and a banner of the overview, from the sums of hours", async () => {
  const app = await open();
  const rows = [...BEFORE, ...days(1, 2, 0, 20)].map(({ at, ...rest }) => ({ ...rest, hour: at + 9 * HOUR }));
  const old = { provider: "clerk", reason: "recorded", events: 5000, hour: clickShareSince(START) - HOUR };
  const insert = db.prepare("INSERT INTO hours (hour, provider, reason, events) VALUES (?1, ?2, ?3, ?4)");
  await db.batch([...rows, old].map((one) => insert.bind(one.hour, one.provider, one.reason, one.events)));
  await db
    .prepare("INSERT OR REPLACE INTO marks (name, at, value) VALUES ('hours', ?1, 0)")
    .bind(START)
    .run();
  const ask = async (path: string) =>
    (
      await app.fetch(
        new Request(`https://leads.example${path}`, { headers: { authorization: `Bearer ${TOKEN}` } }),
      )
    ).text();
  const says = "0 of 40 sign-ups (0 %) of the last 3 days carried one, 280 of 560 sign-ups (50 %)";
  expect(await ask("/api/status")).toContain(`"what":"click ids of clerk","state":"problem","says":"${says}`);
  expect(await ask("/admin")).toContain(`<strong>click ids of clerk</strong> – ${says}`);
});
