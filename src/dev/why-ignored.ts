/** Why no rule of a mapping file takes an event: which types and conditions the rules have, and what they gave. */
import type { Compiled, CompiledRule, Mapping } from "../mapping/compile.ts";
import { evaluate, isTrue } from "../mapping/expression.ts";
import { resolve } from "../mapping/resolve.ts";
import { tokensOf } from "../mapping/syntax.ts";
import { didYouMean } from "./near.ts";

/** A line each; names in the conditions with their values. */
export function whyIgnored(mapping: Mapping, type: string, event: unknown): string[] {
  const tried = mapping.rules.flatMap((rule, i) => conditionsFor(rule, i, type, event));
  if (tried.length === 0) {
    const types = [...new Set(mapping.rules.flatMap(({ on }) => on.map((one) => one.type)))];
    return [
      `no rule is for events of type "${type}"${didYouMean(type, types)}`,
      `the rules are for: ${types.join(", ")}`,
    ];
  }
  return tried.flatMap(({ path, source, result }) => {
    const said = `${path} is ${result}: ${source}`;
    return [
      said,
      ...namesIn(mapping, source).map((name) => `  $${name} is ${shownValue(mapping, name, event)}`),
    ];
  });
}

type Condition = { path: string; source: string; result: boolean };

/** The conditions that a rule evaluates for an event; none if it is not for its type. */
function conditionsFor({ on, when }: CompiledRule, i: number, type: string, event: unknown): Condition[] {
  const result = (one: Compiled | undefined) => (one ? isTrue(one.evaluate(event)) : true);
  const own = on.filter(({ types }) => types.test(type)).map(({ condition }) => condition);
  // As when it is mapped: `when` may fail on an event that `on` does not take.
  const conditions = own.some(result) ? [...own, when] : own;
  return conditions.flatMap((one) =>
    one ? [{ path: one.path || `leads[${i}]`, source: one.source, result: result(one) }] : [],
  );
}

/** The names of `let` in an expression, and those that they use in turn. */
function namesIn(mapping: Mapping, source: string): string[] {
  const names = tokensOf(source).flatMap(({ type, value }) =>
    String(type) === "Variable" ? String(value) : [],
  );
  const inner = mapping.let
    .filter(({ path }) => names.includes(path.slice("let.".length)))
    .flatMap((variable) => namesIn(mapping, variable.source));
  return [...new Set([...names, ...inner])];
}

function shownValue(mapping: Mapping, name: string, event: unknown): string {
  const all = new Map(mapping.let.map((variable) => [variable.path.slice("let.".length), variable]));
  const variable = all.get(name);
  if (!variable) return "unknown";
  try {
    return JSON.stringify(evaluate(resolve(variable, all).ast, event)) ?? "null";
  } catch (error) {
    return `an error: ${(error as Error).message}`;
  }
}
