/** Figures, and how they are printed. */
import { cpus } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

/** What a measurement prints, and a sentence for each target that it misses. */
export type Part = { text: string; wrong: string[] };

/** The value that a share of all values does not exceed: `percentile(values, 0.5)` is the median. */
export function percentile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

export function median(values: number[]): number {
  return percentile(values, 0.5);
}

/** `17.3 (16.9–18.8)`: the median of the rounds, and the least and the greatest. */
export function spread(values: number[], digits = 1): string {
  const [least, greatest] = [Math.min(...values), Math.max(...values)];
  return `${median(values).toFixed(digits)} (${least.toFixed(digits)}–${greatest.toFixed(digits)})`;
}

export function markdown(head: string[], rows: (string | number)[][]): string {
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

/** How busy the machine is within the next `ms` milliseconds, in percent of all its cores. */
export async function busyPercent(ms: number): Promise<number> {
  const times = () => {
    const cores = cpus().map((core) => core.times);
    return {
      all: sum(cores.flatMap((core) => Object.values(core))),
      idle: sum(cores.map((core) => core.idle)),
    };
  };
  const before = times();
  await sleep(ms);
  const after = times();
  return 100 * (1 - (after.idle - before.idle) / (after.all - before.all));
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
