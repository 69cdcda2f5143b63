import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { outcomeOf, outcomeOfFinding, type Search, type Situation } from "../../src/deliver/outcome.ts";
import { nextWait } from "../../src/deliver/schedule.ts";
import { type Answer, trackLead, waitOf } from "../../src/dub/client.ts";
import type { Found } from "../../src/dub/find.ts";
import { statusOf } from "../../src/states.ts";
import { START } from "../support/app.ts";

const REGISTER: Situation = {
  phase: "register",
  delivery: "register-then-record",
  registerOnly: false,
  doubt: null,
  hasClickId: true,
};
const RECORD: Situation = { ...REGISTER, phase: "record" };
const SINGLE: Situation = { ...RECORD, delivery: "single" };
const LINK = { id: "link_1" };
const error = (status: number, message: string, code: string | null = "x"): Answer => ({
  kind: "error",
  status,
  code,
  message,
  waitMs: status === 429 ? 5000 : null,
  perMinute: 1200,
});
const NOT_FOUND = "Click event not found for clickId: abc";

describe("outcomeOf", () => {
  it.each<[string, Answer, Situation, object]>([
    ["200 with link, registering", { kind: "ok", status: 200, link: LINK }, REGISTER, { kind: "registered" }],
    [
      "200 with link, registering is all",
      { kind: "ok", status: 200, link: LINK },
      { ...REGISTER, registerOnly: true },
      { kind: "end", reason: "customer_registered" },
    ],
    [
      "200 without link, registering",
      { kind: "ok", status: 200, link: null },
      REGISTER,
      { kind: "retry", reason: "dub_error", doubt: null },
    ],
    [
      "200 with link",
      { kind: "ok", status: 200, link: LINK },
      RECORD,
      { kind: "end", reason: "recorded", certain: true },
    ],
    [
      "200 without link",
      { kind: "ok", status: 200, link: null },
      RECORD,
      { kind: "end", reason: "duplicate_at_dub" },
    ],
    [
      "200 without link, in doubt",
      { kind: "ok", status: 200, link: null },
      { ...RECORD, doubt: "unknown" },
      { kind: "ask" },
    ],
    [
      "200 with another body",
      { kind: "unreadable", status: 200, message: "" },
      RECORD,
      { kind: "retry", reason: "dub_error", doubt: "unknown" },
    ],
    [
      "no answer, registering",
      { kind: "none", message: "" },
      REGISTER,
      { kind: "retry", reason: "dub_unreachable", doubt: null },
    ],
    [
      "no answer",
      { kind: "none", message: "" },
      RECORD,
      { kind: "retry", reason: "dub_unreachable", doubt: "unknown" },
    ],
    ["500, registering", error(500, ""), REGISTER, { kind: "retry", reason: "dub_error", doubt: null }],
    ["500", error(500, ""), RECORD, { kind: "retry", reason: "dub_error", doubt: "failed" }],
    ["500 with HTML", error(500, "", null), RECORD, { kind: "retry", reason: "dub_error", doubt: "unknown" }],
    [
      "200 without link after Dub said it failed",
      { kind: "ok", status: 200, link: null },
      { ...RECORD, doubt: "failed" },
      { kind: "ask" },
    ],
    ["502 with HTML", error(502, "", null), RECORD, { kind: "retry", reason: "dub_error", doubt: "unknown" }],
    ["429 leaves no doubt", error(429, ""), RECORD, { kind: "throttled", waitMs: 5000 }],
    ["302", error(302, "", null), REGISTER, { kind: "hold", reason: "dub_address" }],
    ["401", error(401, ""), REGISTER, { kind: "hold", reason: "dub_key_refused" }],
    ["403", error(403, ""), REGISTER, { kind: "hold", reason: "dub_plan_or_role" }],
    ["409", error(409, ""), REGISTER, { kind: "hold", reason: "dub_workspace" }],
    ["410", error(410, ""), REGISTER, { kind: "hold", reason: "dub_workspace" }],
    [
      "404 workspace",
      error(404, "Workspace not found."),
      REGISTER,
      { kind: "hold", reason: "dub_workspace" },
    ],
    ["404 with HTML", error(404, "Not Found", null), REGISTER, { kind: "hold", reason: "dub_address" }],
    ["404 in other words", error(404, "No such thing"), REGISTER, { kind: "hold", reason: "dub_address" }],
    [
      "404 click, registering",
      error(404, NOT_FOUND),
      REGISTER,
      { kind: "retry", reason: "click_not_found_yet", giveUp: { reason: "unknown_click" } },
    ],
    [
      "404 click, recording",
      error(404, NOT_FOUND),
      RECORD,
      { kind: "hold", reason: "dedup_blocked", operator: false },
    ],
    ["404 click, single", error(404, NOT_FOUND), SINGLE, { kind: "end", reason: "unknown_click" }],
    [
      "404 foreign link",
      error(404, "Link for clickId a does not belong to the workspace"),
      REGISTER,
      { kind: "end", reason: "other_workspace" },
    ],
    [
      "404 disabled link",
      error(404, "Link for clickId a is disabled, lead not tracked"),
      REGISTER,
      { kind: "end", reason: "link_disabled" },
    ],
    [
      "404 deleted link",
      error(404, "Link not found for clickId: a"),
      REGISTER,
      { kind: "end", reason: "link_missing" },
    ],
    [
      "400 unknown customer, no click id",
      error(400, "… and no existing customer with the provided …"),
      { ...REGISTER, hasClickId: false },
      { kind: "retry", reason: "customer_not_known_yet", giveUp: { reason: "unknown_customer" } },
    ],
    [
      "400",
      error(400, "customerExternalId is required"),
      REGISTER,
      { kind: "end", reason: "refused_by_dub" },
    ],
    [
      "422",
      error(422, "too_big: customerName"),
      REGISTER,
      { kind: "end", reason: "refused_by_dub", detail: "too_big: customerName" },
    ],
    ["413", error(413, "", null), REGISTER, { kind: "end", reason: "refused_by_dub" }],
  ])("%s", (_, answer, situation, expected) => {
    expect(outcomeOf(answer, situation)).toMatchObject(expected);
  });

  it("never says delivered without Dub's 200, nor certain without a link", () => {
    const answers = fc.oneof<fc.Arbitrary<Answer>[]>(
      fc.record({
        kind: fc.constant("ok" as const),
        status: fc.constant(200),
        link: fc.constantFrom(LINK, null),
      }),
      fc.record({
        kind: fc.constant("error" as const),
        status: fc.integer({ min: 300, max: 599 }),
        code: fc.constantFrom("x", null),
        message: fc.constantFrom(NOT_FOUND, "Workspace", "", "is disabled"),
        waitMs: fc.constant(null),
        perMinute: fc.constant(null),
      }),
      fc.constant({ kind: "none" as const, message: "" }),
    );
    const situations = fc.record({
      phase: fc.constantFrom("register" as const, "record" as const),
      delivery: fc.constantFrom("register-then-record" as const, "single" as const),
      registerOnly: fc.boolean(),
      doubt: fc.constantFrom("failed" as const, "unknown" as const, null),
      hasClickId: fc.boolean(),
    });
    fc.assert(
      fc.property(answers, situations, (answer, situation) => {
        const outcome = outcomeOf(answer, situation);
        const delivered = outcome.kind === "end" && statusOf(outcome.reason) === "delivered";
        if (delivered) expect(answer.kind).toBe("ok");
        if (outcome.kind === "end" && outcome.certain) expect(answer).toMatchObject({ link: LINK });
      }),
    );
  });
});

describe("outcomeOfFinding", () => {
  const present: Found = { kind: "present", link: LINK };
  const refused: Found = { kind: "refused", message: "GET /events: 403" };
  const failed: Found = { kind: "failed", message: "GET /events: 503" };
  const lost: Search = { delivery: "register-then-record", doubt: "unknown", age: 60_000, forgotten: false };
  const said: Search = { ...lost, doubt: "failed" };
  const later = { age: 8 * 86_400_000, forgotten: true };
  const single = { delivery: "single" } as const;
  const blocked = { kind: "hold", reason: "dedup_blocked" };
  it.each<[string, Found, Search, object | null]>([
    ["listed", present, lost, { kind: "end", reason: "recorded", certain: true, link: LINK }],
    ["listed, of which Dub said that it failed", present, said, { kind: "end", reason: "duplicate_at_dub" }],
    ["listed after the key has run out", present, { ...lost, ...later }, { kind: "end", reason: "recorded" }],
    ["not listed yet", { kind: "absent" }, lost, { kind: "hold", reason: "unconfirmed", waitMs: 3_600_000 }],
    ["not listed after an hour", { kind: "absent" }, { ...lost, age: 3_600_000 }, blocked],
    ["not listed, of which Dub said that it failed", { kind: "absent" }, said, blocked],
    ["not listed after the key has run out", { kind: "absent" }, { ...lost, ...later }, null],
    ["no answer", failed, lost, { kind: "retry", reason: "dub_error", doubt: "unknown" }],
    [
      "no answer after the key has run out",
      failed,
      { ...said, ...later },
      { kind: "retry", doubt: "failed" },
    ],
    ["not allowed", refused, lost, { kind: "end", reason: "recorded_unconfirmed", certain: false }],
    ["not allowed, single", refused, { ...lost, ...single }, { kind: "end", reason: "possibly_lost" }],
    ["not allowed, Dub said that it failed", refused, said, blocked],
    ["not allowed, Dub said so, single", refused, { ...said, ...single }, { reason: "possibly_lost" }],
    ["not allowed after the key has run out", refused, { ...lost, ...later }, { reason: "possibly_lost" }],
    ["not allowed, Dub said so, and the key has run out", refused, { ...said, ...later }, null],
  ])("%s", (_, found, search, expected) => {
    const outcome = outcomeOfFinding(found, search);
    if (expected === null) expect(outcome).toBeNull();
    else expect(outcome).toMatchObject(expected);
  });
});

it.each([
  ["epoch milliseconds", String(START + 12_345), 12_345],
  ["epoch seconds", String(START / 1000 + 30), 30_000],
  ["seconds", "7", 7000],
  ["a window that has ended", String(START - 5000), 1000],
  ["more than the window", "3600", 60_000],
  ["a year ahead in milliseconds", String(START + 3e10), 60_000],
  ["nonsense", "soon", 60_000],
  ["a negative number", "-1", 60_000],
])("Retry-After as %s", (_, value, wait) => {
  expect(waitOf(new Headers({ "retry-after": value }), START)).toBe(wait);
});

it("takes the schedule's waits in order, longer by jitter and never shorter, and ends", () => {
  const schedule = [30, 120, 600];
  const end = { reason: "retries_exhausted" } as const;
  expect([0, 1, 2, 3].map((retries) => nextWait(schedule, retries, end, 0))).toEqual([
    30_000,
    120_000,
    600_000,
    null,
  ]);
  expect(nextWait(schedule, 0, end, 0.999)).toBe(32_997);
  expect([0, 1, 2].map((retries) => nextWait(schedule, retries, { ...end, after: 200_000 }, 0))).toEqual([
    30_000,
    120_000,
    null,
  ]);
});

it("never throws and never follows a redirect, whatever answers", async () => {
  const lead = { clickId: "a", eventName: "b", customerExternalId: "c" };
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 200, max: 599 }).filter((status) => ![204, 205, 304].includes(status)),
      fc.oneof(fc.string(), fc.json(), fc.constant('{"link":{"id":1}}')),
      async (status, body) => {
        const seen: Request[] = [];
        const fetch = async (request: Request) => {
          seen.push(request);
          return new Response(body, { status });
        };
        const answer = await trackLead(
          { url: "https://api.dub.co", key: "dub_x", fetch, now: () => START },
          lead,
        );
        expect(seen[0]?.redirect).toBe("manual");
        if (answer.kind === "ok") expect(JSON.parse(body)).toHaveProperty("link");
        else expect(answer.message.length).toBeLessThanOrEqual(300);
      },
    ),
  );
});
