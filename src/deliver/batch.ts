/** What the attempts of one batch share: the pace, the budget of calls, and the circuit breaker. */
import type { Deps } from "../context.ts";
import { type Answer, type Dub, TIMEOUT } from "../dub/client.ts";
import type { Claim, Claimed } from "../ledger/claim.ts";
import type { Pause } from "../ledger/pauses.ts";
import type { DeliverySettings } from "../settings.ts";
import type { ReasonOf } from "../states.ts";
import {
  BREAKER_CALLS,
  CALLS_PER_MINUTE,
  LONGEST_OUTAGE_PAUSE,
  MAX_CALLS,
  OTHERS_PASS,
  OUTAGE_PAUSE,
  SETTING_PAUSE,
} from "./limits.ts";
import type { Decision, Outcome } from "./outcome.ts";
import type { Pace } from "./pace.ts";

/** Why the rest of a batch is not tried: no lead is until the pause ends. */
export type Stop = Pause & { detail: string | null };

/** The result of waiting for a turn: free to call, or why not. */
export type Turn = "free" | "no time" | Stop;

export type Batch = ReturnType<typeof createBatch>;

/**
 * Makes the shared state of a batch. `spent`: calls that this invocation has used up already. `pauses` and `marks` are
 * the ledger's when the batch was claimed.
 */
export function createBatch(
  settings: DeliverySettings,
  { fetch, now, random, pace }: Pick<Deps, "fetch" | "now" | "random"> & { pace: Pace },
  { pauses, marks }: Pick<Claimed, "pauses" | "marks">,
  spent: number,
) {
  const dub: Dub = { url: settings.DUB_API_URL, key: settings.DUB_API_KEY ?? "", fetch, now };
  const limit = marks.rate_limit?.value ?? CALLS_PER_MINUTE;
  const countOf = (name: Pause["name"]) => pauses.find((one) => one.name === name)?.count ?? 0;
  const probing = pauses.some(({ name }) => name !== "rate_limit");
  let perMinute = limit;
  let calls = spent;
  let silent = 0;
  let stop: Stop | null = null;
  let answered = false;
  let acceptedAt = marks.accepted?.at ?? Number.NEGATIVE_INFINITY;

  const pauseFor = (
    name: Pause["name"],
    reason: ReasonOf<"pending">,
    wait: number,
    detail: string | null,
  ) => {
    stop ??= { name, reason, detail, until: now() + wait, count: countOf(name) + 1 };
  };
  /** Opens the circuit breaker when call after call gets no answer of Dub. */
  const countSilence = (reason: ReasonOf<"pending">) => {
    // While Dub accepts other leads, its address is right.
    if (reason === "dub_address" && now() - acceptedAt < OTHERS_PASS) return;
    silent++;
    if (silent < (probing && !answered ? 1 : BREAKER_CALLS)) return;
    const detail = `${silent} calls in a row had no answer of Dub`;
    if (reason === "dub_address") return pauseFor("setting", reason, SETTING_PAUSE, detail);
    const wait = Math.min(LONGEST_OUTAGE_PAUSE, OUTAGE_PAUSE * 2 ** Math.min(countOf("outage"), 10));
    pauseFor("outage", reason, wait, detail);
  };

  return {
    dub,
    settings,
    random,
    /** When Dub last accepted a lead, in milliseconds; -Infinity: never. */
    acceptedAt: () => acceptedAt,
    /** Whether this batch had Dub accept a lead. */
    accepted: () => acceptedAt > (marks.accepted?.at ?? Number.NEGATIVE_INFINITY),
    /** Whether Dub answered a lead, so that pauses for an outage or a setting are over. */
    recovered: () => probing && answered && stop === null,
    stop: () => stop,
    /** The calls a minute that Dub named, if they are news. */
    newLimit: () => (perMinute === limit ? null : perMinute),

    /** Takes calls out of the budget; false when there are not enough left. */
    reserve(count: number): boolean {
      if (calls + count > MAX_CALLS) return false;
      calls += count;
      return true;
    },

    /** Waits until the next `count` calls may be made. `left`: the calls of the attempt that may still come, these included. */
    async turn(claim: Claim, count: number, left: number): Promise<Turn> {
      for (let i = 0; i < count && !stop; i++) await pace(perMinute);
      if (stop) return stop;
      // A call that outlives the lease could meet another consumer's call for the same lead.
      return now() + left * TIMEOUT > claim.leaseUntil ? "no time" : "free";
    },

    /** Notes what an answer says beyond its lead. */
    note(answer: Answer, outcome: Outcome): void {
      if (answer.kind === "error" && answer.perMinute !== null) perMinute = answer.perMinute;
      if (isOfDub(answer)) {
        silent = 0;
        answered ||= outcome.kind === "retry";
        if (answer.kind === "ok" && answer.link !== null) acceptedAt = now();
      } else if (outcome.kind === "retry") countSilence(outcome.reason);
    },

    /** Stops the batch if the decision is about every lead. Any other decision but a retry means that Dub has answered. */
    apply(decision: Decision): void {
      if (decision.kind === "retry") return;
      if (decision.kind === "wait" && decision.pause)
        pauseFor(decision.pause, decision.reason, decision.waitMs, decision.detail);
      else answered = true;
    },
  };
}

/** Whether Dub itself has answered, and not something in between, or nobody. */
function isOfDub(answer: Answer): boolean {
  return answer.kind === "ok" || (answer.kind === "error" && (answer.code !== null || answer.status === 429));
}
