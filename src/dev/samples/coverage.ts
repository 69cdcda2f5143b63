/** Which parts of a mapping never give a value in the samples: expressions, branches of `||`, arguments of click_id. */
import { TreeInterpreter } from "@jmespath-community/jmespath";
import { mapWebhook } from "../../mapping/apply.ts";
import { expressionsOf, type Mapping } from "../../mapping/compile.ts";
import { type Ast, isTrue } from "../../mapping/expression.ts";
import type { Sample } from "../../mapping/schema.ts";
import { decodeBody } from "../../receive/body.ts";
import { sampleBody } from "./sign.ts";

type Interpreter = { visit: (node: Ast, value: unknown) => unknown };

/** Parts that give nothing but null, false, "", [] or {} whenever they are evaluated. `$name` counts in all its uses. */
export function unusedExpressions(mapping: Mapping, samples: Sample[]): { path: string; what: string }[] {
  const parts = expressionsOf(mapping).flatMap((expression) => expression.parts);
  const keyOf = ({ path, what }: { path: string; what: string }) => JSON.stringify([path, what]);
  const unused = new Map(parts.map((part) => [keyOf(part), part]));
  const watched = new Map(parts.map((part) => [part.node, keyOf(part)]));
  watch(
    (node, result) => {
      const key = watched.get(node);
      if (key !== undefined && isTrue(result)) unused.delete(key);
    },
    () => {
      for (const sample of samples) mapSample(mapping, sample);
    },
  );
  return [...unused.values()].map(({ path, what }) => ({ path, what }));
}

/** Runs `run` while `see` is told the result of each node that is evaluated. */
export function watch(see: (node: Ast, result: unknown) => void, run: () => void): void {
  const interpreter = Object.getPrototypeOf(TreeInterpreter) as Interpreter;
  const visit = interpreter.visit;
  interpreter.visit = function watched(node, value) {
    const result = visit.call(this, node, value);
    see(node, result);
    return result;
  };
  try {
    run();
  } finally {
    interpreter.visit = visit;
  }
}

function mapSample(mapping: Mapping, sample: Sample): void {
  const decoded = decodeBody(sampleBody(sample), mapping.file.format);
  if (decoded.ok)
    mapWebhook(
      mapping,
      { body: decoded.value, headers: new Headers(sample.headers), deliveryId: undefined },
      { acceptTestEvents: false },
    );
}
