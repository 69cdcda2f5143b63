/**
 * From everything that is wrong with a mapping file and its samples to the causes. One wrong expression makes many
 * samples fail, and others are tried on nothing: what follows from a cause is not reported beside it.
 */
import type { Mapping, Problem } from "../../mapping/compile.ts";
import type { Sample } from "../../mapping/schema.ts";
import { coverageOf } from "./coverage.ts";
import { type Difference, differencesOf } from "./differences.ts";
import { type Cause, grouped, untakenTypes, usesOf } from "./group.ts";
import * as tried from "./tried.ts";
import { writtenMistakes } from "./written.ts";

/** The causes, the first to look at first. `following`: samples that differ because of them, and are not named there. */
export type Causes = { causes: Cause[]; following: Set<string> };

/**
 * The causes of all problems. The order is that of evaluation: how a webhook is split and its type read, which rule
 * takes an event, what the lead is; names before what uses them. Without `differences` samples are only tried.
 */
export function causesOf(
  mapping: Mapping,
  samples: Map<string, Sample>,
  { differences = true } = {},
): Causes {
  const coverage = coverageOf(mapping, [...samples.values()]);
  const uses = usesOf(mapping);
  const causes: Cause[] = [];
  const blamed = new Set<string>();
  const named = new Set<Difference>();
  const isExplained = (paths: string[]) =>
    paths.some((path) => blamed.has(path) || [...(uses.get(path) ?? [])].some((name) => blamed.has(name)));
  const report = (found: Cause[]): boolean => {
    const news = found.filter(({ path, sample }) => sample !== undefined || !isExplained([path]));
    causes.push(...news);
    for (const { differences: own = [] } of news) for (const one of own) named.add(one);
    for (const { path, sample } of news) if (sample === undefined) blamed.add(path);
    return news.length > 0;
  };

  report(tried.misspeltFields(mapping, coverage));
  const written = writtenMistakes(mapping, [...samples.values()]).filter(({ path }) => !blamed.has(path));
  // Two mistakes of one expression are both reported.
  causes.push(...written);
  for (const { path } of written) blamed.add(path);

  const wrong = differences ? [...samples].flatMap(([name, one]) => differencesOf(mapping, name, one)) : [];
  const open = () => wrong.filter((one) => !named.has(one) && !isExplained(one.suspects));
  const whole = () => open().filter((one) => one.whole);
  const evaluated = new Set(
    [...coverage.results].flatMap(([{ path }, given]) => (given.length > 0 ? [path] : [])),
  );
  const isLeadField = (path: string) => /^leads\[\d+\]\.lead\./.test(path);
  const gates = [...evaluated].filter((path) => !isLeadField(path));
  const withNames = (paths: Iterable<string>) =>
    new Set([...paths].flatMap((path) => [...(uses.get(path) ?? []), path]));
  const silent = tried.silentParts(coverage);
  const silentIn = (paths: Set<string>) => silent.filter(({ path }) => paths.has(path));

  report(silentIn(new Set(["each", "type"])));
  report(tried.wrongType(mapping, coverage));
  const isRead = !isExplained(["each", "type"]);
  const unreached =
    isRead &&
    (report(tried.unknownTypes(mapping, coverage)) ||
      report(untakenTypes(whole().filter(({ suspects }) => suspects[0] === "leads"))));
  if (isRead && !unreached) {
    const before = causes.length;
    // A lead that misses what Dub requires is another result for the whole event.
    report(
      silentIn(new Set(whole().flatMap(({ suspects: [path = ""] }) => (isLeadField(path) ? [path] : [])))),
    );
    const isSilent = (path: string) => silent.some((part) => part.path === path);
    const constants = tried.constantConditions(mapping, coverage);
    const reportedConstants = report(
      constants.filter(({ path }) => ![...(uses.get(path) ?? [])].some(isSilent)),
    );
    // Which rule takes an event is decided first, then whether it is a test or another account's.
    const isLate = (path = "") => ["test", "otherAccount"].includes(path);
    for (const late of reportedConstants ? [] : [false, true]) {
      const names = withNames(gates.filter((path) => isLate(path) === late));
      report(silentIn(new Set([...names].filter((path) => path.startsWith("let.")))));
      report(constants.filter(({ path }) => isLate(path) === late));
      report(
        grouped(
          whole().filter(({ suspects: [path] }) => isLate(path) === late),
          mapping,
          uses,
          samples,
        ),
      );
      report(silentIn(names));
      if (causes.length > before) break;
    }
    // An event that gets to no rule, or to a wrong one, leaves much of the leads without a value.
    if (causes.length === before) report(silentIn(withNames(evaluated)));
  }
  const rest = isRead ? open().filter(({ suspects }) => !(unreached && suspects[0] === "leads")) : [];
  report(grouped(rest, mapping, uses, samples));
  if (causes.length === 0)
    for (const found of [
      tried.untriedConditions(mapping, coverage),
      silent satisfies Problem[],
      tried.unusedNames(mapping),
    ])
      report(found);

  const following = wrong.filter((one) => !named.has(one)).map(({ sample }) => sample);
  return { causes, following: new Set(following) };
}
