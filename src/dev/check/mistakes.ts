/**
 * Mistakes in a mapping file that compiles: what it says is valid and not what was meant. Each is reported with
 * its place and what to write instead.
 */
import {
  type Compiled,
  type CompiledRule,
  conditionsOf,
  expressionsOf,
  type Mapping,
  type Problem,
} from "../../mapping/compile.ts";
import { type Ast, isTrue, nodesOf, parseExpression } from "../../mapping/expression.ts";
import type { Sample } from "../../mapping/schema.ts";
import { tokensOf } from "../../mapping/syntax.ts";
import { type Coverage, coverageOf } from "./coverage.ts";

/** Every such mistake in a mapping file, found in its expressions and by trying them on the samples. */
export function mistakesOf(mapping: Mapping, samples: Sample[]): Problem[] {
  const fields = fieldsIn(samples.map(({ webhook }) => webhook));
  const names = mapping.let.map(({ path }) => path.slice("let.".length));
  const all = [...expressionsOf(mapping), ...mapping.let];
  const written = all.flatMap(({ path, source }) => {
    const ast = parseExpression(source, names);
    return [...wrongQuotes, ...wrongOperators].flatMap((find) =>
      find(source, ast, fields).map((found) => ({ path, expression: source, ...found })),
    );
  });
  const lead = mapping.rules.flatMap((rule, i) => wrongValues(rule, i, fields));
  const coverage = coverageOf(mapping, samples);
  const known = new Set([...written, ...lead].map(({ path }) => path));
  const tried: Problem[] = [];
  for (const find of [unusedNames, unknownTypes, constantConditions]) {
    const found = find(mapping, coverage).filter(({ path }) => !known.has(path));
    tried.push(...found);
    for (const { path } of found) known.add(path);
  }
  const silent = coverage.unused
    .filter(({ path }) => !known.has(path))
    .map(({ path, what }) => ({
      path,
      message: `${what} gives no value in any sample. Is there a typo? Otherwise add a sample where it does`,
    }));
  return [...written, ...lead, ...tried, ...silent];
}

type Found = { message: string; column: number };
type Find = (source: string, ast: Ast, fields: Set<string>) => Found[];

const wrongQuotes: Find[] = [
  // "completed" is the field of that name.
  (source, _ast, fields) =>
    tokensOf(source).flatMap((token, i, all) =>
      String(token.type) === "QuotedIdentifier" &&
      String(all[i + 1]?.type) !== "Colon" &&
      !fields.has(String(token.value))
        ? {
            message: `"${token.value}" in double quotes is the name of a field, and no sample has it. For text write '${token.value}'`,
            column: token.start + 1,
          }
        : [],
    ),
  // status == completed
  (source, ast, fields) =>
    nodesOf(ast, "Comparator").flatMap(({ left, right }) =>
      [left, right].flatMap((side) =>
        side.type === "Field" && !fields.has(side.name) && !source.includes(`"${side.name}"`)
          ? {
              message: `${side.name} is the name of a field, and no sample has it. For text write '${side.name}'`,
              column: columnOfWord(source, side.name),
            }
          : [],
      ),
    ),
];

const wrongOperators: Find[] = [
  // a == 'x' | b == 'y'
  (source, ast) =>
    nodesOf(ast, "Pipe").some(({ left }) => ["Comparator", "NotExpression"].includes(left.type))
      ? [
          {
            message: '"|" passes what is left of it to what is right of it. For "or" write "||"',
            column: columnOfToken(source, "Pipe"),
          },
        ]
      : [],
  // count > '7'
  (source, ast) =>
    nodesOf(ast, "Comparator")
      .filter(
        ({ name, left, right }) =>
          !["EQ", "NE"].includes(name) &&
          [left, right].some((side) => side.type === "Literal" && typeof side.value === "string"),
      )
      .map(({ name }) => ({
        message: "only numbers have an order; text in single quotes is no number. Write numbers in backticks",
        column: columnOfToken(source, name),
      })),
];

/** Constants where every event must have a value of its own, and paths that stand in quotes. */
function wrongValues({ lead }: CompiledRule, i: number, fields: Set<string>): Problem[] {
  return lead.flatMap(({ field, value }) => {
    const path = `leads[${i}].lead.${field}`;
    if (value.kind !== "expression")
      return value.kind === "constant" && field === "customerExternalId"
        ? [{ path, message: "is the same for every event, so that all customers would be one" }]
        : [];
    const text = /^'([^']*)'$/.exec(value.source)?.[1];
    if (text === undefined) return [];
    const place = { path, expression: value.source, column: 1 };
    const [first = "", ...rest] = text.split(".");
    if (rest.length > 0 && fields.has(first) && /^[\w.[\]]+$/.test(text))
      return [{ ...place, message: `'${text}' is text. For the field write ${text}` }];
    return field === "customerExternalId"
      ? [{ ...place, message: "is the same for every event, so that all customers would be one" }]
      : [];
  });
}

function unusedNames(mapping: Mapping): Problem[] {
  const sources = [...expressionsOf(mapping), ...mapping.let].map(({ source }) => source);
  return mapping.let
    .filter(({ path }) => {
      const name = path.slice("let.".length);
      return !sources.some((source) =>
        tokensOf(source).some((token) => String(token.type) === "Variable" && token.value === name),
      );
    })
    .map(({ path }) => ({ path, message: `is used nowhere. Write $${path.slice(4)} where you need it` }));
}

/** Conditions that are tried on no event of the samples, or are true, or false, for every one. */
function constantConditions(mapping: Mapping, { results }: Coverage): Problem[] {
  return conditionsOf(mapping).flatMap((condition: Compiled) => {
    const given = (results.get(condition) ?? []).map(isTrue);
    if (given.length === 0)
      return [
        {
          path: condition.path,
          message: `${JSON.stringify(condition.source)} is tried on no sample event. Add ${bothSamples("it")}`,
        },
      ];
    const always = given.length > 0 && given.every((one) => one === given[0]) ? given[0] : undefined;
    if (always === undefined) return [];
    const events = given.length === 1 ? "the only sample event" : `each of the ${given.length} sample events`;
    return [
      {
        path: condition.path,
        message: `${JSON.stringify(condition.source)} is ${always} for ${events} it is tried on. Is there a mistake? Otherwise add a sample for which it is ${!always}`,
      },
    ];
  });
}

/** The samples that a condition needs, said at once when it has none. */
const bothSamples = (condition: string) =>
  `two samples: one for which ${condition} is true, one for which it is false`;

/** Event types that no sample has, as after a typo. */
function unknownTypes(mapping: Mapping, { types }: Coverage): Problem[] {
  return mapping.rules.flatMap(({ on }, i) =>
    on
      .filter((one) => !types.some((type) => one.types.test(type)))
      .map(({ type, condition }) => ({
        path: condition?.path ?? `leads[${i}].on`,
        message: `no sample has an event of type ${JSON.stringify(type)}. Is there a typo? Otherwise add ${condition ? bothSamples(JSON.stringify(condition.source)) : "a sample"}`,
      })),
  );
}

/** The names of all fields in some JSON. */
function fieldsIn(json: unknown): Set<string> {
  const names = new Set<string>();
  const walk = (value: unknown) => {
    if (typeof value === "string" && /^\s*[{[]/.test(value)) {
      try {
        walk(JSON.parse(value));
      } catch {
        // Text that only begins like JSON.
      }
    }
    if (typeof value !== "object" || value === null) return;
    for (const [key, inner] of Object.entries(value)) {
      if (!Array.isArray(value)) names.add(key);
      walk(inner);
    }
  };
  walk(json);
  return names;
}

function columnOfWord(source: string, word: string): number {
  return (tokensOf(source).find(({ value }) => value === word)?.start ?? 0) + 1;
}

function columnOfToken(source: string, type: string): number {
  return (tokensOf(source).find((token) => String(token.type) === type)?.start ?? 0) + 1;
}
