import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { outcomeOf, type Situation } from "../../src/deliver/outcome.ts";
import { nextWait } from "../../src/deliver/schedule.ts";
import { type Answer, trackLead, waitOf } from "../../src/dub/client.ts";
import { statusOf } from "../../src/states.ts";
import { START } from "../support/app.ts";

const REGISTER: Situation = {
  phase: "register",
  delivery: "register-then-record",
  registerOnly: false,
  doubt: null,
  clickId: "Xk3pQ9vLm2RtYw7B",
  awaited: false,
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
      { kind: "end", reason: "recorded", doubt: null },
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
      { kind: "deduplicated" },
    ],
    [
      "404 of Dub in words that are new, recording: the dedup key may be set",
      error(404, "Something is missing", "not_found"),
      SINGLE,
      { kind: "retry", reason: "dub_address", doubt: "failed" },
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
      { kind: "deduplicated" },
    ],
    ["502 with HTML", error(502, "", null), RECORD, { kind: "retry", reason: "dub_error", doubt: "unknown" }],
    [
      "429 leaves no doubt",
      error(429, ""),
      RECORD,
      { kind: "wait", reason: "rate_limited", waitMs: 7000, pause: "rate_limit", doubt: null },
    ],
    [
      "302",
      error(302, "", null),
      REGISTER,
      { kind: "retry", reason: "dub_address", giveUp: { reason: "retries_exhausted", unlessAllFail: true } },
    ],
    ["401", error(401, ""), REGISTER, { kind: "wait", reason: "dub_key_refused", pause: "setting" }],
    ["403", error(403, ""), REGISTER, { kind: "wait", reason: "dub_plan_or_role", pause: "setting" }],
    ["409", error(409, ""), REGISTER, { kind: "wait", reason: "dub_workspace", pause: "setting" }],
    ["410", error(410, ""), REGISTER, { kind: "wait", reason: "dub_workspace", pause: "setting" }],
    [
      "404 workspace",
      error(404, "Workspace not found."),
      REGISTER,
      { kind: "wait", reason: "dub_workspace", pause: "setting" },
    ],
    [
      "404 with HTML",
      error(404, "Not Found", null),
      REGISTER,
      { kind: "retry", reason: "dub_address", giveUp: { reason: "retries_exhausted", unlessAllFail: true } },
    ],
    [
      "404 in other words",
      error(404, "No such thing"),
      REGISTER,
      { kind: "retry", reason: "dub_address", giveUp: { reason: "retries_exhausted", unlessAllFail: true } },
    ],
    [
      "404 click, registering",
      error(404, NOT_FOUND),
      REGISTER,
      {
        kind: "retry",
        reason: "click_not_found_yet",
        giveUp: { reason: "unknown_click", unlessAllFail: true },
      },
    ],
    [
      "404 click that does not look like Dub's, registering",
      error(404, NOT_FOUND),
      { ...REGISTER, clickId: "hello" },
      { kind: "retry", giveUp: { reason: "unknown_click", unlessAllFail: true, after: 7_200_000 } },
    ],
    [
      "400 unknown customer whose other lead is pending",
      error(400, "… and no existing customer with the provided …"),
      { ...REGISTER, clickId: "", awaited: true },
      { kind: "wait", reason: "customer_not_known_yet" },
    ],
    [
      "404 click, recording",
      error(404, NOT_FOUND),
      RECORD,
      { kind: "wait", reason: "dedup_blocked", doubt: "failed" },
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
      { ...REGISTER, clickId: "" },
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
    ["418", error(418, ""), REGISTER, { kind: "end", reason: "refused_by_dub" }],
  ])("%s", (_, answer, situation, expected) => {
    expect(outcomeOf(answer, situation)).toMatchObject(expected);
  });

  it.each([
    300, 302, 400, 401, 402, 403, 404, 405, 406, 409, 410, 411, 413, 415, 418, 421, 422, 428, 431, 451, 499,
  ])(
    "%s without Dub's JSON is something in between: it ends no lead, and a recording call may have got through",
    (status) => {
      const retried = { kind: "retry", reason: "dub_address", giveUp: { reason: "retries_exhausted" } };
      expect(outcomeOf(error(status, "", null), REGISTER)).toMatchObject({ ...retried, doubt: null });
      expect(outcomeOf(error(status, "", null), RECORD)).toMatchObject({ ...retried, doubt: "unknown" });
    },
  );

  it("never says delivered without Dub's 200 and its link", () => {
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
      clickId: fc.constantFrom("Xk3pQ9vLm2RtYw7B", "hello", ""),
      awaited: fc.boolean(),
    });
    fc.assert(
      fc.property(answers, situations, (answer, situation) => {
        const outcome = outcomeOf(answer, situation);
        const delivered = outcome.kind === "end" && statusOf(outcome.reason) === "delivered";
        if (delivered) expect(answer).toMatchObject({ kind: "ok", link: LINK });
      }),
    );
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
  expect([0, 1, 2, 3].map((retries) => nextWait(schedule, retries, {}, 0))).toEqual([
    30_000,
    120_000,
    600_000,
    null,
  ]);
  expect(nextWait(schedule, 0, {}, 0.999)).toBe(32_997);
  expect([0, 1, 2].map((retries) => nextWait(schedule, retries, { after: 200_000 }, 0))).toEqual([
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
