/** Why no rule of a mapping file takes an event: which types and conditions the rules have, and what they gave. */
import type { CompiledRule, Mapping } from "../mapping/compile.ts";
import { evaluate, isTrue } from "../mapping/expression.ts";
import { resolve } from "../mapping/resolve.ts";
import { tokensOf } from "../mapping/syntax.ts";
import { didYouMean } from "./near.ts";

/** A line each; names in the conditions with their values. */
export function whyIgnored(mapping: Mapping, type: string, event: unknown): string[] {
  const tried = mapping.rules.flatMap((rule, i) => conditionsFor(rule, i, type));
  if (tried.length === 0) {
    const types = [...new Set(mapping.rules.flatMap(({ on }) => on.map((one) => one.type)))];
    return [
      `no rule is for events of type "${type}"${didYouMean(type, types)}`,
      `the rules are for: ${types.join(", ")}`,
    ];
  }
  return tried.flatMap(({ path, source, result }) => {
    const said = `${path} is ${result(event)}: ${source}`;
    return [
      said,
      ...namesIn(mapping, source).map((name) => `  $${name} is ${shownValue(mapping, name, event)}`),
    ];
  });
}

type Condition = { path: string; source: string; result: (event: unknown) => boolean };

/** The conditions that a rule has for a type; none if it is not for it. */
function conditionsFor({ on, when }: CompiledRule, i: number, type: string): Condition[] {
  const own = on.filter(({ types }) => types.test(type));
  if (own.length === 0) return [];
  const conditions = [...own.map(({ condition }) => condition), when].filter((one) => one !== undefined);
  return conditions.map(({ path, source, evaluate: given }) => ({
    path: path || `leads[${i}]`,
    source,
    result: (event) => isTrue(given(event)),
  }));
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
