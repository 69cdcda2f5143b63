/** One delivery attempt of one lead: register, then record, with a look at Dub's list in between when it is in doubt. */
import { trackLead } from "../dub/client.ts";
import { FIND_CALLS, type Found, findLead } from "../dub/find.ts";
import type { Claim } from "../ledger/claim.ts";
import type { Settlement } from "../ledger/settle.ts";
import { statusOf } from "../states.ts";
import type { Batch } from "./batch.ts";
import { afterDedup, beforeRecording } from "./doubt.ts";
import { DUB_REMEMBERS, MAX_CLAIMS } from "./limits.ts";
import { type Decision, outcomeOf, type Phase } from "./outcome.ts";
import { decided } from "./settlement.ts";

/** look: asks Dub whether it lists the lead. */
type Step = Phase | "look";

/** Makes one attempt. A claim that could not be tried is settled as still pending. */
export async function attempt(claim: Claim, batch: Batch): Promise<Settlement> {
  const { dub, settings } = batch;
  const { lead, doubt, awaited } = claim;
  const base = {
    claim,
    reason: claim.reason,
    detail: null,
    nextAttemptAt: dub.now(),
    retries: claim.retries,
    tries: claim.tries,
    doubt,
    link: null,
    deliveredBy: null,
    attempt: null,
  };
  const ended = { ...base, nextAttemptAt: null };
  if (lead === null) return { ...ended, reason: "lead_unreadable" };
  if (claim.claims > MAX_CLAIMS) return { ...ended, reason: "delivery_crashed" };

  const registerOnly = lead.mode === "deferred";
  const delivery = registerOnly ? "register-then-record" : settings.DUB_DELIVERY;
  const steps = stepsOf(registerOnly, doubt !== null, delivery);
  if (!batch.reserve(callsOf(steps))) return base;

  let link: Settlement["link"] = null;
  let found: Found | undefined;
  const age = () => dub.now() - claim.doubtSince;
  const settled = (decision: Decision, made: Settlement["attempt"]): Settlement => {
    batch.apply(decision);
    const columns = decided(decision, claim, {
      now: dub.now(),
      schedule: settings.RETRY_SCHEDULE,
      acceptedAt: batch.acceptedAt(),
      random: batch.random(),
    });
    const delivered = statusOf(columns.reason) === "delivered";
    const credited = decision.kind === "end" ? (decision.link ?? link) : null;
    return {
      ...base,
      ...columns,
      link: delivered ? credited : null,
      deliveredBy: delivered ? delivery : null,
      attempt: made,
    };
  };

  for (const [i, step] of steps.entries()) {
    const turn = await batch.turn(claim, callsOf([step]), callsOf(steps.slice(i)));
    if (turn === "no time") return { ...base, nextAttemptAt: dub.now() };
    if (turn !== "free")
      return { ...base, reason: turn.reason, detail: turn.detail, nextAttemptAt: turn.until };
    if (step === "look") {
      found = await findLead(dub, lead, claim.doubtSince);
      const decision = beforeRecording(found, { doubt, forgotten: age() > DUB_REMEMBERS });
      if (decision) return settled(decision, null);
      continue;
    }
    const begun = dub.now();
    const answer = await trackLead(dub, step === "register" ? { ...lead, mode: "deferred" } : lead);
    const outcome = outcomeOf(answer, {
      phase: step,
      delivery,
      registerOnly,
      doubt,
      clickId: lead.clickId,
      awaited,
    });
    batch.note(answer, outcome);
    if (outcome.kind === "registered") {
      link = outcome.link;
      continue;
    }
    const made = {
      phase: step,
      httpStatus: answer.kind === "none" ? null : answer.status,
      message: answer.kind === "ok" ? null : answer.message,
      milliseconds: dub.now() - begun,
    };
    if (outcome.kind !== "deduplicated") return settled(outcome, made);
    if (found) return settled(afterDedup(found, { doubt, delivery, age: age() }), made);
  }
  throw new Error("the last step ends every attempt");
}

/** Registering comes before the look, since it tells a wrong key, and after a lost answer nothing is recorded unseen. */
function stepsOf(registerOnly: boolean, inDoubt: boolean, delivery: Settlement["deliveredBy"]): Step[] {
  if (registerOnly) return ["register"];
  if (inDoubt) return ["register", "look", "record"];
  return delivery === "single" ? ["record"] : ["register", "record"];
}

function callsOf(steps: Step[]): number {
  return steps.reduce((sum, step) => sum + (step === "look" ? FIND_CALLS : 1), 0);
}
