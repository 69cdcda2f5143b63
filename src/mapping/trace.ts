/** Which values of an event the value of an expression is made of. */
import { BudgetError, EXPRESSION_STEPS, spend, within } from "./budget.ts";
import { jsonPath } from "./compile.ts";
import { type Ast, type Call, type CallPlace, evaluate, isTrue, type NodeOf } from "./expression.ts";
import { clickIdIn, isGuard } from "./functions.ts";

/** A value and where it is from: a place in the event, parts that an expression put together, or the leaves it was computed of. */
type Traced = { value: unknown } & (
  | { path: PropertyKey[] }
  | { parts: Map<string, Traced> }
  | { leaves: Set<string> }
);

const MAX_LEAVES = 1000;

/** The function call that makes an expression fail on an event, the innermost; undefined when it is none or not found. */
export function failingCall(ast: Ast, event: unknown): CallPlace | undefined {
  const tracer = new Tracer(event);
  try {
    within(EXPRESSION_STEPS, () => tracer.visit(ast, tracer.root));
    return undefined;
  } catch {
    return tracer.failing;
  }
}

/**
 * The value of `ast`, and the paths of the leaves of `event` that it is made of, such as `data.emails[0].address`. What
 * only decided (a condition, the left side of `||` that gave nothing) is not among them. Throws as evaluating
 * does.
 */
export function trace(ast: Ast, event: unknown): { value: unknown; reads: string[] } {
  const tracer = new Tracer(event);
  return within(EXPRESSION_STEPS, () => {
    const traced = tracer.visit(ast, tracer.root);
    return { value: traced.value, reads: [...tracer.leavesOf(traced)] };
  });
}

type Projecting = { type: Ast["type"]; left: Ast; right: Ast; condition?: Ast };

class Tracer {
  root: Traced;
  failing: CallPlace | undefined;

  constructor(event: unknown) {
    this.root = { value: event, path: [] };
  }

  visit(node: Ast, at: Traced): Traced {
    spend(1);
    switch (node.type) {
      case "Root":
        return this.root;
      case "Current":
      case "Identity":
        return at;
      case "Literal":
        return constant(node.value);
      case "Field":
        return Array.isArray(at.value) ? constant(null) : child(at, node.name);
      case "Index": {
        if (!Array.isArray(at.value)) return constant(null);
        return child(at, node.value < 0 ? at.value.length + node.value : node.value);
      }
      case "Subexpression":
      case "Pipe":
      case "IndexExpression": {
        const left = this.visit(node.left, at);
        return node.type === "Subexpression" && isNone(left) ? constant(null) : this.visit(node.right, left);
      }
      case "Ternary":
        return this.visit(isTrue(this.visit(node.condition, at).value) ? node.trueExpr : node.falseExpr, at);
      case "OrExpression":
      case "AndExpression": {
        const left = this.visit(node.left, at);
        return isTrue(left.value) === (node.type === "OrExpression") ? left : this.visit(node.right, at);
      }
      case "MultiSelectList":
        return list(node.children.map((one) => this.visit(one, at)));
      case "MultiSelectHash":
        return hash(node.children.map(({ name, value }) => [name, this.visit(value, at)]));
      case "Projection":
      case "FilterProjection":
      case "ValueProjection":
        return this.project(node, at);
      case "Flatten": {
        const inner = this.visit(node.child, at);
        if (!Array.isArray(inner.value)) return constant(null);
        return list(children(inner).flatMap((one) => (Array.isArray(one.value) ? children(one) : [one])));
      }
      case "Comparator":
      case "Arithmetic": {
        const [left, right] = [this.visit(node.left, at), this.visit(node.right, at)];
        return this.made({ ...node, left: literal(left), right: literal(right) }, [left, right]);
      }
      case "Unary": {
        const operand = this.visit(node.operand, at);
        return this.made({ ...node, operand: literal(operand) }, [operand]);
      }
      case "NotExpression": {
        const inner = this.visit(node.child, at);
        return this.made({ ...node, child: literal(inner) }, [inner]);
      }
      case "Function":
        return this.call(node, at);
      default:
        return this.made({ type: "Pipe", left: literal(at), right: node }, [at]);
    }
  }

  leavesOf(traced: Traced): Set<string> {
    if ("leaves" in traced) return traced.leaves;
    const found = new Set<string>();
    const walk = (one: Traced) => {
      spend(1);
      if (found.size >= MAX_LEAVES) return;
      if ("leaves" in one) for (const leaf of one.leaves) found.add(leaf);
      else if ("parts" in one || isContainer(one.value)) children(one).forEach(walk);
      else if (!isNone(one)) found.add(jsonPath(one.path));
    };
    walk(traced);
    return found;
  }

  private project(node: Projecting, at: Traced): Traced {
    const base = this.visit(node.left, at);
    const isSlice = node.left.type === "IndexExpression" && node.left.right.type === "Slice";
    if (node.type === "Projection" && isSlice && typeof base.value === "string")
      return this.visit(node.right, base);
    if (!isContainer(base.value) || Array.isArray(base.value) === (node.type === "ValueProjection"))
      return constant(null);
    const taken = children(base).filter(
      (one) => !node.condition || isTrue(this.visit(node.condition, one).value),
    );
    return list(taken.map((one) => this.visit(node.right, one)).filter((one) => one.value !== null));
  }

  private call(node: NodeOf<"Function">, at: Traced): Traced {
    const args = node.children.map((one) =>
      one.type === "ExpressionReference" ? null : this.visit(one, at),
    );
    const known = args.filter((one) => one !== null);
    const called = {
      ...node,
      children: node.children.map((one, i) => (args[i] ? literal(args[i]) : one)),
    };
    let made: Traced;
    try {
      made = this.made(called, known);
    } catch (error) {
      if (!(error instanceof BudgetError)) this.failing ??= (node as Call).place;
      throw error;
    }
    if (made.value === null) return made;
    if (isGuard(node.name) || node.name === "not_null") return known.find((one) => !isNone(one)) ?? made;
    if (node.name === "click_id") {
      const giving = (one: Traced) => clickIdIn(one.value) === made.value;
      const carrier = known.find(giving);
      const given =
        carrier && entries(carrier).find(([key, one]) => giving({ ...one, value: { [key]: one.value } }));
      const place = given?.[1] ?? carrier;
      return place ? { value: made.value, leaves: this.leavesOf(place) } : made;
    }
    return made;
  }

  /** The value of a node that is computed of `of`: what is found again there is from there, anything else of all of it. */
  private made(node: Ast, of: Traced[]): Traced {
    const value = evaluate(node, this.root.value);
    if (value === null) return constant(null);
    const places = new Map<unknown, Traced>();
    let all: Set<string> | undefined;
    const index = (one: Traced) => {
      spend(1);
      if (isContainer(one.value)) {
        places.set(one.value, one);
        for (const inner of children(one)) index(inner);
      } else if (typeof one.value === "string" && one.value !== "" && !places.has(one.value))
        places.set(one.value, one);
    };
    if (typeof value === "object" || typeof value === "string") of.forEach(index);
    const locate = (one: unknown): Traced => {
      if (one === null || one === "") return constant(one);
      const place = places.get(one);
      if (place) return place;
      if (Array.isArray(one)) return list(one.map(locate));
      if (isContainer(one)) return hash(Object.entries(one).map(([key, inner]) => [key, locate(inner)]));
      all ??= new Set(of.flatMap((source) => [...this.leavesOf(source)]));
      return { value: one, leaves: all };
    };
    return locate(value);
  }
}

const constant = (value: unknown): Traced => ({ value, leaves: new Set() });
const literal = ({ value }: Traced): Ast => ({ type: "Literal", value: value as null });
const isNone = ({ value }: Traced): boolean => value === null || value === undefined;

function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function list(parts: Traced[]): Traced {
  return { value: parts.map(({ value }) => value), parts: new Map(parts.map((one, i) => [String(i), one])) };
}

function hash(parts: [string, Traced][]): Traced {
  return { value: Object.fromEntries(parts.map(([key, { value }]) => [key, value])), parts: new Map(parts) };
}

function child(of: Traced, key: string | number): Traced {
  const { value } = of;
  if (!isContainer(value)) return constant(null);
  if ("parts" in of) return of.parts.get(String(key)) ?? constant(null);
  const inner = (value as Record<PropertyKey, unknown>)[key] ?? null;
  return "path" in of ? { value: inner, path: [...of.path, key] } : { value: inner, leaves: of.leaves };
}

function children(of: Traced): Traced[] {
  return entries(of).map(([, one]) => one);
}

function entries(of: Traced): [string, Traced][] {
  const { value } = of;
  if (Array.isArray(value)) return value.map((_, i) => [String(i), child(of, i)]);
  return isContainer(value) ? Object.keys(value).map((key) => [key, child(of, key)]) : [];
}
