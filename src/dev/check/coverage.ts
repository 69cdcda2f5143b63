/** What the samples try out of a mapping: which parts give a value, which fields are there, which types come. */
import { TreeInterpreter } from "@jmespath-community/jmespath";
import { decodeBody } from "../../body.ts";
import { mapWebhook } from "../../mapping/apply.ts";
import { type Compiled, expressionsOf, type Mapping } from "../../mapping/compile.ts";
import { type Ast, isTrue, nodesOf } from "../../mapping/expression.ts";
import type { Part } from "../../mapping/resolve.ts";
import type { Sample } from "../../mapping/schema.ts";
import { sampleBody } from "../samples/sign.ts";

export type Coverage = {
  /** Parts that give nothing but null, false, "", [] or {} whenever they are evaluated; `$name` counts in all its uses. */
  unused: Omit<Part, "node">[];
  /** What each expression gave, in the order of the events it was tried on. */
  results: Map<Compiled, unknown[]>;
  /** The types of all events. */
  types: string[];
  /** Fields that were looked for in some object and were in none, with the keys of these objects. */
  missing: MissingField[];
};

/** A field of the expression at `path` of the mapping file. */
export type MissingField = { path: string; name: string; keys: Set<string> };

/** Maps every sample and watches. */
export function coverageOf(mapping: Mapping, samples: Sample[]): Coverage {
  const expressions = expressionsOf(mapping);
  const parts = expressions.flatMap((expression) => expression.parts);
  const keyOf = ({ path, what }: Omit<Part, "node">) => JSON.stringify([path, what]);
  const unused = new Map(parts.map(({ path, what }) => [keyOf({ path, what }), { path, what }]));
  const keys = new Map(parts.map((part) => [part.node, keyOf(part)]));
  const roots = new Map(expressions.map((expression) => [expression.ast, expression]));
  const results = new Map(expressions.map((expression): [Compiled, unknown[]] => [expression, []]));
  const types: string[] = [];
  const fields = fieldsOf(parts);
  const missing = new Map<string, MissingField>();
  const found = new Set<string>();
  watch(
    (node, value, result) => {
      const key = keys.get(node);
      if (key !== undefined && isTrue(result)) unused.delete(key);
      const field = fields.get(node);
      if (field && typeof value === "object" && value !== null && !Array.isArray(value)) {
        const id = JSON.stringify([field.path, field.name]);
        if (Object.hasOwn(value, field.name)) found.add(id);
        const known = missing.get(id) ?? { ...field, keys: new Set() };
        for (const name of Object.keys(value)) known.keys.add(name);
        missing.set(id, known);
      }
      const expression = roots.get(node);
      if (expression) results.get(expression)?.push(result);
    },
    () => {
      for (const sample of samples) types.push(...typesOf(mapping, sample));
    },
  );
  for (const id of found) missing.delete(id);
  return { unused: [...unused.values()], results, types, missing: [...missing.values()] };
}

/** Every field of all expressions, with the expression that it is written in. */
function fieldsOf(parts: Part[]): Map<Ast, { path: string; name: string }> {
  const fields = new Map<Ast, { path: string; name: string }>();
  // A part comes after those inside it, which may be written elsewhere, under let.
  for (const { node, path } of parts)
    for (const field of nodesOf(node, "Field"))
      if (!fields.has(field)) fields.set(field, { path, name: field.name });
  return fields;
}

type Interpreter = { visit: (node: Ast, value: unknown) => unknown };

/** Runs `run` while `see` is told of each node that is evaluated: on what, and with which result. */
function watch(see: (node: Ast, value: unknown, result: unknown) => void, run: () => void): void {
  const interpreter = Object.getPrototypeOf(TreeInterpreter) as Interpreter;
  const visit = interpreter.visit;
  interpreter.visit = function watched(node, value) {
    const result = visit.call(this, node, value);
    see(node, value, result);
    return result;
  };
  try {
    run();
  } finally {
    interpreter.visit = visit;
  }
}

/** Maps a sample; gives the types of its events. */
function typesOf(mapping: Mapping, sample: Sample): string[] {
  const decoded = decodeBody(sampleBody(sample), mapping.file.format);
  if (!decoded.ok) return [];
  const mapped = mapWebhook(
    mapping,
    { body: decoded.value, headers: new Headers(sample.headers), deliveryId: undefined },
    { acceptTestEvents: false },
  );
  return mapped.flatMap(({ type }) => type ?? []);
}
