/**
 * From the syntax tree as written to the one that is evaluated: `$name` is replaced by its expression, and the left
 * side of `||` is guarded, so that a text nothing can use makes the right side count.
 */
import { spend } from "./budget.ts";
import type { Ast, Call } from "./expression.ts";
import { nodesOf } from "./expression.ts";
import { ANY_VALUE, type Guard } from "./functions.ts";

/** A part of an expression that must give a value in some sample: the whole, a branch of `||`, an argument of click_id. */
export type Part = { node: Ast; path: string; what: string };

/** An expression of `let`: where it stands, its source and its tree as written. */
export type Variable = { path: string; source: string; ast: Ast };

export type Resolved = { ast: Ast; parts: Part[] };

/** Resolves an expression whose value goes where `guard` says. `variables` are those it may use. */
export function resolve(
  { path, source, ast }: Variable,
  variables: Map<string, Variable>,
  guard: Guard = ANY_VALUE,
): Resolved {
  const parts: Part[] = [];
  const resolved = resolveIn({ path, source, ast }, variables, guard, parts);
  return { ast: resolved, parts };
}

function resolveIn(
  { path, source, ast }: Variable,
  variables: Map<string, Variable>,
  outer: Guard,
  parts: Part[],
): Ast {
  const bound = new Set(nodesOf(ast, "Binding").map(({ variable }) => variable));
  const branch = (written: Ast, node: Ast): Ast => {
    if (written.type !== "Literal" && written.type !== "OrExpression")
      parts.push({ node, path, what: `the branch ${describe(written)} of ${JSON.stringify(source)}` });
    return node;
  };

  const visit = (node: Ast, guard: Guard): Ast => {
    spend(1);
    switch (node.type) {
      case "Variable": {
        const variable = bound.has(node.name) ? undefined : variables.get(node.name);
        if (!variable) return node;
        return {
          type: "Pipe",
          left: { type: "Root" },
          right: resolveIn(variable, variables, guard, parts),
        };
      }
      case "OrExpression": {
        const left: Ast = { type: "Function", name: guard, children: [visit(node.left, guard)] };
        return {
          type: "OrExpression",
          left: branch(node.left, left),
          right: branch(node.right, visit(node.right, guard)),
        };
      }
      case "AndExpression":
        return { type: "AndExpression", left: visit(node.left, ANY_VALUE), right: visit(node.right, guard) };
      case "Ternary":
        return {
          type: "Ternary",
          condition: visit(node.condition, ANY_VALUE),
          trueExpr: visit(node.trueExpr, guard),
          falseExpr: visit(node.falseExpr, guard),
        };
      case "Function": {
        const children = node.children.map((child) => visit(child, ANY_VALUE));
        if (node.name === "click_id" && children.length > 1)
          for (const [i, child] of children.entries())
            parts.push({
              node: child,
              path,
              what: `argument ${i + 1} of click_id in ${JSON.stringify(source)}`,
            });
        const { column } = node as Call;
        return { ...node, children, ...(column !== undefined && { place: { path, source, column } }) };
      }
      case "Literal":
        return node;
      default:
        return Object.fromEntries(
          Object.entries(node).map(([key, child]) => [key, inside(child)]),
        ) as unknown as Ast;
    }
  };
  const inside = (child: unknown): unknown => {
    if (Array.isArray(child)) return child.map(inside);
    return typeof child === "object" && child !== null ? visit(child as Ast, ANY_VALUE) : child;
  };

  const resolved = visit(ast, outer);
  parts.push({ node: resolved, path, what: JSON.stringify(source) });
  return resolved;
}

/** A few words by which a person finds a branch: its names, fields and functions in order. */
function describe(branch: Ast): string {
  const names: string[] = [];
  const walk = (node: unknown) => {
    if (typeof node !== "object" || node === null) return;
    if ("type" in node && "name" in node && ["Field", "Function", "Variable"].includes(String(node.type)))
      names.push(`${node.type === "Variable" ? "$" : ""}${node.name}`);
    for (const child of Object.values(node)) walk(child);
  };
  walk(branch);
  return names.join(".");
}
