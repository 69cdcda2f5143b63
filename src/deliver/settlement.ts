/** From a decision to what the ledger keeps of it. */
import type { Claim } from "../ledger/claim.ts";
import type { Settlement } from "../ledger/settle.ts";
import { LONGEST_OUTAGE, MAX_SCHEDULES, OTHERS_PASSED, OUTAGE_WAIT } from "./limits.ts";
import type { Decision } from "./outcome.ts";
import { nextWait } from "./schedule.ts";

/** What a decision becomes, apart from the claim and the call itself. */
export type Decided = Pick<Settlement, "reason" | "detail" | "nextAttemptAt" | "retries" | "tries" | "doubt">;

/** `schedule` in seconds; `acceptedAt`: when Dub last accepted a lead, in milliseconds; `random` in [0, 1). */
export type Circumstances = {
  now: number;
  schedule: readonly number[];
  acceptedAt: number;
  random: number;
};

/** The columns that a decision on a claim is written as. */
export function decided(decision: Decision, claim: Claim, circumstances: Circumstances): Decided {
  const { now } = circumstances;
  const { retries, tries } = claim;
  const { reason, doubt, detail = null } = decision;
  switch (decision.kind) {
    case "end":
      return { reason, detail, nextAttemptAt: null, retries, tries, doubt };
    case "wait":
      return { reason, detail, nextAttemptAt: now + decision.waitMs, retries, tries, doubt };
    case "retry":
      return { detail, doubt, tries: tries + 1, ...retried(decision, claim, circumstances) };
  }
}

function retried(
  { reason, giveUp }: Extract<Decision, { kind: "retry" }>,
  claim: Claim,
  { now, schedule, acceptedAt, random }: Circumstances,
): Pick<Decided, "reason" | "nextAttemptAt" | "retries"> {
  // A time limit of its own is counted from the first answer of its kind, not from an outage before.
  const retries = giveUp.after !== undefined && claim.reason !== reason ? 0 : claim.retries;
  const mayRetry = claim.tries < MAX_SCHEDULES * schedule.length;
  const wait = mayRetry ? nextWait(schedule, retries, giveUp, random) : null;
  if (wait !== null) return { reason, nextAttemptAt: now + wait, retries: retries + 1 };
  const allFail = acceptedAt < claim.since + OTHERS_PASSED && now - claim.since < LONGEST_OUTAGE;
  if (giveUp.unlessAllFail && allFail) return { reason, nextAttemptAt: now + OUTAGE_WAIT, retries };
  return { reason: giveUp.reason, nextAttemptAt: null, retries };
}
