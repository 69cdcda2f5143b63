/** One delivery attempt of one lead: register, then record, and what to write into the ledger. */
import { type Answer, type Dub, TIMEOUT, trackLead } from "../dub/client.ts";
import { FIND_CALLS, findLead } from "../dub/find.ts";
import type { Lead } from "../lead.ts";
import type { Claim, Settlement } from "../ledger/delivery.ts";
import type { DeliverySettings } from "../settings.ts";
import { statusOf } from "../states.ts";
import { DAY } from "../time.ts";
import { type Decision, outcomeOf, outcomeOfFinding, type Phase } from "./outcome.ts";
import type { Pace } from "./pace.ts";
import { nextWait } from "./schedule.ts";

/** What the attempts of one batch share: once Dub says stop, or nothing at all, the rest waits too without asking. */
export type Run = {
  dub: Dub;
  settings: DeliverySettings;
  random: () => number;
  pace: Pace;
  perMinute: number;
  /** Calls in a row without an answer. */
  unanswered: number;
  /** Subrequests that were made, or that attempts begun so far may make. */
  calls: number;
  stop: { reason: Settlement["reason"]; detail: string | null; until: number } | null;
};

/** So many calls in a row without an answer, and Dub is left alone for a while (milliseconds). */
const OUTAGE = { calls: 5, wait: 60_000 };
/** Dub's clock and ours may differ by so much (milliseconds); and a window that has just begun still counts the last one in full. */
const WINDOW_MARGIN = 2000;

/** Calls of one batch, so that with the ledger's own they stay below the 50 subrequests of the Free plan. */
const MAX_CALLS = 44;

/** Milliseconds for which Dub surely recognises a lead it has recorded: its seven days, less one to be safe. */
const DUB_REMEMBERS = 6 * DAY;

/** look: asks Dub whether it lists the lead. */
type Step = Phase | "look";

/** Makes one attempt. A claim that could not be tried is settled as still pending. */
export async function attempt(claim: Claim, run: Run): Promise<Settlement> {
  const { dub, settings } = run;
  const { lead, doubt, doubtSince } = claim;
  const registerOnly = lead.mode === "deferred";
  const delivery = registerOnly ? "register-then-record" : settings.DUB_DELIVERY;
  const forgotten = doubt !== null && !registerOnly && dub.now() - doubtSince > DUB_REMEMBERS;
  const base = {
    claim,
    retries: claim.retries,
    doubt,
    link: null,
    deliveredBy: null,
    certain: false,
    detail: null,
    attempt: null,
  };
  let link: Settlement["link"] = null;
  const settled = (outcome: Decision, made: Settlement["attempt"]): Settlement => {
    const delivered = outcome.kind === "end" && statusOf(outcome.reason) === "delivered";
    return {
      ...base,
      ...written(outcome, claim, run, dub.now()),
      link: delivered ? (outcome.link ?? link) : null,
      deliveredBy: delivered ? delivery : null,
      certain: delivered && outcome.certain === true,
      attempt: made,
    };
  };
  const look = async (before: boolean) => {
    const found = await findLead(dub, lead, doubtSince);
    return outcomeOfFinding(found, { delivery, doubt, age: dub.now() - doubtSince, forgotten: before });
  };

  const steps = stepsOf(registerOnly, forgotten, delivery);
  const lookAfterwards = doubt === null ? 0 : FIND_CALLS;
  const needed = callsOf(steps) + lookAfterwards;
  if (run.calls + needed > MAX_CALLS)
    return { ...base, status: "pending", reason: claim.reason, nextAttemptAt: dub.now() };
  run.calls += needed;

  for (const [i, step] of steps.entries()) {
    const left = callsOf(steps.slice(i)) + lookAfterwards;
    const hindrance = await hindered(claim, run, callsOf([step]), left);
    if (hindrance) return { ...base, ...hindrance };
    if (step === "look") {
      const outcome = await look(true);
      if (outcome) return settled(outcome, null);
      continue;
    }
    const begun = dub.now();
    const answer = await trackLead(dub, bodyOf(step, lead));
    const now = dub.now();
    listen(answer, run, now);
    const made = {
      phase: step,
      httpStatus: answer.kind === "none" ? null : answer.status,
      message: answer.kind === "ok" ? null : answer.message,
      milliseconds: now - begun,
    };
    const hasClickId = lead.clickId !== "";
    const outcome = outcomeOf(answer, { phase: step, delivery, registerOnly, doubt, hasClickId });
    if (outcome.kind === "registered") {
      link = outcome.link;
      continue;
    }
    if (outcome.kind !== "ask") return settled(outcome, made);
    await paced(run, FIND_CALLS);
    const known = await look(false);
    if (known) return settled(known, made);
  }
  throw new Error("the last step ends every attempt");
}

/** A lead that Dub may have and would not recognise any more is looked for before it is recorded; registering comes first, since it tells a wrong key. */
function stepsOf(
  registerOnly: boolean,
  forgotten: boolean,
  delivery: DeliverySettings["DUB_DELIVERY"],
): Step[] {
  if (registerOnly) return ["register"];
  if (forgotten) return ["register", "look", "record"];
  return delivery === "single" ? ["record"] : ["register", "record"];
}

function callsOf(steps: Step[]): number {
  return steps.reduce((sum, step) => sum + (step === "look" ? FIND_CALLS : 1), 0);
}

async function paced(run: Run, calls: number): Promise<void> {
  for (let i = 0; i < calls && !run.stop; i++) await run.pace(run.perMinute);
}

/** Waits until the next `calls` may be made; answers what to write if they may not. `left`: the calls that may still come. */
async function hindered(
  claim: Claim,
  run: Run,
  calls: number,
  left: number,
): Promise<Pick<Settlement, "status" | "reason" | "detail" | "nextAttemptAt"> | null> {
  await paced(run, calls);
  if (run.stop) {
    const { reason, detail, until } = run.stop;
    return { status: "pending", reason, detail, nextAttemptAt: until };
  }
  const now = run.dub.now();
  // A call that outlives the lease could meet another consumer's call for the same lead.
  if (now + left * TIMEOUT > claim.leaseUntil)
    return { status: "pending", reason: claim.reason, detail: null, nextAttemptAt: now };
  return null;
}

/** Notes what an answer says beyond its lead. */
function listen(answer: Answer, run: Run, now: number): void {
  if (answer.kind === "error" && answer.perMinute !== null) run.perMinute = answer.perMinute;
  run.unanswered = answer.kind === "none" ? run.unanswered + 1 : 0;
  if (run.unanswered >= OUTAGE.calls)
    run.stop ??= {
      reason: "dub_unreachable",
      detail: `${OUTAGE.calls} calls in a row went unanswered`,
      until: now + OUTAGE.wait,
    };
}

function bodyOf(phase: Phase, lead: Lead): Lead {
  return phase === "register" ? { ...lead, mode: "deferred" } : lead;
}

type Written = Pick<Settlement, "status" | "reason" | "detail" | "nextAttemptAt" | "retries" | "doubt">;

function written(outcome: Decision, claim: Claim, run: Run, now: number): Written {
  const { retries, doubt } = claim;
  switch (outcome.kind) {
    case "end":
      return {
        status: statusOf(outcome.reason),
        reason: outcome.reason,
        detail: outcome.detail ?? null,
        nextAttemptAt: null,
        retries,
        doubt: outcome.doubt ?? null,
      };
    case "retry": {
      // A time limit of its own is counted from the first answer of its kind, not from an outage before.
      const used = outcome.giveUp.after !== undefined && claim.reason !== outcome.reason ? 0 : retries;
      const wait = nextWait(run.settings.RETRY_SCHEDULE, used, outcome.giveUp, run.random());
      if (wait === null) {
        const reason = outcome.giveUp.reason;
        return {
          status: statusOf(reason),
          reason,
          detail: outcome.detail,
          nextAttemptAt: null,
          retries,
          doubt: outcome.doubt,
        };
      }
      return {
        status: "pending",
        reason: outcome.reason,
        detail: outcome.detail,
        nextAttemptAt: now + wait,
        retries: used + 1,
        doubt: outcome.doubt,
      };
    }
    case "throttled":
    case "hold": {
      const reason = outcome.kind === "throttled" ? "rate_limited" : outcome.reason;
      const detail = outcome.kind === "throttled" ? null : outcome.detail;
      const until = now + outcome.waitMs + (outcome.kind === "throttled" ? WINDOW_MARGIN : 0);
      if (outcome.kind === "throttled" || outcome.operator) run.stop = { reason, detail, until };
      return { status: "pending", reason, detail, nextAttemptAt: until, retries, doubt };
    }
  }
}
