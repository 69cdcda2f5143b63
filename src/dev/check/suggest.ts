/** "Did you mean" for what the compiler of mapping files and the schemas do not know. */
import { getRegisteredFunctions } from "@jmespath-community/jmespath";
import * as z from "zod/mini";
import { segmentsOf } from "../../json-text.ts";
import type { Problem } from "../../mapping/compile.ts";
import { MappingFile, Sample } from "../../mapping/schema.ts";
import { didYouMean, nearest } from "../near.ts";

/** The problems of a file with suggestions. A key that is missing since it is misspelt is one problem, not two. */
export function withSuggestions(problems: Problem[], file: keyof typeof SCHEMAS, json: unknown): Problem[] {
  const misspelt = new Set<string>();
  const suggested = problems.map((problem) => {
    const { path, message } = problem;
    if (message === "unknown key") {
      const { parent, key } = split(path);
      const known = keysAt(SCHEMAS[file], segmentsOf(parent), json);
      const meant = nearest(key, known);
      if (meant !== undefined) misspelt.add(parent ? `${parent}.${meant}` : meant);
      return {
        ...problem,
        message: `unknown key${didYouMean(key, known) || `. There are: ${[...known].join(", ")}`}`,
      };
    }
    const given = valueAt(json, segmentsOf(path));
    if (/^expected .*\barray\b/.test(message) && typeof given === "string")
      return { ...problem, message: `${message}: write [${JSON.stringify(given)}]` };
    if (message.startsWith("expected ") && given === undefined) {
      const { parent, key } = split(path);
      const others = Object.keys(Object(valueAt(json, segmentsOf(parent))));
      const meant = nearest(key, others);
      if (meant !== undefined && !keysAt(SCHEMAS[file], segmentsOf(parent), json).has(meant))
        return { ...problem, message: `${message}. Is ${JSON.stringify(meant)} meant to be it?` };
    }
    const [, list] = /^expected one of (.*)$/.exec(message) ?? [];
    if (list !== undefined && typeof given === "string")
      return { ...problem, message: `${message}${didYouMean(given, JSON.parse(`[${list}]`) as string[])}` };
    const [, call] = /^Unknown function: (\w+)/.exec(message) ?? [];
    if (call !== undefined)
      return { ...problem, message: `${message}${didYouMean(call, functions(), (name) => `${name}()`)}` };
    const [, variable, names] = /^Unknown name: \$(\w+)\. There are: (.*)$/.exec(message) ?? [];
    if (variable !== undefined && names !== undefined) {
      const hint = didYouMean(variable, names.replaceAll("$", "").split(", "), (name) => `$${name}`);
      return hint === "" ? problem : { ...problem, message: `Unknown name: $${variable}${hint}` };
    }
    return problem;
  });
  // What is wrong first, then what is missing.
  const seen = new Set<string>();
  return suggested.filter(({ path, message }) => {
    const isNew = !seen.has(`${path} ${message}`);
    seen.add(`${path} ${message}`);
    return isNew && !misspelt.has(path);
  });
}

/** Those that an expression can call: the guards of `||` have blanks in their names. */
const functions = () => getRegisteredFunctions().filter((name) => /^\w+$/.test(name));

type Schema = {
  const?: unknown;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
};

const SCHEMAS = {
  mapping: z.toJSONSchema(MappingFile, { io: "input" }) as Schema,
  sample: z.toJSONSchema(Sample, { io: "input" }) as Schema,
};

/** The keys that the schema allows at a place. Of several kinds of object, those that the constants there leave. */
function keysAt(schema: Schema, segments: (string | number)[], json: unknown): Set<string> {
  const kinds = (one: Schema, value: unknown): Schema[] =>
    [one, ...[...(one.anyOf ?? []), ...(one.oneOf ?? [])].flatMap((inner) => kinds(inner, value))].filter(
      ({ properties = {} }) =>
        Object.entries(properties).every(
          ([key, { const: constant }]) => constant === undefined || valueAt(value, [key]) === constant,
        ),
    );
  let value = json;
  let schemas = kinds(schema, value);
  for (const segment of segments) {
    value = valueAt(value, [segment]);
    schemas = schemas.flatMap(({ properties, additionalProperties, items }) => {
      const next = typeof segment === "number" ? items : (properties?.[segment] ?? additionalProperties);
      return typeof next === "object" ? kinds(next, value) : [];
    });
  }
  return new Set(schemas.flatMap(({ properties = {} }) => Object.keys(properties)));
}

function valueAt(json: unknown, segments: (string | number)[]): unknown {
  return segments.reduce<unknown>(
    (value, segment) =>
      typeof value === "object" && value !== null ? (value as Record<string, unknown>)[segment] : undefined,
    json,
  );
}

function split(path: string): { parent: string; key: string } {
  const key = segmentsOf(path).at(-1) ?? "";
  return { parent: path.replace(/(^|\.)[^.[\]]+$|\["(?:[^"\\]|\\.)*"\]$/, ""), key: String(key) };
}
