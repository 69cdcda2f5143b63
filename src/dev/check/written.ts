/**
 * Mistakes that can be seen in a mapping file as it is written: it compiles, and what it says is not what was meant.
 * Each is reported with its place and what to write instead.
 */
import type { LeadField } from "../../lead.ts";
import {
  type CompiledRule,
  expressionsOf,
  type Mapping,
  type Problem,
  type Value,
} from "../../mapping/compile.ts";
import { type Ast, nodesOf, parseExpression } from "../../mapping/expression.ts";
import type { Sample } from "../../mapping/schema.ts";
import { tokensOf } from "../../mapping/syntax.ts";

/** Every such mistake. What is the name of a field is told by the samples. */
export function writtenMistakes(mapping: Mapping, samples: Sample[]): Problem[] {
  const fields = fieldsIn(samples.map(({ webhook }) => webhook));
  const names = mapping.let.map(({ path }) => path.slice("let.".length));
  const expressions = [...mapping.let, ...expressionsOf(mapping)].flatMap(({ path, source }) => {
    const ast = parseExpression(source, names);
    return [...wrongQuotes, ...wrongOperators].flatMap((find) =>
      find(source, ast, fields).map((found) => ({ path, expression: source, ...found })),
    );
  });
  return [...expressions, ...mapping.rules.flatMap((rule, i) => wrongValues(rule, i, fields))];
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

/** Constants where every event must have a value of its own, paths that stand in quotes, and texts that do not. */
function wrongValues({ lead }: CompiledRule, i: number, fields: Set<string>): Problem[] {
  const inside = (path: string, value: Value): [path: string, value: Value][] =>
    value.kind === "object"
      ? value.entries.flatMap(([key, inner]) => inside(`${path}.${key}`, inner))
      : [[value.kind === "expression" ? value.path : path, value]];
  return lead.flatMap(({ field, value }) =>
    inside(`leads[${i}].lead.${field}`, value).flatMap(([path, one]) => {
      const message = wrongValue(field, one, fields);
      return message === undefined
        ? []
        : [{ path, message, ...(one.kind === "expression" && { expression: one.source, column: 1 }) }];
    }),
  );
}

/** A text as a person would write it, such as `Sign Up` or `Sign-Up`. */
const TEXT = /^\p{L}[\p{L}\d]*([ -][\p{L}\d]+)*$/u;

function wrongValue(field: LeadField, value: Value, fields: Set<string>): string | undefined {
  const one = "is the same for every event, so that all customers would be one";
  if (value.kind !== "expression") return field === "customerExternalId" ? one : undefined;
  const { source } = value;
  if (TEXT.test(source) && source.split(/[ -]/).every((word) => !fields.has(word)))
    return `${source} is the name of a field, and no sample has it. For text write '${source}'`;
  const text = /^'([^']*)'$/.exec(source)?.[1];
  if (text === undefined) return undefined;
  const [first = "", ...rest] = text.split(".");
  if (rest.length > 0 && fields.has(first) && /^[\w.[\]]+$/.test(text))
    return `'${text}' is text. For the field write ${text}`;
  return field === "customerExternalId" ? one : undefined;
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

/** The 1-based column of a field or name in an expression. */
export function columnOfWord(source: string, word: string): number {
  return (tokensOf(source).find(({ value }) => value === word)?.start ?? 0) + 1;
}

function columnOfToken(source: string, type: string): number {
  return (tokensOf(source).find((token) => String(token.type) === type)?.start ?? 0) + 1;
}
