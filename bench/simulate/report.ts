/** The result of a simulation as tables, and which targets it misses. */
import { markdown } from "../figures.ts";
import { PATHS, type Protocol, TARGETS } from "./assumptions.ts";
import type { Counts, Played } from "./play.ts";

/** What one protocol gave, a world for each seed. */
export type Result = { protocol: Protocol; played: Played[] };

const NONE: Counts = { due: 0, known: 0, right: 0, wrong: 0, organic: 0, credited: 0, fraud: 0 };
const add = (a: Counts, b: Counts = NONE): Counts => ({
  due: a.due + b.due,
  known: a.known + b.known,
  right: a.right + b.right,
  wrong: a.wrong + b.wrong,
  organic: a.organic + b.organic,
  credited: a.credited + b.credited,
  fraud: a.fraud + b.fraud,
});
const total = (played: Played[], paths = PATHS): Counts =>
  played.flatMap((one) => paths.map(({ name }) => one.paths.get(name))).reduce<Counts>(add, NONE);
const sum = (played: Played[], count: (one: Played) => number) =>
  played.reduce((all, one) => all + count(one), 0);
const percent = (part: number, whole: number) => `${((100 * part) / whole).toFixed(1)} %`;
const aimedAt = PATHS.filter(({ target }) => target);

/** A sentence for each target that is missed. */
export function problems(results: Result[]): string[] {
  const [without] = results.filter(({ protocol }) => !protocol.session && !protocol.email);
  const base = total(without?.played ?? []);
  return results.flatMap(({ protocol: { name, targets }, played }) => {
    const found: string[] = [];
    const miss = (text: string) => found.push(`${name}: ${text}.`);
    const { known, right: all, organic, credited, fraud } = total(played);
    const { due, right } = total(played, aimedAt);
    const doubled = sum(played, (one) => one.doubled);
    const pending = sum(played, (one) => one.pending);
    const taken = sum(played, (one) => [...one.attacks.values()].reduce((all, each) => all + each.taken, 0));
    if (doubled > 0) miss(`${doubled} leads are doubled`);
    if (pending > 0) miss(`${pending} events are pending at the end`);
    if (taken > 0) miss(`${taken} attacks were taken`);
    if (targets && fraud > 0) miss(`${fraud} sign-ups are credited to an attacker`);
    if (targets === "all" && all < known)
      miss(`of ${known} sign-ups whose click the browser knew, ${all} are credited to it`);
    if (targets === "all" && !(right >= TARGETS.right * due))
      miss(`${percent(right, due)} are credited to the right click, fewer than ${100 * TARGETS.right} %`);
    if (targets === "all" && !(credited / organic <= base.credited / base.organic + TARGETS.falseMore))
      miss(
        `${percent(credited, organic)} of the organic sign-ups are credited, ${percent(base.credited, base.organic)} without click memory`,
      );
    return found;
  });
}

/** One line for each protocol. */
export function protocolsTable(results: Result[]): string {
  const head = [
    "protocol",
    "right, of those by a link",
    "least and most of the seeds",
    "right: hosted, enterprise, social",
    "wrong click",
    "organic credited",
    "by fraud",
    "leads by memory",
    "doubled",
    "pending",
  ];
  return markdown(
    head,
    results.map(({ protocol, played }) => {
      const all = total(played);
      const aim = total(played, aimedAt);
      const shares = played.map((one) => total([one])).map(({ right, due }) => right / due);
      return [
        protocol.name,
        percent(all.right, all.due),
        `${percent(Math.min(...shares), 1)}, ${percent(Math.max(...shares), 1)}`,
        percent(aim.right, aim.due),
        percent(all.wrong, all.due),
        percent(all.credited, all.organic),
        all.fraud,
        sum(played, ({ byMemory }) => byMemory),
        sum(played, ({ doubled }) => doubled),
        sum(played, ({ pending }) => pending),
      ];
    }),
  );
}

/** One line for each way of signing up. */
export function pathsTable(results: Result[]): string {
  const cell = ({ due, right, wrong, organic, credited, fraud }: Counts) =>
    [
      due > 0 && `${right}/${due}`,
      wrong > 0 && `w${wrong}`,
      `f${credited}/${organic}`,
      fraud > 0 && `fraud ${fraud}`,
    ]
      .filter(Boolean)
      .join(" ");
  return markdown(
    ["way of signing up, of all", ...results.map(({ protocol }) => protocol.name)],
    PATHS.map((path) => [
      `${path.name}, ${path.percent} %`,
      ...results.map(({ played }) => cell(total(played, [path]))),
    ]),
  );
}

/** One line for each attack. */
export function attacksTable(results: Result[]): string {
  const counts = new Map<string, { tried: number; taken: number }>();
  for (const [name, { tried, taken }] of results.flatMap(({ played }) =>
    played.flatMap((one) => [...one.attacks]),
  )) {
    const before = counts.get(name) ?? { tried: 0, taken: 0 };
    counts.set(name, { tried: before.tried + tried, taken: before.taken + taken });
  }
  return markdown(
    ["attack", "tried", "taken"],
    [...counts].map(([name, { tried, taken }]) => [name, tried, taken]),
  );
}
