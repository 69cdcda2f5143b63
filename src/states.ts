/**
 * The closed list of reasons: why an event has the status it has, and what the operator should do about it.
 * README's table is made from this list.
 */

export const STATUSES = ["pending", "delivered", "duplicate", "skipped", "rejected", "failed"] as const;
export type Status = (typeof STATUSES)[number];

/** `alert`: the operator must mend it, and is told. */
type Entry = { status: Status; means: string; todo: string; alert?: true };

export const REASONS = {
  new: { status: "pending", means: "kept, not tried yet", todo: "nothing" },
  replayed: { status: "pending", means: "replayed, not tried again yet", todo: "nothing" },
  dub_error: {
    status: "pending",
    means: "Dub answered with an error of its own (5xx, or something unreadable)",
    todo: "nothing: tried again by the retry schedule",
  },
  dub_unreachable: {
    status: "pending",
    means: "no answer from Dub within 10 seconds, or no connection",
    todo: "nothing: tried again by the retry schedule",
  },
  rate_limited: {
    status: "pending",
    means: "Dub's rate limit is reached",
    todo: "nothing: goes on when Dub's window ends, within a minute",
  },
  click_not_found_yet: {
    status: "pending",
    means: "Dub does not find the click (yet): its click store may be behind",
    todo: "nothing: tried for about two hours",
  },
  customer_not_known_yet: {
    status: "pending",
    means: "no click id, and Dub does not know the customer (yet)",
    todo: "nothing: tried for about fifteen minutes",
  },
  unconfirmed: {
    status: "pending",
    means: "the answer to the recording call was lost, and Dub does not list the lead (yet)",
    todo: "nothing: looked for again within the hour",
  },
  dedup_blocked: {
    status: "pending",
    means: "Dub noted the lead as seen but failed to record it, and refuses it for seven days",
    todo: "nothing: recorded after the seven days, unless Dub lists it by then",
  },
  dub_key_missing: {
    status: "pending",
    means: "`DUB_API_KEY` is not set",
    todo: "run `npx wrangler secret put DUB_API_KEY`; tried again every hour",
    alert: true,
  },
  dub_key_refused: {
    status: "pending",
    means: "Dub refuses the API key (401)",
    todo: "create a new key in Dub and set `DUB_API_KEY`; tried again every hour",
    alert: true,
  },
  dub_plan_or_role: {
    status: "pending",
    means: "the Dub plan is below Business, or the key's user is neither owner nor member (403)",
    todo: "upgrade, or make a key as owner or member; tried again every hour",
    alert: true,
  },
  dub_workspace: {
    status: "pending",
    means:
      "the key belongs to no workspace, or its user was removed or has not accepted the invitation (404, 409, 410)",
    todo: "create a new key in Dub and set `DUB_API_KEY`; tried again every hour",
    alert: true,
  },
  dub_address: {
    status: "pending",
    means: "what answers at `DUB_API_URL` is not Dub's API",
    todo: "correct or remove `DUB_API_URL`; tried again every hour",
    alert: true,
  },

  recorded: {
    status: "delivered",
    means: "Dub recorded the lead and named the credited link, or lists the lead",
    todo: "nothing",
  },
  recorded_unconfirmed: {
    status: "delivered",
    means:
      "the answer to the recording call was lost; asked again, Dub has seen the lead, and the key may not ask whether it lists it",
    todo: "give the key the permission analytics.read; Dub's request log shows the first call",
  },
  customer_registered: {
    status: "delivered",
    means: "mode `deferred`: Dub keeps the customer and the click, and counts no lead yet",
    todo: "send a later lead for the same customer",
  },

  duplicate_here: {
    status: "duplicate",
    means: "the same customer and event name is already pending or delivered",
    todo: "nothing",
  },
  duplicate_at_dub: {
    status: "duplicate",
    means: "Dub already had this customer and event name, from another sender",
    todo: "nothing",
  },

  test_event: {
    status: "skipped",
    means: "the provider marks this event as a test",
    todo: "nothing, or set `ACCEPT_TEST_EVENTS` to true",
  },
  no_click_id: {
    status: "skipped",
    means:
      "the webhook carries no click id: the visitor did not come by a Dub link, or the sign-up form does not pass it on",
    todo: "if it should have one, see how the click id gets into the webhook",
  },
  unknown_customer: {
    status: "skipped",
    means: "no click id, and Dub does not know the customer",
    todo: "nothing for visitors who did not come by a Dub link",
  },
  other_workspace: {
    status: "skipped",
    means: "the click belongs to a link of another Dub workspace",
    todo: "nothing: another company that uses Dub links to you",
  },

  not_an_object: {
    status: "rejected",
    means: "the event is not a JSON object",
    todo: "check what the provider sends",
  },
  no_event_type: {
    status: "rejected",
    means: "genuine, but its type can't be read: another kind of webhook than the mapping file is for",
    todo: "read in the detail what it looks like; correct the address or the format at the provider, or `type` in the mapping file, then replay",
    alert: true,
  },
  thin_event: {
    status: "rejected",
    means: "the event only points at its data and does not hold it",
    todo: "in Stripe, add a destination with payload style Snapshot",
  },
  not_split: {
    status: "rejected",
    means: "`each` of the mapping file failed or gave no event, so the webhook is kept as a whole",
    todo: "correct `each` in the mapping file, then replay",
  },
  expression_failed: {
    status: "rejected",
    means: "an expression of the mapping file failed on this event",
    todo: "mend the expression named in the detail, then replay",
  },
  no_customer_id: {
    status: "rejected",
    means: "the mapping gave no customerExternalId",
    todo: "correct `lead.customerExternalId` in the mapping file, then replay",
  },
  customer_id_too_long: {
    status: "rejected",
    means: "the customerExternalId is over 100 characters",
    todo: "map a shorter id, then replay",
  },
  no_event_name: {
    status: "rejected",
    means: "the mapping gave no eventName",
    todo: "correct `lead.eventName` in the mapping file, then replay",
  },
  refused_by_dub: {
    status: "rejected",
    means: "Dub refused the lead's content (400, 422 or another 4xx)",
    todo: "read Dub's message in the detail, correct the mapping file, then replay",
    alert: true,
  },
  unknown_click: {
    status: "rejected",
    means: "Dub does not know the click: a bot's, a hand-written or a very fresh one",
    todo: "nothing, unless it happens to every lead",
  },
  link_missing: { status: "rejected", means: "the click is known, its link was deleted", todo: "nothing" },
  link_disabled: {
    status: "rejected",
    means: "the link of the click is disabled",
    todo: "enable the link in Dub, then replay",
  },

  retries_exhausted: {
    status: "failed",
    means: "tried to the end of the retry schedule",
    todo: "read the last answer in the detail; when Dub is well again, replay",
    alert: true,
  },
  possibly_lost: {
    status: "failed",
    means:
      "an earlier call failed half-way or its answer was lost, and whether Dub has the lead can't be told any more",
    todo: "give the key the permission analytics.read; look for the lead in Dub, and if it is missing, replay the event by its id",
    alert: true,
  },
} as const satisfies Record<string, Entry>;

export type Reason = keyof typeof REASONS;
export type ReasonOf<S extends Status> = {
  [R in Reason]: (typeof REASONS)[R]["status"] extends S ? R : never;
}[Reason];

/** Whether the operator is to be told of it. */
export function needsOperator(reason: Reason): boolean {
  return "alert" in REASONS[reason];
}

export function statusOf(reason: Reason): Status {
  return REASONS[reason].status;
}

/**
 * What an earlier recording call may have done. failed: Dub said itself that it failed, which it says only before it
 * records, but perhaps after it has set the dedup key. unknown: the answer was lost, so the lead may be recorded.
 */
export type Doubt = "failed" | "unknown" | null;
