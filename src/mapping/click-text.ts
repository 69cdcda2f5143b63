/** What stands where a click id should be: so that a form that passes a placeholder is told from a visitor without a click. */
import type { Ast } from "./expression.ts";
import { ANY_CLICK_TEXT, isGuard } from "./functions.ts";

/** The same expression, with texts that are no click ids in its result instead of none. */
export function withAnyText(ast: Ast): Ast {
  if (ast.type === "Function" && isGuard(ast.name) && ast.children[0]) return withAnyText(ast.children[0]);
  const changed = Object.entries(ast).map(([key, child]) => [key, inside(child)]);
  const node = Object.fromEntries(changed) as Ast;
  return node.type === "Function" && node.name === "click_id" ? { ...node, name: ANY_CLICK_TEXT } : node;
}

function inside(child: unknown): unknown {
  if (Array.isArray(child)) return child.map(inside);
  return typeof child === "object" && child !== null && "type" in child ? withAnyText(child as Ast) : child;
}
