/** Differences of samples, put together by the expression that causes them. */
import { expressionsOf, type Mapping, type Problem } from "../../mapping/compile.ts";
import type { Sample } from "../../mapping/schema.ts";
import type { Difference } from "./differences.ts";
import { namesIn } from "./tried.ts";

/** A problem of the mapping file, or, with `sample`, of a sample: then `path` is one of its file. */
export type Cause = Problem & { sample?: string; differences?: Difference[] };

/** Expression's path → the paths of the names that it uses, directly or through others. */
export type Uses = Map<string, Set<string>>;

/** What each expression and name uses. */
export function usesOf(mapping: Mapping): Uses {
  const uses: Uses = new Map();
  for (const { path, source } of [...mapping.let, ...expressionsOf(mapping)]) {
    const direct = namesIn(source);
    uses.set(path, new Set(direct.flatMap((name) => [name, ...(uses.get(name) ?? [])])));
  }
  return uses;
}

/** Events of types that no rule is for, and of which samples expect something. */
export function untakenTypes(differences: Difference[]): Cause[] {
  if (differences.length === 0) return [];
  const types = [...new Set(differences.map(({ type }) => JSON.stringify(type)))].sort().join(", ");
  return [
    { path: "leads", message: `no rule is for events of type ${types}, and samples expect one`, differences },
  ];
}

/**
 * Differences by what causes them: an expression, or a name that most of the expressions use that differ. What concerns
 * one sample among several is a problem of this sample.
 */
export function grouped(
  differences: Difference[],
  mapping: Mapping,
  uses: Uses,
  samples: Map<string, Sample>,
): Cause[] {
  const left = new Set(differences);
  const causes: Cause[] = [];
  while (left.size > 0) {
    const wrong = new Set([...left].map(({ suspects }) => suspects[0] ?? ""));
    const path = commonName(wrong, mapping, uses) ?? ([...wrong][0] as string);
    const own = [...left].filter(
      ({ suspects: [first = ""] }) => first === path || uses.get(first)?.has(path),
    );
    for (const one of own) left.delete(one);
    causes.push(causeOf(path, own, mapping, uses, samples));
  }
  return causes;
}

/** The name that two or more of the wrong expressions use, and hardly any other. Of several, the last defined. */
function commonName(wrong: Set<string>, mapping: Mapping, uses: Uses): string | undefined {
  const users = (name: string) =>
    expressionsOf(mapping).flatMap(({ path }) => (uses.get(path)?.has(name) ? [path] : []));
  const found = mapping.let
    .map(({ path }) => ({ path, all: users(path) }))
    .map(({ path, all }) => ({ path, all, wrong: all.filter((user) => wrong.has(user)) }))
    .filter((one) => one.wrong.length > 1 && one.wrong.length * 2 > one.all.length);
  const most = Math.max(...found.map((one) => one.wrong.length));
  return found.findLast((one) => one.wrong.length === most)?.path;
}

function causeOf(
  path: string,
  differences: Difference[],
  mapping: Mapping,
  uses: Uses,
  samples: Map<string, Sample>,
): Cause {
  const source = [...mapping.let, ...expressionsOf(mapping)].find((one) => one.path === path)?.source;
  const names = [...(uses.get(path) ?? [])];
  const using = names.length > 0 ? ` (which uses ${names.join(", ")})` : "";
  const concerned = new Set(differences.map(({ sample }) => sample));
  const [first] = differences;
  if (concerned.size === 1 && samples.size > 1 && first)
    return {
      path: first.place,
      sample: first.sample,
      message: `differs from what the mapping file gives by ${path}${source === undefined ? "" : `: ${JSON.stringify(source)}`}${using}`,
      differences,
    };
  const expects = concerned.size === 1 ? "the only sample expects" : `${concerned.size} samples expect`;
  if (GATES.has(path) && source === undefined)
    return { path, message: `is not set, and ${expects} another result`, differences };
  const by = source === undefined ? "this gives" : `${JSON.stringify(source)}${using} gives`;
  return { path, message: `${expects} another result than ${by}`, differences };
}

const GATES = new Set(["test", "otherAccount", "thin"]);
