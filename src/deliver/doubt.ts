/** Leads in doubt: what becomes of one by what Dub lists, as pure functions. */
import type { Found } from "../dub/find.ts";
import { REFUSALS } from "../dub/refusal.ts";
import type { Doubt } from "../states.ts";
import { DUB_REMEMBERS, LIST_WAIT, LISTED_WITHIN } from "./limits.ts";
import { blocked, type Decision, type Situation, throttled } from "./outcome.ts";

/**
 * What becomes of a lead in doubt once Dub was asked whether it lists it; null: it is recorded now. `forgotten`: Dub's
 * dedup key may have run out, so that a recording call would record the lead a second time.
 */
export function beforeRecording(
  found: Found,
  { doubt, forgotten }: { doubt: Doubt; forgotten: boolean },
): Decision | null {
  switch (found.kind) {
    case "present":
      return doubt === "unknown"
        ? { kind: "end", reason: "recorded", doubt: null, ...(found.link && { link: found.link }) }
        : { kind: "end", reason: "duplicate_at_dub", doubt: null };
    case "throttled":
      return throttled(found.waitMs, doubt, found.listsOnly);
    case "failed":
      return {
        kind: "retry",
        reason: "dub_error",
        detail: found.message,
        giveUp: { reason: "retries_exhausted" },
        doubt,
      };
    case "absent":
      return null;
    case "refused":
      return forgotten && doubt === "unknown"
        ? { kind: "end", reason: "possibly_lost", detail: whyRefused(found), doubt }
        : null;
  }
}

/**
 * What becomes of a lead in doubt that Dub did not list, or would not say, when the recording call then finds Dub's
 * dedup key set. `age`: milliseconds since the recording call in doubt, or more.
 */
export function afterDedup(
  found: Found,
  { doubt, delivery, age }: { doubt: Doubt; delivery: Situation["delivery"]; age: number },
): Decision {
  if (found.kind !== "refused") {
    if (doubt === "unknown" && age < LISTED_WITHIN)
      return {
        kind: "wait",
        reason: "unconfirmed",
        waitMs: LISTED_WITHIN,
        doubt,
        detail: "Dub does not list it yet",
      };
    return blocked("Dub does not list the lead", doubt, age);
  }
  if (doubt === "failed" && delivery !== "single")
    return blocked("the recording call failed half-way", doubt, age);
  const detail = whyRefused(found);
  // That ends by itself. Only as long as Dub recognises the lead: after that a recording call would count it again.
  if (found.why === "over_limit" && age + LIST_WAIT < DUB_REMEMBERS)
    return { kind: "wait", reason: "unconfirmed", waitMs: LIST_WAIT, doubt, detail };
  // After a registering call that passed every check, a lost answer is the likely story; else it may be either.
  return {
    kind: "end",
    reason: delivery === "single" ? "possibly_lost" : "recorded_unconfirmed",
    detail,
    doubt,
  };
}

/** Which of its two meanings a refusal has. */
function whyRefused({ message, why, said }: Extract<Found, { kind: "refused" }>): string {
  return `${message}: ${why === "other" && said !== undefined ? said : REFUSALS[why].means}`;
}
