/** Which expressions of a mapping, and which branches of an `||`, never give a value in the samples. */
import { TreeInterpreter } from "@jmespath-community/jmespath";
import { mapWebhook } from "../../mapping/apply.ts";
import { expressionsOf, type Mapping } from "../../mapping/compile.ts";
import { type Ast, isTrue, nodesOf } from "../../mapping/expression.ts";
import type { Sample } from "../../mapping/schema.ts";
import { decodeBody } from "../../receive/body.ts";
import { sampleBody } from "./sign.ts";

type Interpreter = { visit: (node: Ast, value: unknown) => unknown };

/** Expressions and `||` branches that give nothing but null, false, "", [] or {} whenever they are evaluated. */
export function unusedExpressions(mapping: Mapping, samples: Sample[]): { path: string; source: string }[] {
  const watched = new Map<Ast, { path: string; source: string }>();
  for (const { path, source, ast } of expressionsOf(mapping)) {
    watched.set(ast, { path, source: JSON.stringify(source) });
    for (const { left, right } of nodesOf(ast, "OrExpression"))
      for (const branch of [left, right])
        if (branch.type !== "Literal" && branch.type !== "OrExpression")
          watched.set(branch, {
            path,
            source: `the branch ${describe(branch)} of ${JSON.stringify(source)}`,
          });
  }
  const interpreter = Object.getPrototypeOf(TreeInterpreter) as Interpreter;
  const visit = interpreter.visit;
  interpreter.visit = function watch(node, value) {
    const result = visit.call(this, node, value);
    if (watched.has(node) && isTrue(result)) watched.delete(node);
    return result;
  };
  try {
    for (const sample of samples) {
      const decoded = decodeBody(sampleBody(sample), mapping.file.format);
      if (decoded.ok)
        mapWebhook(
          mapping,
          { body: decoded.value, headers: new Headers(sample.headers), deliveryId: undefined },
          { acceptTestEvents: false },
        );
    }
  } finally {
    interpreter.visit = visit;
  }
  return [...watched.values()];
}

/** A few words by which a person finds a branch: its fields and functions in order. */
function describe(branch: Ast): string {
  const names: string[] = [];
  const walk = (node: unknown) => {
    if (typeof node !== "object" || node === null) return;
    if ("type" in node && (node.type === "Field" || node.type === "Function") && "name" in node)
      names.push(String(node.name));
    for (const child of Object.values(node)) walk(child);
  };
  walk(branch);
  return names.join(".");
}
