/**
 * What Dub's answer means, as pure functions. Dub sets its dedup key before it looks the click up and never takes it
 * back, so a failed recording call may have used the key up; a registering call (`mode: "deferred"`) never does.
 */
import type { Answer } from "../dub/client.ts";
import type { CreditedLink } from "../lead.ts";
import type { PauseName } from "../ledger/pauses.ts";
import type { Doubt, ReasonOf } from "../states.ts";
import { HOUR, MINUTE } from "../time.ts";
import {
  CUSTOMER_WAIT,
  DEDUP_KEY_LIFE,
  ODD_CLICK_LIMIT,
  SETTING_PAUSE,
  UNKNOWN_CUSTOMER_LIMIT,
  WINDOW_MARGIN,
} from "./limits.ts";

/** register: `mode: "deferred"`, may be repeated freely. record: the call that counts the lead. */
export type Phase = "register" | "record";

export type Situation = {
  phase: Phase;
  /** Whether this lead was registered before it is recorded. */
  delivery: "register-then-record" | "single";
  /** Whether registering is all the mapping wants (`mode: "deferred"`). */
  registerOnly: boolean;
  doubt: Doubt;
  clickId: string;
  /** Whether another lead of the customer, with a click id, is pending here. */
  awaited: boolean;
};

/**
 * When a retry ends: with the schedule, or when the schedule has used up `after` milliseconds. `unlessAllFail`: while
 * Dub accepts no lead at all, it goes on.
 */
export type GiveUp = {
  reason: ReasonOf<"failed" | "rejected" | "skipped">;
  after?: number;
  unlessAllFail?: true;
};

/** What becomes of the lead. */
export type Decision =
  | {
      kind: "end";
      reason: ReasonOf<"delivered" | "duplicate" | "skipped" | "rejected" | "failed">;
      link?: CreditedLink;
      detail?: string;
      doubt: Doubt;
    }
  | { kind: "retry"; reason: ReasonOf<"pending">; giveUp: GiveUp; doubt: Doubt; detail: string }
  /** Waits without using up the schedule; with `pause` all other leads wait too. */
  | {
      kind: "wait";
      reason: ReasonOf<"pending">;
      waitMs: number;
      doubt: Doubt;
      detail: string | null;
      pause?: PauseName;
    };

export type Outcome =
  | Decision
  | { kind: "registered"; link: CreditedLink }
  /** Dub's dedup key was there already: `afterDedup` of doubt.ts decides. */
  | { kind: "deduplicated" };

/** Dub's answer in a given situation → what becomes of the lead. */
export function outcomeOf(answer: Answer, situation: Situation): Outcome {
  const { phase, doubt } = situation;
  /** The doubt that a failed call leaves behind. */
  const after = (recording: Exclude<Doubt, null>): Doubt =>
    phase === "register" || doubt === "unknown" ? doubt : recording;
  const retry = (reason: ReasonOf<"pending">, detail: string, left = after("unknown")): Outcome => ({
    kind: "retry",
    reason,
    detail,
    giveUp: { reason: "retries_exhausted" },
    doubt: left,
  });

  switch (answer.kind) {
    case "none":
      return retry("dub_unreachable", answer.message);
    case "unreadable":
      return retry("dub_error", answer.message);
    case "ok":
      return (
        succeeded(answer.link, situation) ?? retry("dub_error", "200 without a link for a registering call")
      );
    case "error": {
      const { status, message, code } = answer;
      if (status === 429) return throttled(answer.waitMs ?? MINUTE, doubt);
      if (status >= 500 || status === 408 || status === 425)
        return retry("dub_error", message, after(status === 500 && code !== null ? "failed" : "unknown"));
      if (code === null || status < 400) return notDub(message, after("unknown"));
      if (status === 401) return wrongSetting("dub_key_refused", message, doubt);
      if (status === 403) return wrongSetting("dub_plan_or_role", message, doubt);
      if (status === 409 || status === 410) return wrongSetting("dub_workspace", message, doubt);
      if (status === 404) return notFound(message, situation) ?? notDub(message, after("failed"));
      if (status === 400 && situation.clickId === "" && /no existing customer/i.test(message))
        return unknownCustomer(message, situation);
      return { kind: "end", reason: "refused_by_dub", detail: message, doubt };
    }
  }
}

function succeeded(
  link: CreditedLink | null,
  { phase, registerOnly, doubt }: Situation,
): Outcome | undefined {
  if (phase === "register") {
    if (!link) return undefined;
    return registerOnly
      ? { kind: "end", reason: "customer_registered", link, doubt: null }
      : { kind: "registered", link };
  }
  if (link) return { kind: "end", reason: "recorded", link, doubt: null };
  return doubt === null ? { kind: "end", reason: "duplicate_at_dub", doubt: null } : { kind: "deduplicated" };
}

/** Click ids that Dub makes (source: Dub's server). Imported ones may look otherwise. */
const DUB_CLICK_ID = /^[0-9A-Za-z]{16}$/;

/** 404 says five things; only the message tells them apart. */
function notFound(message: string, { phase, delivery, doubt, clickId }: Situation): Decision | undefined {
  if (/^workspace/i.test(message)) return wrongSetting("dub_workspace", message, doubt);
  // A recording call has set the dedup key before it looked the click up.
  const left = phase === "record" ? (doubt ?? "failed") : doubt;
  const end = (reason: ReasonOf<"skipped" | "rejected">, detail?: string): Decision => ({
    kind: "end",
    reason,
    doubt: left,
    ...(detail !== undefined && { detail }),
  });
  if (/does not belong to the workspace/i.test(message)) return end("other_workspace");
  if (/is disabled/i.test(message)) return end("link_disabled", message);
  if (/^link not found/i.test(message)) return end("link_missing", message);
  if (!/^click event not found/i.test(message)) return undefined;
  if (phase === "register")
    return {
      kind: "retry",
      reason: "click_not_found_yet",
      giveUp: {
        reason: "unknown_click",
        unlessAllFail: true,
        ...(!DUB_CLICK_ID.test(clickId) && { after: ODD_CLICK_LIMIT }),
      },
      doubt,
      detail: message,
    };
  if (delivery === "single") return end("unknown_click", message);
  // Registering found this click a moment ago, so it exists; but the recording call has used the dedup key up.
  return blocked(message, left, 0);
}

/** Dub looks the customer up before it sets its dedup key, so no doubt is left. */
function unknownCustomer(detail: string, { awaited }: Situation): Decision {
  const reason = "customer_not_known_yet";
  const doubt = null;
  if (awaited) return { kind: "wait", reason, waitMs: CUSTOMER_WAIT, doubt, detail };
  return {
    kind: "retry",
    reason,
    giveUp: { reason: "unknown_customer", after: UNKNOWN_CUSTOMER_LIMIT },
    doubt,
    detail,
  };
}

/** Something that is not Dub's API has answered: the address is wrong, or a proxy refuses this lead. */
function notDub(detail: string, doubt: Doubt): Decision {
  const giveUp: GiveUp = { reason: "retries_exhausted", unlessAllFail: true };
  return { kind: "retry", reason: "dub_address", giveUp, doubt, detail };
}

/** What Dub says in its own words of the key is about every lead. */
function wrongSetting(reason: ReasonOf<"pending">, detail: string, doubt: Doubt): Decision {
  return { kind: "wait", reason, waitMs: SETTING_PAUSE, doubt, detail, pause: "setting" };
}

/** `alone`: the limit is not about other leads. */
export function throttled(waitMs: number, doubt: Doubt, alone = false): Decision {
  return {
    kind: "wait",
    reason: "rate_limited",
    waitMs: waitMs + WINDOW_MARGIN,
    doubt,
    detail: null,
    ...(!alone && { pause: "rate_limit" }),
  };
}

/** Dub's dedup key is set and nothing is recorded: the key must run out first. */
export function blocked(detail: string, doubt: Doubt, age: number): Decision {
  const waitMs = Math.max(0, DEDUP_KEY_LIFE - age) + HOUR;
  return { kind: "wait", reason: "dedup_blocked", waitMs, doubt, detail };
}
