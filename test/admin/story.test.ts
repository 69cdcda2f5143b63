/** The sentences of an event's story. */
import { describe, expect, it } from "vitest";
import { duration, type Holder, type StoryOf, sentence, storyOf } from "../../src/admin/story.ts";
import type { AttemptRow, WholeRow } from "../../src/ledger/search.ts";
import { REASONS, type Reason, reasonsWhere } from "../../src/states.ts";
import { HOUR, MINUTE, SECOND } from "../../src/time.ts";

const START = Date.UTC(2026, 2, 10, 12);
const LEAD = {
  clickId: "Xk3pQ9vLm2RtYw7B",
  eventName: "Sign Up",
  customerExternalId: "user_1",
  customerEmail: "mira@example.com",
};

function row(reason: Reason, more: Partial<WholeRow> = {}): WholeRow {
  return {
    rowid: 1,
    id: "w1-lGwpAgC3EFMarc7zdzQ",
    provider: "clerk",
    eventId: "msg_1",
    type: "user.created",
    status: REASONS[reason].status,
    reason,
    detail: null,
    warnings: null,
    lead: JSON.stringify(LEAD),
    link: null,
    receivedAt: START,
    replayedAt: null,
    nextAttemptAt: null,
    deliveredAt: null,
    tries: 0,
    payload: "{}",
    doubt: null,
    doubtSince: null,
    leaseUntil: 0,
    deliveredBy: null,
    atDub: null,
    atDubSince: null,
    dubClick: null,
    clickedAt: null,
    retries: 0,
    claims: 0,
    clickBy: null,
    clickToldAt: null,
    signedUpAt: null,
    waitsKey: null,
    ...more,
  };
}

type Given = Partial<Omit<StoryOf, "row">> & { row: WholeRow };

function readDetails(given: Given): string[] {
  return storyOf({
    attempts: [],
    now: START + MINUTE,
    lead: LEAD,
    link: null,
    warnings: [],
    holder: null,
    provider: { name: "Clerk", verify: { scheme: "standard-webhooks" }, secret: "CLERK_WEBHOOK_SECRET" },
    rule: { kind: "taken", index: 0, on: ["user.created"], when: undefined },
    delivery: { schedule: [30, 120, 600], pause: null },
    clicks: [],
    ...given,
  }).map(({ says }) => says);
}
const holder = (reason: Reason, link: Holder["link"] = null): Holder => ({
  id: "other_event",
  status: REASONS[reason].status,
  reason,
  link,
});
const last = (given: Given) => readDetails(given).at(-1);

const attempt = (reason: Reason, more: Partial<AttemptRow> = {}): AttemptRow => ({
  at: START + 30 * SECOND,
  phase: "record",
  httpStatus: 500,
  reason,
  message: "An internal server error occurred.",
  milliseconds: 120,
  ...more,
});

it.each(Object.keys(REASONS) as Reason[])("%s has a story of whole sentences", (reason) => {
  const story = readDetails({
    row: row(reason, { nextAttemptAt: START + HOUR }),
    attempts: [attempt(reason)],
  });
  for (const says of story) {
    expect(says).toMatch(/^[A-Z0-9].*[.!]$/);
    expect(says).not.toMatch(/undefined|null|NaN|\[object|\.\.|: \.|, \./);
  }
  expect(story[0]).toBe(
    "Clerk sent a webhook with an event of type “user.created”. The provider's id for it is “msg_1”; when it is sent again, nothing happens twice.",
  );
});

const FIRST = "wait 1 of 3 of the retry schedule (RETRY_SCHEDULE) is 30 seconds, and up to a tenth more";
const SETTING =
  "with a wrong setting one lead asks again each hour, and all others follow when Dub answers it";
const NEXT: Partial<Record<Reason, string>> = {
  dub_error: `${FIRST}. After the last wait it fails.`,
  dub_unreachable: `${FIRST}. After the last wait it fails.`,
  rate_limited: "Dub's rate limit counts over a minute, and that window has ended then.",
  click_not_found_yet: `${FIRST}. After the last wait, or about two hours if the click id does not look like one of Dub, it is rejected`,
  customer_not_known_yet: "while another lead of the customer is pending here, it is tried every ten minutes",
  unconfirmed: "Dub lists a lead within an hour after it has recorded it",
  dedup_blocked: "Dub forgets after seven days that it has seen the lead",
  dub_key_missing: SETTING,
  dub_key_refused: SETTING,
  dub_plan_or_role: SETTING,
  dub_workspace: SETTING,
  dub_address: `${FIRST}. After the last wait it fails; while Dub accepts no lead at all, it is tried each hour`,
  new: "by the retry schedule",
  replayed: "by the retry schedule",
};

describe("when it is tried next, and why then", () => {
  it.each(reasonsWhere(({ status }) => status === "pending"))("%s", (reason) => {
    const retries = reason === "new" || reason === "replayed" ? 0 : 1;
    const says = last({
      row: row(reason, { nextAttemptAt: START + HOUR, retries }),
      attempts: [attempt(reason)],
    });
    expect(says).toContain("The next attempt is due at 2026-03-10 13:00:00 UTC, in 59 minutes: ");
    expect(says).toContain(NEXT[reason]);
  });

  const pause = { name: "setting", reason: "dub_key_refused", until: START + HOUR, count: 1 } as const;
  it.each<[string, Partial<StoryOf>, Partial<WholeRow>, string]>([
    ["due", {}, { nextAttemptAt: START }, "It is due since 2026-03-10 12:00:00 UTC: the queue brings it"],
    [
      "in a pause",
      { delivery: { schedule: [30], pause } },
      { nextAttemptAt: START },
      "All deliveries wait until 2026-03-10 13:00:00 UTC, or at once when DUB_API_KEY or DUB_API_URL is changed: Dub refuses the API key (401). It is tried after that. One lead is tried before all others then.",
    ],
    [
      "in a pause of the rate limit",
      { delivery: { schedule: [30], pause: { ...pause, name: "rate_limit", reason: "rate_limited" } } },
      { nextAttemptAt: START },
      "All deliveries wait until 2026-03-10 13:00:00 UTC: Dub's rate limit is reached. It is tried after that.",
    ],
    [
      "in a pause that ends before its time",
      { delivery: { schedule: [30], pause } },
      { nextAttemptAt: START + 2 * HOUR },
      "The next attempt is due at 2026-03-10 14:00:00 UTC",
    ],
    [
      "moved by a pause that is over",
      {},
      { reason: "dub_error", nextAttemptAt: START + HOUR, retries: 1 },
      `${FIRST}, or by a pause of all deliveries that ends then.`,
    ],
    [
      "with a wrong setting",
      { delivery: { problem: "RETRY_SCHEDULE must be seconds." } },
      {},
      "Nothing is delivered until a setting is corrected: RETRY_SCHEDULE must be seconds. Then it goes on by itself.",
    ],
    [
      "in delivery",
      {},
      { leaseUntil: START + 2 * MINUTE },
      "What comes next is decided by the answer of this delivery.",
    ],
  ])("%s", (_, more, columns, says) => {
    expect(last({ row: row("new", columns), ...more })).toContain(says);
  });
});

describe("how it ended", () => {
  const link = { id: "link_1", shortLink: "https://go.example/x", partnerId: "pn_1" };
  it.each<[string, Given, string]>([
    [
      "recorded",
      { row: row("recorded", { deliveredAt: START }), link },
      "It was delivered: Dub credited the link https://go.example/x, of the partner pn_1.",
    ],
    [
      "recorded, found in Dub's list",
      { row: row("recorded", { deliveredBy: "single" }) },
      "It was delivered: Dub has the lead, and named no link for it. The setting DUB_DELIVERY was single.",
    ],
    [
      "registered",
      { row: row("customer_registered"), link: { id: "link_1" } },
      "It was delivered: Dub keeps the customer with the link link_1, and counts no lead yet.",
    ],
    [
      "unconfirmed",
      { row: row("recorded_unconfirmed") },
      `It counts as delivered, without proof: ${REASONS.recorded_unconfirmed.means}.`,
    ],
    [
      "a duplicate of a delivered event",
      { row: row("duplicate_here"), holder: holder("recorded", link) },
      "It is a duplicate. Another event with the same customer and event name, other_event, is delivered: Dub credited the link https://go.example/x, of the partner pn_1.",
    ],
    [
      "a duplicate of an event whose link is not known",
      { row: row("duplicate_here"), holder: holder("recorded_unconfirmed") },
      `It is a duplicate. Another event with the same customer and event name, other_event, is delivered (recorded_unconfirmed): ${REASONS.recorded_unconfirmed.means}.`,
    ],
    [
      "a duplicate of a pending event",
      { row: row("duplicate_here"), holder: holder("dub_key_refused") },
      "It is a duplicate. Another event with the same customer and event name, other_event, is pending (dub_key_refused): Dub refuses the API key (401). If it ends without a lead, the oldest duplicate is delivered instead.",
    ],
    [
      "a duplicate of a duplicate at Dub",
      { row: row("duplicate_here"), holder: holder("duplicate_at_dub") },
      `It is a duplicate. Another event with the same customer and event name, other_event, is a duplicate (duplicate_at_dub): ${REASONS.duplicate_at_dub.means}.`,
    ],
    [
      "a duplicate whose event is not found",
      { row: row("duplicate_here") },
      "It is a duplicate: the same customer and event name is already pending or delivered.",
    ],
    [
      "a duplicate at Dub",
      { row: row("duplicate_at_dub") },
      "It is a duplicate: Dub already had this customer and event name, from another sender. Nothing was counted twice.",
    ],
    ["skipped", { row: row("no_click_id") }, `It ended as skipped: ${REASONS.no_click_id.means}.`],
    [
      "rejected, in detail",
      { row: row("no_customer_id", { detail: "lead.customerExternalId gave no value" }) },
      "It ended as rejected: the mapping gave no customerExternalId. In detail: “lead.customerExternalId gave no value”.",
    ],
  ])("%s", (_, given, says) => {
    expect(last(given)).toBe(says);
  });
});

describe("what came before", () => {
  it.each<[string, Given, string]>([
    [
      "a hash for an id",
      { row: row("recorded", { eventId: "sha256:abc" }) },
      "Neither the mapping file nor the webhook names an id for it, so a hash of its content recognises it",
    ],
    ["no type", { row: row("no_event_type", { type: null }) }, "with an event whose type could not be read."],
    [
      "a payload too large",
      { row: row("recorded", { payload: null }) },
      "Its payload was too large to be kept",
    ],
    [
      "a token",
      {
        row: row("recorded"),
        provider: { name: "X", verify: { scheme: "token", header: "x-key" }, secret: "X_WEBHOOK_SECRET" },
      },
      "It is genuine: it carried the secret itself X_WEBHOOK_SECRET in the header x-key (scheme token of today's mapping file",
    ],
    ["no mapping file", { row: row("recorded"), provider: null }, "By which scheme can't be said"],
    [
      "its rule",
      {
        row: row("recorded"),
        rule: { kind: "taken", index: 1, on: ["user.* if $clickId", "user.updated"], when: "data.id" },
      },
      "Rule 2 of today's mapping file takes it (leads[1], asked again just now): on user.* if $clickId or user.updated, when data.id.",
    ],
    [
      "no rule any more",
      { row: row("recorded"), rule: { kind: "none" } },
      "No rule of today's mapping file takes it",
    ],
    [
      "a lead without a click id",
      { row: row("recorded"), lead: { ...LEAD, clickId: "" } },
      "The mapping made the lead “Sign Up” of it, for customer “user_1”, e-mail “mira@example.com”, without a click id: Dub is to use",
    ],
    [
      "no lead",
      { row: row("no_click_id"), lead: { customerExternalId: "user_1" } },
      "The mapping made no lead of it to deliver. It can be found by what could be read of it: customer “user_1”.",
    ],
    [
      "a lead changed by hand",
      { row: row("lead_unreadable", { lead: "x" }), lead: null },
      "Its lead in the ledger is no JSON object",
    ],
    [
      "a warning",
      { row: row("recorded"), warnings: [{ field: "customerName", did: "cut to 100 characters" }] },
      "Warning about customerName: cut to 100 characters.",
    ],
    [
      "an answer",
      { row: row("recorded"), attempts: [attempt("dub_error")] },
      `Dub was asked to record the lead, which counts it. The answer was 500, “An internal server error occurred.”, after 120 milliseconds. That means: ${REASONS.dub_error.means}.`,
    ],
    [
      "no answer",
      {
        row: row("recorded"),
        attempts: [
          attempt("dub_unreachable", {
            phase: "register",
            httpStatus: null,
            message: "no answer within 10 s",
            milliseconds: 10_003,
          }),
        ],
      },
      "Dub was asked to register the customer with the click, which counts nothing yet. There was no answer, “no answer within 10 s”, after 10 seconds.",
    ],
    [
      "a doubt",
      { row: row("dub_error", { doubt: "unknown", doubtSince: START }) },
      "The lead is in doubt since 2026-03-10 12:00:00 UTC: the answer to a call that records the lead was lost, so nobody knows whether Dub has it. Before it is recorded again, Dub is asked whether it lists the lead",
    ],
    [
      "a doubt that is left",
      { row: row("possibly_lost", { doubt: "failed" }) },
      "The lead is in doubt: Dub answered that a recording call failed",
    ],
    [
      "a delivery that was cut off",
      { row: row("new", { claims: 2 }) },
      "2 deliveries were begun and the result was never stored",
    ],
    [
      "a delivery that goes on",
      { row: row("new", { claims: 1, leaseUntil: START + 2 * MINUTE }) },
      "It is being delivered at this moment: the result is expected by 2026-03-10 12:02:00 UTC.",
    ],
    [
      "retention",
      { row: row("recorded", { eventId: null, payload: null, lead: null }), lead: null },
      "were removed: at the end of the retention time (RETENTION_DAYS), or when the person was forgotten.",
    ],
  ])("%s", (_, given, says) => {
    expect(readDetails(given).join("\n")).toContain(says);
  });

  it("attempts and the last replay are in the order of time, the newest twenty", () => {
    const attempts = Array.from({ length: 25 }, (_, i) => attempt("dub_error", { at: START + i * MINUTE }));
    const story = storyOf({
      row: row("dub_error", { replayedAt: START + 24.5 * MINUTE - 1 }),
      attempts,
      now: START,
      lead: LEAD,
      link: null,
      warnings: [],
      holder: null,
      provider: null,
      rule: { kind: "none" },
      delivery: { schedule: [30], pause: null },
      clicks: [],
    });
    const times = story.flatMap(({ at }) => at ?? []);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(story.filter((one) => one.attempt)).toHaveLength(20);
    expect(story.map(({ says }) => says)).toContain("5 earlier attempts are left out here.");
    expect(story.find(({ says }) => says.startsWith("It was replayed."))?.at).toBe(START + 24.5 * MINUTE - 1);
  });
});

it("texts from outside can't turn the sentence around or fill the page", () => {
  const story = readDetails({
    row: row("recorded", { type: `\u202e${"x".repeat(1000)}\u0000` }),
    warnings: Array.from({ length: 50 }, () => ({ field: "mode", did: "dropped" })),
  });
  expect(story.join("")).not.toMatch(/\u202e|\p{Cc}/u);
  expect(Math.max(...story.map(({ length }) => length))).toBeLessThan(600);
  expect(story).toContain("And 30 more warnings.");
});

it.each([
  [0, "0 milliseconds"],
  [1, "1 millisecond"],
  [1500, "1.5 seconds"],
  [MINUTE, "1 minute"],
  [90 * MINUTE, "1.5 hours"],
  [169 * HOUR, "7 days"],
])("%i ms is %s", (time, says) => expect(duration(time)).toBe(says));

it.each([
  ["nothing: tried again", "Nothing: tried again."],
  ["is it? see", "Is it? see."],
  ["`DUB` is missing.", "`DUB` is missing."],
])("%s", (text, says) => expect(sentence(text)).toBe(says));
