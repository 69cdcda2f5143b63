/** Which problem of delivery follows from which. */
import { expect, it } from "vitest";
import { checkFlow } from "../../src/admin/checks.ts";
import type { Check } from "../../src/admin/schema.ts";
import type { Report } from "../../src/ledger/report.ts";
import { DAY, HOUR, START } from "../support/app.ts";

const GOOD: Report = {
  marks: { cron: { at: START, value: null } },
  pauses: [],
  refusals: [],
  ignored: [],
  lastEvents: [],
  counts: [],
  clicks: { remembered: 0, lastToldAt: null },
  broken: [
    { reason: "retries_exhausted", events: 2 },
    { reason: "refused_by_dub", events: 1 },
  ],
  oldestAt: START,
  dueSince: START,
};
const problem = (what: string): Check => ({ what, state: "problem", says: "is wrong", todo: "correct it" });
const pause = (name: "rate_limit" | "outage" | "setting", reason: Report["pauses"][number]["reason"]) => ({
  name,
  reason,
  until: START + HOUR,
  count: 1,
});
const LATE = { dueSince: START - 2 * HOUR };
const STOPPED = { marks: { cron: { at: START - DAY, value: null } } };
const DOWN = { marks: { ...GOOD.marks, queue_down: { at: START, value: null } } };
const KEY = problem("DUB_API_KEY");

/** `cron`: what it follows from. `delivery`: its state, and what it follows from. `failed`: what the events that were tried to the end follow from. */
it.each<[string, Partial<Report>, Check[], { cron?: string; delivery: [string, string?]; failed?: string }]>([
  ["all is well", {}, [], { delivery: ["ok"] }],
  ["a wrong setting, and nothing to deliver", {}, [KEY], { delivery: ["ok"] }],
  ["stalled", LATE, [], { delivery: ["problem"], failed: "delivery" }],
  ["stalled without a key", LATE, [KEY], { delivery: ["problem", "DUB_API_KEY"], failed: "delivery" }],
  [
    "stalled by a wrong setting",
    LATE,
    [problem("settings to deliver"), KEY],
    { delivery: ["problem", "settings to deliver"], failed: "delivery" },
  ],
  [
    "stalled by a wrong setting, by which cron does nothing either",
    { ...LATE, ...STOPPED },
    [KEY],
    { cron: "DUB_API_KEY", delivery: ["problem", "DUB_API_KEY"], failed: "delivery" },
  ],
  [
    "no key and no cron: two causes",
    { ...LATE, ...STOPPED },
    [{ ...KEY, says: "is not set" }],
    { delivery: ["problem", "DUB_API_KEY"], failed: "delivery" },
  ],
  [
    "stalled, and a wrong setting that delivery does not need",
    LATE,
    [problem("ALERT_WEBHOOK_URL")],
    { delivery: ["problem"], failed: "delivery" },
  ],
  [
    "stalled without cron",
    { ...LATE, ...STOPPED },
    [],
    { delivery: ["problem", "cron trigger"], failed: "delivery" },
  ],
  [
    "stalled without a queue",
    { ...LATE, ...DOWN },
    [],
    { delivery: ["problem", "queue"], failed: "delivery" },
  ],
  [
    "a pause without cron: for its own cause",
    { ...LATE, ...STOPPED, pauses: [pause("outage", "dub_error")] },
    [],
    { delivery: ["problem"], failed: "delivery" },
  ],
  [
    "no key: leads wait for it and do not fail",
    { pauses: [pause("setting", "dub_key_missing")] },
    [KEY],
    { delivery: ["problem", "DUB_API_KEY"] },
  ],
  ["a refused key", { pauses: [pause("setting", "dub_key_refused")] }, [], { delivery: ["problem"] }],
  [
    "a wrong address: leads fail by it",
    { pauses: [pause("setting", "dub_address")] },
    [],
    { delivery: ["problem"], failed: "delivery" },
  ],
  ["Dub's rate limit", { pauses: [pause("rate_limit", "rate_limited")] }, [], { delivery: ["ok"] }],
  [
    "a pause that is over",
    { pauses: [{ ...pause("outage", "dub_error"), until: START }] },
    [],
    { delivery: ["ok"] },
  ],
])("%s", (_, report, settings, expected) => {
  const checks = checkFlow({ ...GOOD, ...report }, [], settings, START);
  const because = (reason: string) => checks.find((one) => one.reason === reason)?.because;
  const delivery = checks.filter(({ what }) => what === "delivery");
  expect(delivery.map((one) => [one.state, one.because])).toEqual([
    [expected.delivery[0], expected.delivery[1]],
  ]);
  expect(checks.find(({ what }) => what === "cron trigger")?.because).toBe(expected.cron);
  expect(because("retries_exhausted")).toBe(expected.failed);
  expect(because("refused_by_dub")).toBeUndefined();
});

it("of several pauses, what needs the operator comes first", () => {
  const pauses = [
    pause("rate_limit", "rate_limited"),
    pause("outage", "dub_error"),
    pause("setting", "dub_plan_or_role"),
  ];
  const [delivery] = checkFlow({ ...GOOD, pauses }, [], [], START).filter(({ what }) => what === "delivery");
  expect(delivery).toMatchObject({ state: "problem", todo: expect.stringMatching(/^upgrade/) });
  expect(delivery?.says).toMatch(/below Business.*server error.*rate limit/);
});
