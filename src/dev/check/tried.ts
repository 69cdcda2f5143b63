/** Mistakes that show when the expressions of a mapping file are tried on its samples. */
import {
  type Compiled,
  conditionsOf,
  expressionsOf,
  type Mapping,
  type Problem,
} from "../../mapping/compile.ts";
import { isTrue } from "../../mapping/expression.ts";
import { tokensOf } from "../../mapping/syntax.ts";
import { didYouMean, nearest } from "../near.ts";
import type { Coverage } from "./coverage.ts";
import { columnOfWord } from "./written.ts";

/** Fields that no sample has where they are looked for, and of which one with a similar name is there. */
export function misspeltFields(mapping: Mapping, { missing }: Coverage): Problem[] {
  const sources = new Map(
    [...mapping.let, ...expressionsOf(mapping)].map(({ path, source }) => [path, source]),
  );
  return missing
    .filter(({ name, keys }) => nearest(name, keys) !== undefined)
    .map(({ path, name, keys }) => {
      const expression = sources.get(path) ?? "";
      const message = `no sample has the field ${name}${didYouMean(name, keys, String)}`;
      return { path, message, expression, column: columnOfWord(expression, name) };
    });
}

/** A type that is read where something else stands: no rule is for any of what it gives. */
export function wrongType({ type, rules }: Mapping, { types }: Coverage): Problem[] {
  const on = rules.flatMap((rule) => rule.on);
  const given = [...new Set(types)];
  const isTypo = on.length < 2 || on.some((one) => nearest(one.type, given) !== undefined);
  if (given.length === 0 || isTypo || given.some((one) => on.some(({ types }) => types.test(one)))) return [];
  const shown = given.slice(0, 5).map((one) => JSON.stringify(one));
  const from = "source" in type ? JSON.stringify(type.source) : `header ${type.header}`;
  return [{ path: "type", message: `${from} gives ${shown.join(", ")}, and no rule is for such events` }];
}

/** Event types that no sample has, as after a typo. */
export function unknownTypes(mapping: Mapping, { types }: Coverage): Problem[] {
  const taken = (type: string) => mapping.rules.some(({ on }) => on.some((one) => one.types.test(type)));
  const free = [...new Set(types)].filter((type) => !taken(type));
  return mapping.rules.flatMap(({ on }, i) =>
    on
      .filter((one) => !types.some((type) => one.types.test(type)))
      .map(({ type, condition }) => ({
        path: condition?.path ?? onPath(mapping, i, type),
        message: `no sample has an event of type ${JSON.stringify(type)}${
          didYouMean(type, free) ||
          `. Is there a typo? Otherwise add ${condition ? bothSamples(JSON.stringify(condition.source)) : "a sample"}`
        }`,
      })),
  );
}

/** Where an event type stands under `on` of a rule. */
export function onPath({ file }: Mapping, rule: number, type: string): string {
  const on = file.leads[rule]?.on;
  return Array.isArray(on)
    ? `leads[${rule}].on[${on.indexOf(type)}]`
    : `leads[${rule}].on[${JSON.stringify(type)}]`;
}

/** Conditions that are true, or false, for every sample event they are tried on. */
export function constantConditions(mapping: Mapping, { results }: Coverage): Problem[] {
  return conditionsOf(mapping).flatMap((condition: Compiled) => {
    const given = (results.get(condition) ?? []).map(isTrue);
    const [always] = given;
    if (always === undefined || given.includes(!always)) return [];
    const events = given.length === 1 ? "the only sample event" : `each of the ${given.length} sample events`;
    return [
      {
        path: condition.path,
        message: `${JSON.stringify(condition.source)} is ${always} for ${events} it is tried on. Is there a mistake? Otherwise add a sample for which it is ${!always}`,
      },
    ];
  });
}

/** Conditions that are tried on no event of the samples. */
export function untriedConditions(mapping: Mapping, { results }: Coverage): Problem[] {
  return conditionsOf(mapping)
    .filter((condition) => results.get(condition)?.length === 0)
    .map(({ path, source }) => ({
      path,
      message: `${JSON.stringify(source)} is tried on no sample event. Add ${bothSamples("it")}`,
    }));
}

/** The samples that a condition needs, said at once when it has none. */
const bothSamples = (condition: string) =>
  `two samples: one for which ${condition} is true, one for which it is false`;

/** Parts of expressions that give no value in any sample, as after a typo in a path. */
export function silentParts({ unused }: Coverage): Problem[] {
  return unused.map(({ path, what }) => ({
    path,
    message: `${what} gives no value in any sample. Is there a typo? Otherwise add a sample where it does`,
  }));
}

/** Names that no expression uses. */
export function unusedNames(mapping: Mapping): Problem[] {
  const used = new Set([...expressionsOf(mapping), ...mapping.let].flatMap(({ source }) => namesIn(source)));
  return mapping.let
    .filter(({ path }) => !used.has(path))
    .map(({ path }) => ({ path, message: `is used nowhere. Write $${path.slice(4)} where you need it` }));
}

/** The paths of the names that an expression uses, such as `let.clickId`. */
export function namesIn(source: string): string[] {
  return tokensOf(source)
    .filter(({ type }) => String(type) === "Variable")
    .map(({ value }) => `let.${value}`);
}
