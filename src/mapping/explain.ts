/** Stands in for the workbench's file until that is merged. */
import type { LeadField } from "../lead.ts";
import { type MapOptions, mapEvent, type Outcome, takes } from "./apply.ts";
import type { Mapping } from "./compile.ts";

export type Step = {
  path: string;
  field?: LeadField | string;
  source: string;
  value?: unknown;
  error?: { message: string; column?: number };
  reads: string[];
};
export type Explanation = { outcome: Outcome; rule: number | null; steps: Step[] };

export function explain(
  mapping: Mapping,
  event: unknown,
  type: string | undefined,
  options: MapOptions,
): Explanation {
  const rule = mapping.rules.findIndex((one) => takes(one, type ?? "", event as object));
  return { outcome: mapEvent(mapping, event, type, options), rule: rule < 0 ? null : rule, steps: [] };
}
