/**
 * A budget for evaluating expressions, so that one that runs wild ends with an error instead of taking the Worker down.
 * JMESPath's interpreter is made to count: each node it visits, and what the functions read and make.
 */
import { type JSONValue, TreeInterpreter } from "@jmespath-community/jmespath";

/** Steps for one expression. A step takes about 0.1 µs. */
export const EXPRESSION_STEPS = 1_000_000;

export class BudgetError extends Error {}

let left = Number.POSITIVE_INFINITY;

/** Counts steps; throws a BudgetError when there are none left. */
export function spend(steps: number): void {
  // NaN is no cost: it would end all counting.
  left = steps <= left ? left - steps : -1;
  if (left < 0) throw new BudgetError();
}

/** Runs with at most so many steps, and no more than are left of those around it. */
export function within<T>(steps: number, run: () => T): T {
  const around = left;
  left = Math.min(steps, around);
  const given = left;
  try {
    return run();
  } catch (error) {
    if (!(error instanceof BudgetError) || error.message !== "") throw error;
    throw new BudgetError(
      given < steps
        ? "not evaluated: the steps for all expressions are used up"
        : `it takes more than ${steps.toLocaleString("en")} steps: simplify it`,
    );
  } finally {
    left = around - (given - Math.max(0, left));
  }
}

/** Characters that take as long as one step. */
const CHARACTERS = 16;

/** Levels of a value that an expression makes; webhooks have at most 100. */
const MAX_DEPTH = 200;

/** Counts everything in a value, also what is in it several times over: as long as it would be as text. */
export function spendOn(value: unknown, depth = 0): void {
  if (depth > MAX_DEPTH) throw new Error("the value is nested too deep");
  spend(typeof value === "string" ? 1 + value.length / CHARACTERS : 1);
  if (typeof value !== "object" || value === null) return;
  for (const inner of Array.isArray(value) ? value : Object.values(value)) spendOn(inner, depth + 1);
}

const lengthOf = (value: unknown): number =>
  typeof value === "string" || Array.isArray(value) ? value.length : 0;
const sizeOf = (value: unknown): number =>
  typeof value === "string" ? value.length / CHARACTERS : lengthOf(value);
const sum = (numbers: number[]): number => numbers.reduce((a, b) => a + b, 0);
const contentOf = (list: unknown): number => (Array.isArray(list) ? sum(list.map(sizeOf)) : 0);
const keysOf = (value: unknown): number => Object.keys(Object(value)).length;
const numberIn = (value: unknown): number => (typeof value === "number" && value > 0 ? value : 0);
type Expression = Parameters<typeof TreeInterpreter.visit>[0];
/** What an expression gives for each item of a list. */
const givenBy = (list: unknown, by: unknown): unknown[] =>
  Array.isArray(list) && typeof by === "object" && by !== null
    ? list.map((one) => TreeInterpreter.visit(by as Expression, one))
    : [];

type Cost = (args: unknown[]) => number;
const ofKeys: Cost = (objects) => sum(objects.map(keysOf));
const ofWidth: Cost = ([, width]) => numberIn(width) / CHARACTERS;
const ofComparing: Cost = ([list]) => contentOf(list) * 16;
const ofComparingBy: Cost = ([list, by]) => contentOf(givenBy(list, by)) * 16;
const ofSearch: Cost = ([text, search]) => sizeOf(text) * sizeOf(search);

/** What a function costs beyond reading its arguments. */
const COSTS = new Map<string, Cost>(
  Object.entries<Cost>({
    keys: ofKeys,
    values: ofKeys,
    items: ofKeys,
    merge: ofKeys,
    length: ([value]) => (typeof value === "object" ? keysOf(value) : lengthOf(value)),
    reverse: ([value]) => lengthOf(value),
    pad_left: ofWidth,
    pad_right: ofWidth,
    sort: ofComparing,
    max: ofComparing,
    min: ofComparing,
    sort_by: ofComparingBy,
    max_by: ofComparingBy,
    min_by: ofComparingBy,
    find_first: ofSearch,
    find_last: ofSearch,
    contains: (args) => contentOf(args[0]) + ofSearch(args),
    split: (args) => lengthOf(args[0]) + ofSearch(args),
    join: ([separator, list]) => lengthOf(list) * sizeOf(separator) + contentOf(list),
    replace: ([text, search, by, count]) => {
      const found = 1 + lengthOf(text) / Math.max(1, lengthOf(search));
      const once = sizeOf(text) + ofSearch([text, search]);
      if (count === undefined || Number.isNaN(count)) return once + found * sizeOf(by);
      return numberIn(count) * (1 + once + numberIn(count) * sizeOf(by));
    },
    to_string: ([value]) => {
      spendOn(value);
      return 0;
    },
  }),
);

const { runtime } = TreeInterpreter;
const interpreterClass = Object.getPrototypeOf(TreeInterpreter) as typeof TreeInterpreter;
const runtimeClass = Object.getPrototypeOf(runtime) as typeof runtime;
const { visit } = interpreterClass;
const { callFunction } = runtimeClass;
const literal = (value: unknown) => ({ type: "Literal" as const, value: value as JSONValue });

interpreterClass.visit = function counted(node, value) {
  if (--left < 0) throw new BudgetError();
  switch (node.type) {
    case "Slice":
      spend(lengthOf(value));
      break;
    case "Flatten": {
      const list = this.visit(node.child, value);
      if (!Array.isArray(list)) return null;
      spend(sum(list.map((one) => (Array.isArray(one) ? one.length : 1))));
      return list.flat();
    }
    case "Comparator": {
      const [first, second] = [this.visit(node.left, value), this.visit(node.right, value)];
      if (typeof first !== "object" && (node.name === "EQ" || node.name === "NE")) {
        spend(sizeOf(first));
        return (first === second) === (node.name === "EQ");
      }
      spendOn(first);
      return visit.call(this, { ...node, left: literal(first), right: literal(second) }, value);
    }
  }
  return visit.call(this, node, value);
};

runtimeClass.callFunction = function counted(name, args) {
  for (const arg of args) spend(sizeOf(arg));
  const cost = COSTS.get(name);
  if (cost) spend(cost(args));
  const [, , by, count] = args;
  // With a count, JMESPath's own reads `$'` and the like in the new text, by which each round can double the text.
  if (name === "replace" && count !== undefined && typeof by === "string")
    return callFunction.call(this, name, args.with(2, by.replaceAll("$", "$$$$")));
  return callFunction.call(this, name, args);
};
