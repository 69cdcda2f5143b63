/** JMESPath for mapping files: an expression's syntax tree with the column of a mistake, and its evaluation. */
import { compile, type JSONValue, TreeInterpreter } from "@jmespath-community/jmespath";
import { callProblem } from "./functions.ts";
import { columnOf, hintFor, readable, tokensOf, unclosedAt } from "./syntax.ts";

export type Ast = ReturnType<typeof compile>;
/** A compiled expression. Throws an Error whose message names types, never values. */
export type Evaluate = (event: unknown) => unknown;

export class ExpressionError extends Error {
  /** 1-based column in the expression. */
  column: number;
  constructor(message: string, column: number) {
    super(message);
    this.column = column;
  }
}

/**
 * The syntax tree of `source`, in which `$name` may stand for one of `variables`. Throws an ExpressionError with the
 * column of the first mistake: syntax, an unknown function or variable, a wrong number of arguments, `=` for `==`.
 */
export function parseExpression(source: string, variables: string[] = []): Ast {
  let ast: Ast;
  const unclosed = unclosedAt(source);
  if (unclosed !== undefined) throw new ExpressionError(`${source[unclosed - 1]} is not closed`, unclosed);
  try {
    ast = compile(source);
  } catch (error) {
    const { message } = error as Error;
    const hint = hintFor(source);
    if (hint) throw new ExpressionError(hint.message, hint.column);
    const column = columnOf(source, message);
    throw new ExpressionError(readable(message, source, column), column);
  }
  const tokens = tokensOf(source);
  const at = (type: string, value?: unknown) =>
    (tokens.find((token) => token.type === type && (value === undefined || token.value === value))?.start ??
      0) + 1;
  const bindings = nodesOf(ast, "LetExpression").flatMap((node) => node.bindings);
  if (nodesOf(ast, "Binding").some((node) => !bindings.includes(node))) {
    const wrong = tokens.find(({ type }, i) => type === "Assign" && tokens[i - 1]?.type !== "Variable");
    throw new ExpressionError('"=" is no comparison, write "=="', (wrong?.start ?? 0) + 1);
  }
  for (const { name, children } of nodesOf(ast, "Function")) {
    const problem = callProblem(name, children.length);
    if (problem) throw new ExpressionError(problem, at("UnquotedIdentifier", name));
  }
  const known = [...variables, ...bindings.map(({ variable }) => variable)];
  for (const { name } of nodesOf(ast, "Variable"))
    if (!known.includes(name))
      throw new ExpressionError(
        known.length > 0
          ? `Unknown name: $${name}. There are: ${known.map((one) => `$${one}`).join(", ")}`
          : `Unknown name: $${name}. Define it under "let"`,
        at("Variable", name),
      );
  for (const { left, right } of nodesOf(ast, "Comparator"))
    for (const side of [left, right])
      if (side.type === "Field" && ["true", "false", "null"].includes(side.name))
        throw new ExpressionError(
          `${side.name} is read as the name of a field, write \`${side.name}\` in backticks`,
          at("UnquotedIdentifier", side.name),
        );
  return ast;
}

/** Evaluates a syntax tree against one event, which is both `@` and `$`. */
export function evaluate(ast: Ast, event: unknown): unknown {
  return TreeInterpreter.search(ast, event as JSONValue);
}

/** JMESPath's truth: null, false, "", [] and {} are false. */
export function isTrue(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.keys(value).length > 0;
  return value !== null && value !== undefined && value !== false && value !== "";
}

export type NodeOf<T extends Ast["type"]> = Ast & { type: T };

/** Every node of one type in a syntax tree. */
export function nodesOf<T extends Ast["type"]>(ast: Ast, type: T): NodeOf<T>[] {
  const found: NodeOf<T>[] = [];
  const visit = (node: unknown) => {
    if (typeof node !== "object" || node === null) return;
    if ((node as Ast).type === type) found.push(node as NodeOf<T>);
    for (const [key, child] of Object.entries(node))
      if (key !== "value" || (node as Ast).type !== "Literal") visit(child);
  };
  visit(ast);
  return found;
}
