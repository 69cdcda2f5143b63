/** Compiles a mapping file: its JSON, checked by the schema, with every expression turned into a function. */
import type * as z from "zod/mini";
import type { LeadField } from "../lead.ts";
import { BudgetError, within } from "./budget.ts";
import {
  type Ast,
  type Evaluate,
  ExpressionError,
  evaluate,
  evaluateToWrite,
  parseExpression,
} from "./expression.ts";
import { ANY_VALUE, type Guard, guardOf } from "./functions.ts";
import { type Part, resolve, type Variable } from "./resolve.ts";
import { MappingFile } from "./schema.ts";

/** One thing wrong in a mapping file. `path` is a JSON path such as `leads[0].lead.customerName`. */
export type Problem = { path: string; message: string; expression?: string; column?: number };

export class MappingError extends Error {
  provider: string;
  problems: Problem[];
  constructor(provider: string, problems: Problem[]) {
    super(`${provider}/mapping.json: ${problems.map(formatProblem).join("; ")}`);
    this.provider = provider;
    this.problems = problems;
  }
}

export function formatProblem({ path, message, expression, column }: Problem): string {
  return `${path}: ${message}${expression === undefined ? "" : ` at column ${column} of ${JSON.stringify(expression)}`}`;
}

/** An expression of a mapping file with where it stands, and its parts, which the samples must cover. */
export type Compiled = {
  kind: "expression";
  path: string;
  source: string;
  ast: Ast;
  parts: Part[];
  evaluate: Evaluate;
};
export type Value =
  | Compiled
  | { kind: "constant"; value: number | boolean }
  | { kind: "object"; entries: [key: string, value: Value][] };
type Selector = Compiled | { header: string };

/** An event type that a rule is for, as written and as a pattern, with its condition. */
export type CompiledOn = { type: string; types: Pattern; condition: Compiled | undefined };
type Pattern = { test: (type: string) => boolean };

export type CompiledRule = {
  on: CompiledOn[];
  when: Compiled | undefined;
  lead: { field: LeadField; value: Value }[];
  withoutClickId: "skip" | "send";
  once: "customer" | "event";
};

export type Mapping = {
  provider: string;
  file: MappingFile;
  each: Compiled;
  type: Selector;
  id: Selector | undefined;
  let: Variable[];
  test: Compiled | undefined;
  otherAccount: Compiled | undefined;
  thin: Compiled | undefined;
  signedUpAt: Compiled | undefined;
  /** Over the claims of a session token. */
  sessionCustomer: Compiled | undefined;
  rules: CompiledRule[];
};

/** Steps for compiling a mapping file; one that ships takes less than 400. */
const COMPILE_STEPS = 200_000;

/** Compiles the JSON of a provider's mapping file; throws a MappingError that names everything wrong at once. */
export function compileMapping(provider: string, json: unknown): Mapping {
  try {
    return within(COMPILE_STEPS, () => compile(provider, json));
  } catch (error) {
    // Of a RangeError: what stands for what is nested so deep that the stack ends.
    if (!(error instanceof BudgetError || error instanceof RangeError)) throw error;
    const message = `it takes too many steps: simplify it. Each name of "let" stands for its whole expression wherever it is used`;
    throw new MappingError(provider, [{ path: "(file)", message }]);
  }
}

function compile(provider: string, json: unknown): Mapping {
  const parsed = MappingFile.safeParse(json);
  if (!parsed.success) throw new MappingError(provider, parsed.error.issues.flatMap(problemsOf));
  const file = parsed.data;
  const problems: Problem[] = [];

  const variables = new Map<string, Variable>();
  const parse = (path: string, source: string, names: Iterable<string>): Variable => {
    try {
      return { path, source, ast: parseExpression(source, [...names]) };
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      problems.push({ path, message: error.message, expression: source, column: error.column });
      return { path, source, ast: { type: "Literal", value: null } };
    }
  };
  const expression = (path: string, source: string, guard: Guard = ANY_VALUE): Compiled => {
    const usable = path === "each" ? new Map<string, Variable>() : variables;
    const { ast, parts } = resolve(parse(path, source, usable.keys()), usable, guard);
    const evaluateIt = path === "each" ? evaluate : evaluateToWrite;
    return { kind: "expression", path, source, ast, parts, evaluate: (event) => evaluateIt(ast, event) };
  };
  for (const [name, source] of Object.entries(file.let))
    variables.set(name, parse(`let.${name}`, source, variables.keys()));
  const optional = (path: string, source: string | undefined) =>
    source === undefined ? undefined : expression(path, source);
  const value = (
    path: string,
    v: string | number | boolean | Record<string, string | number | boolean>,
    guard?: Guard,
  ): Value => {
    if (typeof v === "string") return expression(path, v, guard);
    if (typeof v !== "object") return { kind: "constant", value: v };
    return {
      kind: "object",
      entries: Object.entries(v).map(([key, inner]) => [key, value(`${path}.${key}`, inner)]),
    };
  };
  const on = (path: string, types: string[] | Record<string, string | true>): CompiledOn[] =>
    (Array.isArray(types) ? types.map((type): [string, true] => [type, true]) : Object.entries(types)).map(
      ([type, condition]) => ({
        type,
        types: glob(type),
        condition: condition === true ? undefined : expression(`${path}[${JSON.stringify(type)}]`, condition),
      }),
    );
  const selector = (path: string, s: string | { header: string }): Selector =>
    typeof s === "string" ? expression(path, s) : s;

  const mapping: Mapping = {
    provider,
    file,
    each: expression("each", file.each),
    type: selector("type", file.type),
    id: file.id === undefined ? undefined : selector("id", file.id),
    let: [...variables.values()],
    test: optional("test", file.test),
    otherAccount: optional("otherAccount", file.otherAccount),
    thin: optional("thin", file.thin),
    signedUpAt: optional("signedUpAt", file.signedUpAt),
    sessionCustomer: optional("session.customerExternalId", file.session?.customerExternalId),
    rules: file.leads.map((rule, i) => ({
      on: on(`leads[${i}].on`, rule.on),
      when: optional(`leads[${i}].when`, rule.when),
      lead: Object.entries(rule.lead).flatMap(([field, v]) =>
        v === undefined
          ? []
          : [
              {
                field: field as LeadField,
                value: value(`leads[${i}].lead.${field}`, v, guardOf(field)),
              },
            ],
      ),
      withoutClickId: rule.withoutClickId,
      once: rule.once,
    })),
  };
  if (problems.length > 0) throw new MappingError(provider, problems);
  return mapping;
}

/** Every expression of a mapping outside `let` that is about an event. */
export function expressionsOf(mapping: Mapping): Compiled[] {
  const { each, type, id, test, otherAccount, thin, signedUpAt, rules } = mapping;
  const inside = (value: Value): Compiled[] =>
    value.kind === "expression"
      ? [value]
      : value.kind === "object"
        ? value.entries.flatMap(([, inner]) => inside(inner))
        : [];
  const top = [each, type, id, test, otherAccount, thin, signedUpAt].filter(
    (one) => one !== undefined && "parts" in one,
  ) as Compiled[];
  return [
    ...top,
    ...rules.flatMap(({ on, when, lead }) => [
      ...on.flatMap(({ condition }) => condition ?? []),
      ...(when ? [when] : []),
      ...lead.flatMap(({ value }) => inside(value)),
    ]),
  ];
}

/** The conditions of a mapping: what decides whether an event is taken, skipped or rejected. */
export function conditionsOf({ test, otherAccount, thin, rules }: Mapping): Compiled[] {
  return [
    ...[test, otherAccount, thin],
    ...rules.flatMap(({ on, when }) => [...on.map(({ condition }) => condition), when]),
  ].filter((one) => one !== undefined);
}

/** A pattern in which `*` stands for any characters. As a regular expression, one of many `*` could take hours. */
function glob(pattern: string): Pattern {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) return { test: (type) => type === pattern };
  return {
    test: (type) => {
      let at = first.length;
      for (const part of rest) {
        const found = type.indexOf(part, at);
        if (found < 0) return false;
        at = found + part.length;
      }
      return type.startsWith(first) && type.endsWith(last) && type.length - last.length >= at;
    },
  };
}

/** A union's issue says nothing by itself: the deepest of its branches is the one that was meant. */
export function problemsOf(issue: z.core.$ZodIssue): Problem[] {
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    const unknown = issue.errors.map((branch) =>
      branch.flatMap((inner) =>
        inner.code === "unrecognized_keys" && inner.path.length === 0 ? inner.keys : [],
      ),
    );
    const inNone = unknown[0]?.filter((key) => unknown.every((keys) => keys.includes(key))) ?? [];
    if (inNone.length > 0)
      return inNone.map((key) => ({ path: jsonPath([...issue.path, key]), message: "unknown key" }));
    const meant = issue.errors.reduce((a, b) => (depth(b) > depth(a) ? b : a));
    if (depth(meant) > 0)
      return meant.flatMap((inner) => problemsOf({ ...inner, path: [...issue.path, ...inner.path] }));
    const types = issue.errors
      .flat()
      .map((inner) =>
        "expected" in inner ? inner.expected : "values" in inner ? inner.values.join(" or ") : inner.message,
      );
    return [{ path: jsonPath(issue.path), message: `expected ${[...new Set(types)].join(" or ")}` }];
  }
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => ({ path: jsonPath([...issue.path, key]), message: "unknown key" }));
  if (issue.code === "invalid_key")
    return issue.issues.flatMap((inner) => problemsOf({ ...inner, path: issue.path }));
  return [{ path: jsonPath(issue.path), message: wording(issue) }];
}

function wording(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_type")
    return `expected ${issue.expected}${issue.input === undefined ? ", and it is missing or of another type" : ""}`;
  if (issue.code === "invalid_value")
    return `expected one of ${issue.values.map((v) => JSON.stringify(v)).join(", ")}`;
  if (issue.code === "invalid_union" && "options" in issue && Array.isArray(issue.options))
    return `expected one of ${issue.options.map((v) => JSON.stringify(v)).join(", ")}`;
  if (issue.code === "too_small") return "must not be empty";
  if (issue.code === "invalid_format")
    return issue.format === "regex" ? `does not fit ${issue.pattern}` : `not a valid ${issue.format}`;
  return issue.message;
}

function depth(issues: z.core.$ZodIssue[]): number {
  return Math.max(...issues.map((issue) => issue.path.length));
}

/** `leads[0].on["user.created"]`; "(file)" for the whole. */
export function jsonPath(path: PropertyKey[]): string {
  const text = path
    .map((key) =>
      typeof key === "number"
        ? `[${key}]`
        : /^[\w$-]+$/.test(String(key))
          ? `.${String(key)}`
          : `[${JSON.stringify(key)}]`,
    )
    .join("");
  return text.replace(/^\./, "") || "(file)";
}
