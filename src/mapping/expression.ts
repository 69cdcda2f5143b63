/** JMESPath for mapping files: compile with the column of a mistake, evaluate, and the two functions we add. */
import {
  compile,
  isRegistered,
  type JSONValue,
  registerFunction,
  TreeInterpreter,
  TYPE_ANY,
  tokenize,
} from "@jmespath-community/jmespath";
import { usableClickId } from "../lead.ts";

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

const CLICK_ID_KEYS = ["dubClickId", "dub_click_id", "dub_id"];

/**
 * click_id(carrier): the click id in an object that a sign-up form can write to (an object, or one as a JSON
 * string): the first usable of `dubClickId`, `dub_click_id`, `dub_id`; null when there is none.
 */
function clickIdIn(carrier: unknown): string | null {
  const object = typeof carrier === "string" ? parsed(carrier) : carrier;
  if (typeof object !== "object" || object === null) return null;
  for (const key of CLICK_ID_KEYS) {
    const id = Object.hasOwn(object, key)
      ? usableClickId((object as Record<string, unknown>)[key])
      : undefined;
    if (id) return id;
  }
  return null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** epoch_ms(time): an ISO 8601 time as milliseconds since 1970; null when it is none. */
function epochMs(time: unknown): number | null {
  const ms = typeof time === "string" ? Date.parse(time) : Number.NaN;
  return Number.isNaN(ms) ? null : ms;
}

for (const [name, implementation] of [
  ["click_id", clickIdIn],
  ["epoch_ms", epochMs],
] as const) {
  if (!isRegistered(name))
    registerFunction(name, ([argument]) => implementation(argument), [{ types: [TYPE_ANY] }]);
}

/** The syntax tree of `source`; throws ExpressionError with the column of the first mistake. */
export function parseExpression(source: string): Ast {
  let ast: Ast;
  try {
    ast = compile(source);
  } catch (error) {
    throw new ExpressionError((error as Error).message, columnOf(source, (error as Error).message));
  }
  for (const { name } of nodesOf(ast, "Function")) {
    if (!isRegistered(name))
      throw new ExpressionError(`Unknown function: ${name}()`, source.indexOf(`${name}(`) + 1);
  }
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

type NodeOf<T extends Ast["type"]> = Ast & { type: T };

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

/** The parser gives no column; it stops at the first token with which the beginning of the source fails in the same words. */
function columnOf(source: string, message: string): number {
  const ends = starts(source).map((start, i, all) => ({ start, end: all[i + 1] ?? source.length }));
  for (const { start, end } of ends) {
    try {
      compile(source.slice(0, end));
    } catch (error) {
      if ((error as Error).message === message) return start + 1;
    }
  }
  return source.length + 1;
}

function starts(source: string): number[] {
  try {
    return tokenize(source)
      .filter((token) => token.type !== "EOF")
      .map((token) => token.start);
  } catch {
    return Array.from(source, (_, i) => i);
  }
}
