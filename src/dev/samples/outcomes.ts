/** What became of events, as the log of a Worker on this machine says it. */
import type { Reason } from "../../states.ts";
import { SAMPLE_TIMEOUT } from "../limits.ts";
import type { createDubStandIn } from "../stand-in/dub.ts";
import type { LogLine } from "../worker-log.ts";

/** What the stand-in for Dub recorded. */
export type Recorded = ReturnType<typeof createDubStandIn>["recorded"];

/** `rows` are those of a table; `wrong` says what is not as the samples expect, a sentence each; `leads`: providers that made one. */
export type Tried = { rows: string[][]; wrong: string[]; leads: string[] };

export type Delivery = { status: string; reason: Reason; link?: string };

/** `of`: the event's end; what is known of it when it has none in time, or undefined. */
export type Outcomes = { see: (line: LogLine) => void; of: (id: string) => Promise<Delivery | undefined> };

export function watchOutcomes(): Outcomes {
  const seen = new Map<string, Delivery>();
  const waiting = new Map<string, (delivery: Delivery) => void>();
  return {
    see(line) {
      if (line.code !== "delivery" || typeof line.event !== "string") return;
      const delivery = line as LogLine & Delivery;
      seen.set(line.event, delivery);
      if (delivery.status !== "pending") waiting.get(line.event)?.(delivery);
    },
    async of(id) {
      const known = seen.get(id);
      if (known && known.status !== "pending") return known;
      return new Promise((resolve) => {
        const late = setTimeout(() => resolve(seen.get(id)), SAMPLE_TIMEOUT);
        waiting.set(id, (delivery) => {
          clearTimeout(late);
          resolve(delivery);
        });
      });
    },
  };
}
