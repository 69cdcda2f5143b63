/** Figures, and how they are printed. */

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
