/** Why an event becomes what it becomes: each expression that mapping evaluates for it, with what it gave. */
import type { LeadField } from "../lead.ts";
import { type MapOptions, mapEvent, type Outcome } from "./apply.ts";
import { BudgetError, EXPRESSION_STEPS, within } from "./budget.ts";
import type { Compiled, Mapping, Value } from "./compile.ts";
import { type Ast, type CallPlace, evaluateToWrite } from "./expression.ts";
import { resolve, type Variable } from "./resolve.ts";
import { failingCall, trace } from "./trace.ts";

/** An evaluated expression. `path`: in the mapping file. `reads`: the places in the event that its value is made of. */
export type Step = {
  path: string;
  /** The field of the lead that it gives; a key of metadata is `metadata.source`. */
  field?: LeadField | string;
  source: string;
  value?: unknown;
  /** `path`, `source`, `column`: of the call that failed, which may stand in an expression of `let` that this one uses. */
  error?: { message: string } & Partial<CallPlace>;
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
  const known = new Map<Compiled, Step>();
  const ask = (expression: Compiled): Step => {
    const step = known.get(expression) ?? explainExpression(expression, event);
    known.set(expression, step);
    return step;
  };
  const watched = (expression: Compiled): Compiled => ({
    ...expression,
    evaluate: () => {
      const { value, error } = ask(expression);
      if (error) throw new Error(error.message);
      return value;
    },
  });
  const condition = (expression: Compiled | undefined): Compiled | undefined =>
    expression && {
      ...watched(expression),
      evaluate: (of: unknown) => {
        steps.push(ask(expression));
        return watched(expression).evaluate(of);
      },
    };
  let rule: number | null = null;
  const outcome = mapEvent(
    {
      ...mapping,
      thin: condition(mapping.thin),
      otherAccount: condition(mapping.otherAccount),
      test: condition(mapping.test),
      signedUpAt: condition(mapping.signedUpAt),
      rules: mapping.rules.map(({ on, when, lead, ...rest }, i) => ({
        ...rest,
        on: on.map((one) => ({ ...one, condition: condition(one.condition) })),
        when: condition(when),
        // Only the lead of the rule that takes the event is read.
        get lead() {
          rule = i;
          return lead.map(({ field, value }) => ({ field, value: inside(value, watched) }));
        },
      })),
    },
    event,
    type,
    options,
  );
  if (rule !== null)
    for (const { field, value } of mapping.rules[rule]?.lead ?? [])
      steps.push(...fieldSteps(value, field, `leads[${rule}].lead.${field}`, ask));
  return { outcome, rule, steps };
}

/** A value with other expressions. */
function inside(value: Value, change: (expression: Compiled) => Compiled): Value {
  switch (value.kind) {
    case "constant":
      return value;
    case "expression":
      return change(value);
    case "object":
      return {
        kind: "object",
        entries: value.entries.map(([key, inner]) => [key, inside(inner, change)]),
      };
  }
}

/** Evaluates each expression of `let`. */
export function explainNames(mapping: Mapping, event: unknown): Step[] {
  const variables = new Map<string, Variable>();
  return mapping.let.map((variable) => {
    const { path, source } = variable;
    const usable = new Map(variables);
    variables.set(path.slice("let.".length), variable);
    try {
      const { ast } = within(EXPRESSION_STEPS, () => resolve(variable, usable));
      return explainExpression({ path, source, ast, evaluate: (of) => evaluateToWrite(ast, of) }, event);
    } catch (error) {
      return { path, source, error: { message: (error as Error).message }, reads: [] };
    }
  });
}

/** Evaluates one expression of a mapping file. */
export function explainExpression(
  { path, source, ast, evaluate }: Pick<Compiled, "path" | "source" | "ast" | "evaluate">,
  event: unknown,
): Step {
  try {
    return { path, source, value: evaluate(event), reads: readsOf(ast, event) };
  } catch (error) {
    const { message } = error as Error;
    const place = error instanceof BudgetError ? {} : failingCall(ast, event);
    return { path, source, error: { message, ...place }, reads: [] };
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

function fieldSteps(value: Value, field: string, path: string, ask: (expression: Compiled) => Step): Step[] {
  switch (value.kind) {
    case "constant":
      return [{ path, field, source: String(value.value), value: value.value, reads: [] }];
    case "expression":
      return [{ ...ask(value), field }];
    case "object":
      return value.entries.flatMap(([key, inner]) =>
        fieldSteps(inner, `${field}.${key}`, `${path}.${key}`, ask),
      );
  }
}
