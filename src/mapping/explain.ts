/** Why an event becomes what it becomes: each expression that mapping evaluates for it, with what it gave. */
import type { LeadField } from "../lead.ts";
import { type MapOptions, mapEvent, type Outcome } from "./apply.ts";
import type { Compiled, Mapping, Value } from "./compile.ts";
import type { Ast } from "./expression.ts";
import { trace } from "./trace.ts";

/** An evaluated expression. `path`: in the mapping file. `reads`: the places in the event that its value is made of. */
export type Step = {
  path: string;
  /** The field of the lead that it gives; a key of metadata is `metadata.source`. */
  field?: LeadField | string;
  source: string;
  value?: unknown;
  error?: { message: string; column?: number };
  reads: string[];
};

/** `rule`: which of the mapping file takes the event, from 0. */
export type Explanation = { outcome: Outcome; rule: number | null; steps: Step[] };

/**
 * Maps an event as `mapEvent` does, and says how. Type and id first, then the conditions that were asked, in order, then
 * every field of the lead, also those after one that failed.
 */
export function explain(
  mapping: Mapping,
  event: unknown,
  type: string | undefined,
  options: MapOptions,
): Explanation {
  const steps: Step[] = [];
  for (const path of ["type", "id"] as const) {
    const selector = mapping[path];
    if (selector && "source" in selector) steps.push(explainExpression(selector, event));
    else if (selector) {
      const value = path === "type" ? { value: type ?? null } : {};
      steps.push({ path, source: `header ${selector.header}`, ...value, reads: [] });
    }
  }
  let rule: number | null = null;
  const seen = <T extends Compiled | undefined>(condition: T): T =>
    condition && {
      ...condition,
      evaluate: (of: unknown) => {
        steps.push(explainExpression(condition, of));
        return condition.evaluate(of);
      },
    };
  const watched: Mapping = {
    ...mapping,
    thin: seen(mapping.thin),
    otherAccount: seen(mapping.otherAccount),
    test: seen(mapping.test),
    rules: mapping.rules.map(({ on, when, lead, ...rest }, i) => ({
      ...rest,
      on: on.map((one) => ({ ...one, condition: seen(one.condition) })),
      when: seen(when),
      // Only the lead of the rule that takes the event is read.
      get lead() {
        rule = i;
        return lead;
      },
    })),
  };
  const outcome = mapEvent(watched, event, type, options);
  if (rule !== null)
    for (const { field, value } of mapping.rules[rule]?.lead ?? [])
      steps.push(...fieldSteps(value, field, `leads[${rule}].lead.${field}`, event));
  return { outcome, rule, steps };
}

/** Evaluates one expression of a mapping file. */
export function explainExpression({ path, source, ast, evaluate }: Compiled, event: unknown): Step {
  try {
    return { path, source, value: evaluate(event), reads: readsOf(ast, event) };
  } catch (error) {
    return { path, source, error: { message: (error as Error).message }, reads: [] };
  }
}

/** None when they can't be found out, as when it takes too long. */
function readsOf(ast: Ast, event: unknown): string[] {
  try {
    return trace(ast, event).reads;
  } catch {
    return [];
  }
}

function fieldSteps(value: Value, field: string, path: string, event: unknown): Step[] {
  switch (value.kind) {
    case "constant":
      return [{ path, field, source: String(value.value), value: value.value, reads: [] }];
    case "expression":
      return [{ ...explainExpression(value, event), field }];
    case "object":
      return value.entries.flatMap(([key, inner]) =>
        fieldSteps(inner, `${field}.${key}`, `${path}.${key}`, event),
      );
  }
}
