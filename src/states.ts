/**
 * The closed list of statuses and reasons: why an event has the status it has, what that means to the ledger, the log,
 * alerts and replay, and what the operator should do. SQL and the tables of the documentation are made from it.
 */

/**
 * holdsKey: another event of the same customer and event name is a duplicate of this one. level: of the log line.
 */
export const STATUSES = {
  pending: { holdsKey: true, level: "warn" },
  delivered: { holdsKey: true, level: "info" },
  duplicate: { holdsKey: false, level: "info" },
  skipped: { holdsKey: false, level: "info" },
  rejected: { holdsKey: false, level: "warn" },
  failed: { holdsKey: false, level: "error" },
} as const;
export type Status = keyof typeof STATUSES;
export const STATUS_NAMES = Object.keys(STATUSES) as [Status, ...Status[]];

/**
 * What an earlier recording call may have done. failed: Dub said itself that it failed, which it says only before it
 * records, but perhaps after it has set its dedup key. unknown: the answer was lost, so the lead may be recorded.
 * A lead with a doubt is "in doubt", and holds its key whatever its status.
 */
export type Doubt = "failed" | "unknown" | null;

/**
 * What a replay does with an event. map: maps its payload again. look: delivers the kept lead again, after asking Dub
 * whether it lists it. The others leave it as it is, for the reason named.
 */
export type Replay = "map" | "look" | "delivered" | "dedup_blocked";

/** Who gives an event this reason. */
type By = "mapping" | "ledger" | "delivery" | "reconciliation" | "replay" | "operator";

type Entry = {
  status: Status;
  by: By;
  means: string;
  todo: string;
  /** Only the operator can fix it: an alert is sent. */
  alert?: true;
  /** Holds its key though its status does not. */
  holdsKey?: true;
  /** Default: map. */
  replay?: Replay;
  /** All deliveries pause for it. */
  pauses?: true;
  /** A click that is told later makes it a lead. */
  awaitsClick?: true;
};

export const REASONS = {
  new: { status: "pending", by: "mapping", means: "to be delivered, not tried yet", todo: "nothing" },
  replayed: { status: "pending", by: "replay", means: "replayed, not tried again yet", todo: "nothing" },
  dub_error: {
    status: "pending",
    by: "delivery",
    means: "Dub answered with a server error (5xx, or something unreadable)",
    todo: "nothing: tried again by the retry schedule",
    pauses: true,
  },
  dub_unreachable: {
    status: "pending",
    by: "delivery",
    means: "no answer from Dub within 10 seconds, or no connection",
    todo: "nothing: tried again by the retry schedule",
    pauses: true,
  },
  rate_limited: {
    status: "pending",
    by: "delivery",
    means: "Dub's rate limit is reached",
    todo: "nothing: goes on when Dub's window ends, within a minute",
    pauses: true,
  },
  click_not_found_yet: {
    status: "pending",
    by: "delivery",
    means: "Dub does not find the click (yet): its click store may be behind, or be down",
    todo: "nothing: tried to the end of the retry schedule, or for two hours if it does not look like a click id of Dub; and longer while Dub accepts no lead at all",
  },
  customer_not_known_yet: {
    status: "pending",
    by: "delivery",
    means: "no click id, and Dub does not know the customer (yet)",
    todo: "nothing: tried for about fifteen minutes, and longer while another lead of the customer is pending here",
  },
  unconfirmed: {
    status: "pending",
    by: "delivery",
    means:
      "the answer to the recording call was lost, and Dub does not list the lead (yet), or lists nothing while the workspace is over its events limit",
    todo: "nothing: looked for again within the hour, or every six hours for six days if the detail names the events limit; upgrading the plan in Dub ends that sooner",
  },
  dedup_blocked: {
    status: "pending",
    by: "delivery",
    means: "Dub noted the lead as seen but failed to record it, and refuses it for seven days",
    todo: "nothing: recorded after the seven days, unless Dub lists it by then",
    replay: "dedup_blocked",
  },
  dub_key_missing: {
    status: "pending",
    by: "delivery",
    means: "`DUB_API_KEY` is not set",
    todo: "run `npx wrangler secret put DUB_API_KEY`; one lead is tried every hour, and at once when the key is changed",
    alert: true,
    pauses: true,
  },
  dub_key_refused: {
    status: "pending",
    by: "delivery",
    means: "Dub refuses the API key (401)",
    todo: "create a new key in Dub and set `DUB_API_KEY`; one lead is tried every hour, and at once when the key is changed",
    alert: true,
    pauses: true,
  },
  dub_plan_or_role: {
    status: "pending",
    by: "delivery",
    means: "the Dub plan is below Business, or the key's user is neither owner nor member (403)",
    todo: "upgrade, or make a key as owner or member; one lead is tried every hour, and at once when the key is changed",
    alert: true,
    pauses: true,
  },
  dub_workspace: {
    status: "pending",
    by: "delivery",
    means:
      "the key belongs to no workspace, or its user was removed or has not accepted the invitation (404, 409, 410)",
    todo: "create a new key in Dub and set `DUB_API_KEY`; one lead is tried every hour, and at once when the key is changed",
    alert: true,
    pauses: true,
  },
  dub_address: {
    status: "pending",
    by: "delivery",
    means:
      "what answers is not Dub's API: `DUB_API_URL` is wrong, or a proxy or firewall in between answers for Dub",
    todo: "correct or remove `DUB_API_URL`. If other leads are delivered meanwhile, something in between refuses this one: it fails at the end of the retry schedule",
    alert: true,
    pauses: true,
  },

  recorded: {
    status: "delivered",
    by: "delivery",
    means: "Dub recorded the lead and named the credited link, or lists the lead",
    todo: "nothing",
    replay: "delivered",
  },
  recorded_unconfirmed: {
    status: "delivered",
    by: "delivery",
    means:
      "the answer to the recording call was lost; asked again, Dub has seen the lead, and does not list its leads to the key: it is most likely recorded",
    todo: "read in the detail why Dub does not list: give the key the permission analytics.read, or get the workspace below its events limit. Then replay: Dub is asked first, and nothing is recorded twice",
    alert: true,
    replay: "look",
  },
  customer_registered: {
    status: "delivered",
    by: "delivery",
    means: "mode `deferred`: Dub keeps the customer and the click, and counts no lead yet",
    todo: "send a later lead for the same customer",
    replay: "delivered",
  },

  duplicate_here: {
    status: "duplicate",
    by: "ledger",
    means: "the same customer and event name is already pending or delivered",
    todo: "nothing",
  },
  duplicate_at_dub: {
    status: "duplicate",
    by: "delivery",
    means: "Dub already had this customer and event name, from another sender",
    todo: "nothing",
    holdsKey: true,
    replay: "delivered",
  },

  test_event: {
    status: "skipped",
    by: "mapping",
    means: "the provider marks this event as a test",
    todo: "nothing, or set `ACCEPT_TEST_EVENTS` to true",
  },
  no_click_id: {
    status: "skipped",
    by: "mapping",
    means:
      "neither the webhook nor, so far, the site tells a click: the visitor did not come by a Dub link, or the sign-up form does not pass the click id on",
    todo: "if it should have one, see how the click id gets into the webhook, or let the site tell it (docs/click-memory.md); a warning of the event says so when the form passed a placeholder",
    awaitsClick: true,
  },
  unknown_customer: {
    status: "skipped",
    by: "delivery",
    means: "no click id, and Dub does not know the customer",
    todo: "nothing for visitors who did not come by a Dub link; it is delivered automatically if another lead of the customer is delivered later, or if the site tells the click",
    awaitsClick: true,
  },
  other_account: {
    status: "skipped",
    by: "mapping",
    means: "the event belongs to another account of the provider, such as a connected Stripe account",
    todo: "nothing: its customers are not yours. If they are, remove `otherAccount` from the mapping file",
  },
  other_workspace: {
    status: "skipped",
    by: "delivery",
    means: "the click belongs to a link of another Dub workspace",
    todo: "nothing, if another company that uses Dub links to you; if the link is yours, use an API key of its workspace",
  },

  not_an_object: {
    status: "rejected",
    by: "mapping",
    means: "the event is not a JSON object",
    todo: "check what the provider sends",
  },
  no_event_type: {
    status: "rejected",
    by: "mapping",
    means: "genuine, but its type can't be read: another kind of webhook than the mapping file is for",
    todo: "read in the detail what it looks like; correct the address or the format at the provider, or `type` in the mapping file, then replay",
    alert: true,
  },
  thin_event: {
    status: "rejected",
    by: "mapping",
    means: "the event only points at its data and does not hold it",
    todo: "do what the detail says",
  },
  not_split: {
    status: "rejected",
    by: "mapping",
    means: "`each` of the mapping file failed or gave no event, so the webhook is kept as a whole",
    todo: "correct `each` in the mapping file, then replay",
  },
  expression_failed: {
    status: "rejected",
    by: "mapping",
    means: "an expression of the mapping file failed on this event",
    todo: "correct the expression named in the detail, then replay",
  },
  no_customer_id: {
    status: "rejected",
    by: "mapping",
    means: "the mapping gave no customerExternalId",
    todo: "correct `lead.customerExternalId` in the mapping file, then replay",
  },
  customer_id_too_long: {
    status: "rejected",
    by: "mapping",
    means: "the customerExternalId is over 100 characters",
    todo: "map a shorter id, then replay",
  },
  no_event_name: {
    status: "rejected",
    by: "mapping",
    means: "the mapping gave no eventName",
    todo: "correct `lead.eventName` in the mapping file, then replay",
  },
  refused_by_dub: {
    status: "rejected",
    by: "delivery",
    means: "Dub refused the lead's content (400, 422 or another 4xx)",
    todo: "read Dub's message in the detail, correct the mapping file, then replay",
    alert: true,
  },
  unknown_click: {
    status: "rejected",
    by: "delivery",
    means: "Dub does not know the click: the click of a bot, a hand-written one, or no click id at all",
    todo: "nothing, unless it happens to most leads (then an alert says so): see that `lead.clickId` of the mapping file gives the value of Dub's cookie",
  },
  link_missing: {
    status: "rejected",
    by: "delivery",
    means: "the click is known, its link was deleted",
    todo: "nothing",
  },
  link_disabled: {
    status: "rejected",
    by: "delivery",
    means: "the link of the click is disabled",
    todo: "enable the link in Dub, then replay",
  },

  retries_exhausted: {
    status: "failed",
    by: "delivery",
    means: "tried to the end of the retry schedule",
    todo: "read the last answer in the detail; when its cause is gone, replay",
    alert: true,
  },
  possibly_lost: {
    status: "failed",
    by: "delivery",
    means:
      "an earlier call failed after it began or its answer was lost, and Dub does not list its leads to the key",
    todo: "read in the detail why Dub does not list: give the key the permission analytics.read, or get the workspace below its events limit. Then replay: Dub is asked first, and nothing is recorded twice",
    alert: true,
    holdsKey: true,
    replay: "look",
  },
  missing_at_dub: {
    status: "failed",
    by: "reconciliation",
    means:
      "Dub answered that it recorded the lead, and has customer and link, but does not have the lead: not on its list of the day, and not when asked for it alone",
    todo: "replay: Dub is asked first, and the lead is recorded only if Dub still does not list it, seven days after the first time at the earliest",
    alert: true,
    holdsKey: true,
    replay: "look",
  },
  delivery_crashed: {
    status: "failed",
    by: "delivery",
    means:
      "ten deliveries were begun and none was completed: the Worker crashed, or the ledger could not be written",
    todo: "read the Worker's log at the times of its attempts, then replay",
    alert: true,
    holdsKey: true,
  },
  lead_unreadable: {
    status: "failed",
    by: "delivery",
    means: "the lead in the ledger is not JSON: the row was changed by hand",
    todo: "replay: the payload is mapped again",
    alert: true,
  },
  ended_by_operator: {
    status: "failed",
    by: "operator",
    means: "ended by the operator",
    todo: "nothing, or replay",
  },
} as const satisfies Record<string, Entry>;

export type Reason = keyof typeof REASONS;
export type ReasonOf<S extends Status> = {
  [R in Reason]: (typeof REASONS)[R]["status"] extends S ? R : never;
}[Reason];

/** What is known of a reason. */
export function about(reason: Reason): Entry {
  return REASONS[reason];
}

export function statusOf<R extends Reason>(reason: R): (typeof REASONS)[R]["status"] {
  return REASONS[reason].status;
}

/** Whether nobody knows if Dub has the lead. */
export const isUnchecked = ({ by, replay }: Entry): boolean => by === "delivery" && replay === "look";

/** Whether an event gets another reason once Dub is seen to have its lead. */
export const isSettledByDub = (entry: Entry): boolean =>
  entry === REASONS.recorded_unconfirmed ||
  entry === REASONS.no_click_id ||
  entry.status === "pending" ||
  entry.status === "failed" ||
  (entry.by === "delivery" && (entry.status === "rejected" || entry.status === "skipped"));

/** The reasons for which `test` holds. */
export function reasonsWhere(test: (entry: Entry) => boolean): Reason[] {
  return (Object.keys(REASONS) as Reason[]).filter((reason) => test(REASONS[reason]));
}
