/** JMESPath for mapping files: an expression's syntax tree with the column of a mistake, and its evaluation. */
import { compile, type JSONValue, TreeInterpreter } from "@jmespath-community/jmespath";
import { EXPRESSION_STEPS, spendOn, within } from "./budget.ts";
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
  placeFunctions(ast, tokens);
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

/** Where a function call stands: in an expression of the mapping file, at a 1-based column. */
export type CallPlace = { path: string; source: string; column: number };
export type Call = NodeOf<"Function"> & { column?: number; place?: CallPlace };

/** Notes the column of each function call, to say later which one failed. The calls of a tree are in the order of the text. */
function placeFunctions(ast: Ast, tokens: ReturnType<typeof tokensOf>): void {
  const names = tokens.filter(
    ({ type }, i) => type === "UnquotedIdentifier" && String(tokens[i + 1]?.type) === "Lparen",
  );
  const calls: Call[] = nodesOf(ast, "Function");
  if (calls.some(({ name }, i) => name !== names[i]?.value)) return;
  for (const [i, call] of calls.entries()) call.column = (names[i]?.start ?? 0) + 1;
}

/** Evaluates a syntax tree against one event, which is both `@` and `$`. Throws a BudgetError when it runs wild. */
export function evaluate(ast: Ast, event: unknown): unknown {
  return within(EXPRESSION_STEPS, () => TreeInterpreter.search(ast, event as JSONValue));
}

/** The same, when the value is written as text: it is not larger than the steps allow. */
export function evaluateToWrite(ast: Ast, event: unknown): unknown {
  return within(EXPRESSION_STEPS, () => {
    const value = TreeInterpreter.search(ast, event as JSONValue);
    spendOn(value);
    return value;
  });
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
    // What stands first is visited first: a filter's condition before what follows it.
    const { right, ...others } = node as { right?: unknown };
    for (const [key, child] of Object.entries({ ...others, ...(right !== undefined && { right }) }))
      if (key !== "value" || (node as Ast).type !== "Literal") visit(child);
  };
  visit(ast);
  return found;
}
