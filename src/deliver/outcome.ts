/**
 * What Dub's answer means, as one pure function. Dub sets its dedup key before it looks the click up and never takes
 * it back, so a failed recording call may have used the key up; a registering call (`mode: "deferred"`) never does.
 */
import type { Answer } from "../dub/client.ts";
import type { Found } from "../dub/find.ts";
import type { CreditedLink } from "../lead.ts";
import type { Doubt, ReasonOf } from "../states.ts";
import { DAY, HOUR, MINUTE } from "../time.ts";

/** register: `mode: "deferred"`, may be repeated freely. record: the call that counts the lead. */
export type Phase = "register" | "record";

export type Situation = {
  phase: Phase;
  /** Whether this lead was registered before it is recorded. */
  delivery: "register-then-record" | "single";
  /** Whether registering is all the mapping wants (`mode: "deferred"`). */
  registerOnly: boolean;
  doubt: Doubt;
  hasClickId: boolean;
};

/** When a retry ends: with the schedule, or when the schedule has used up so many milliseconds. */
export type GiveUp = { reason: ReasonOf<"failed" | "rejected" | "skipped">; after?: number };

/** What becomes of the lead. */
export type Decision =
  | {
      kind: "end";
      reason: ReasonOf<"delivered" | "duplicate" | "skipped" | "rejected" | "failed">;
      link?: CreditedLink;
      certain?: boolean;
      detail?: string;
      /** What stays in doubt though the lead ends. */
      doubt?: Doubt;
    }
  | { kind: "retry"; reason: ReasonOf<"pending">; giveUp: GiveUp; doubt: Doubt; detail: string }
  /** Wait for the operator (or for time) without using up the schedule. */
  | { kind: "hold"; reason: ReasonOf<"pending">; waitMs: number; detail: string; operator: boolean }
  | { kind: "throttled"; waitMs: number };

export type Outcome =
  | Decision
  | { kind: "registered"; link: CreditedLink }
  /** The dedup key is there, and whose it is only Dub's list of leads can tell. */
  | { kind: "ask" };

const DEDUP_KEY_LIFE = 7 * DAY;

/** Dub's answer in a given situation → what becomes of the lead. */
export function outcomeOf(answer: Answer, situation: Situation): Outcome {
  const { phase, doubt } = situation;
  const again = (
    reason: "dub_error" | "dub_unreachable",
    detail: string,
    recording: Exclude<Doubt, null> = "unknown",
  ): Outcome => ({
    kind: "retry",
    reason,
    detail,
    giveUp: { reason: "retries_exhausted" },
    doubt: phase === "register" || doubt === "unknown" ? doubt : recording,
  });

  switch (answer.kind) {
    case "none":
      return again("dub_unreachable", answer.message);
    case "unreadable":
      return again("dub_error", answer.message);
    case "ok":
      return (
        succeeded(answer.link, situation) ?? again("dub_error", "200 without a link for a registering call")
      );
    case "error": {
      const { status, message, code } = answer;
      if (status === 429) return { kind: "throttled", waitMs: answer.waitMs ?? MINUTE };
      if (status >= 500 || status === 408 || status === 425)
        return again("dub_error", message, status === 500 && code !== null ? "failed" : "unknown");
      if (status === 401) return hold("dub_key_refused", message);
      const strange = code === null && [403, 404, 409, 410].includes(status);
      if (status < 400 || strange) return hold("dub_address", message);
      if (status === 403) return hold("dub_plan_or_role", message);
      if (status === 409 || status === 410) return hold("dub_workspace", message);
      if (status === 404) return notFound(message, situation) ?? hold("dub_address", message);
      if (status === 400 && !situation.hasClickId && /no existing customer/i.test(message))
        return {
          kind: "retry",
          reason: "customer_not_known_yet",
          giveUp: { reason: "unknown_customer", after: 15 * MINUTE },
          doubt,
          detail: message,
        };
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
      ? { kind: "end", reason: "customer_registered", link, certain: true }
      : { kind: "registered", link };
  }
  if (link) return { kind: "end", reason: "recorded", link, certain: true };
  return doubt === null ? { kind: "end", reason: "duplicate_at_dub" } : { kind: "ask" };
}

export type Search = Pick<Situation, "delivery" | "doubt"> & {
  /** Milliseconds since the recording call in doubt, or more. */
  age: number;
  /** Whether Dub's dedup key may have run out, so that a recording call would record again. */
  forgotten: boolean;
};

/** What becomes of a lead in doubt once Dub was asked whether it lists it; null: it is to be recorded. */
export function outcomeOfFinding(found: Found, { delivery, doubt, age, forgotten }: Search): Decision | null {
  switch (found.kind) {
    case "present":
      return doubt === "unknown"
        ? { kind: "end", reason: "recorded", certain: true, ...(found.link && { link: found.link }) }
        : { kind: "end", reason: "duplicate_at_dub" };
    case "throttled":
      return { kind: "throttled", waitMs: found.waitMs };
    case "failed":
      return {
        kind: "retry",
        reason: "dub_error",
        detail: found.message,
        giveUp: { reason: "retries_exhausted" },
        doubt,
      };
    case "absent":
      if (forgotten) return null;
      if (doubt === "unknown" && age < HOUR)
        return {
          kind: "hold",
          reason: "unconfirmed",
          waitMs: HOUR,
          detail: "Dub does not list it yet",
          operator: false,
        };
      return blocked("Dub does not list the lead");
    case "refused":
      if (doubt === "failed") {
        if (forgotten) return null;
        if (delivery !== "single") return blocked("the recording call failed half-way");
      }
      // After a registering call that passed every check, a lost answer is the likely story; else it may be either.
      return forgotten || delivery === "single"
        ? { kind: "end", reason: "possibly_lost", detail: found.message }
        : { kind: "end", reason: "recorded_unconfirmed", certain: false, detail: found.message };
  }
}

/** 404 says five things; only the message tells them apart. */
function notFound(message: string, { phase, delivery, doubt }: Situation): Decision | undefined {
  if (/^workspace/i.test(message)) return hold("dub_workspace", message);
  // A recording call has set the dedup key before it looked the click up.
  const end = (reason: ReasonOf<"skipped" | "rejected">, detail?: string): Decision => ({
    kind: "end",
    reason,
    doubt: phase === "record" ? (doubt ?? "failed") : doubt,
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
      giveUp: { reason: "unknown_click", after: 2 * HOUR },
      doubt,
      detail: message,
    };
  if (delivery === "single") return end("unknown_click", message);
  // Registering found this click a moment ago, so it exists; but the recording call has used the dedup key up.
  return blocked(message);
}

/** The operator has to mend something: looked at again each hour. */
function hold(reason: ReasonOf<"pending">, detail: string): Decision {
  // What Dub says in its own words is about the key. Anything else may be about this lead, and stops no other.
  return { kind: "hold", reason, waitMs: HOUR, detail, operator: reason !== "dub_address" };
}

/** Dub's dedup key is set and nothing is recorded: the key must run out first. */
function blocked(detail: string): Decision {
  return { kind: "hold", reason: "dedup_blocked", waitMs: DEDUP_KEY_LIFE + HOUR, detail, operator: false };
}
