/** Problems and differences as text for people, in 100 columns. */
import { styleText } from "node:util";
import type { Difference } from "./differences.ts";
import type { Found } from "./provider.ts";

const WIDTH = 100;
const MAX_ROWS = 6;
const INDENT = "    ";

/** A problem: its place and sentence in a line, below it the line of a file or the differences. */
export function showFound({ file, line, column, path, message, shown, differences = [] }: Found): string {
  const sentence =
    path === "" && shown === undefined
      ? `${styleText("bold", file)} ${message}`
      : `${styleText("bold", `${file}:${line}:${column}`)}: ${path === "" ? "" : `${path}: `}${message}`;
  return [
    sentence,
    ...(shown === undefined ? [] : [shown]),
    ...(differences.length === 0 ? [] : [showDifferences(collapsed(differences))]),
  ].join("\n");
}

type Row = Pick<Difference, "sample" | "field" | "expected" | "got"> & { event: number | string };

/** A table of differences. `titles`: what the last two columns are called. */
export function showDifferences(rows: Row[], titles: [string, string] = ["expected", "got"]): string {
  const cells = rows.map(({ sample, event, field }) => [sample, String(event), field || "(result)"]);
  const head = ["sample", "event", "field"];
  const widths = head.map((title, i) =>
    Math.min(
      Math.max(title.length, ...cells.map((row) => (row[i] as string).length)),
      [26, 5, 24][i] as number,
    ),
  );
  const left = WIDTH - INDENT.length - widths.reduce((sum, width) => sum + width + 2, 0);
  const values = rows.map(({ field, expected, got }) =>
    cut(textOf(field, expected), textOf(field, got), Math.floor(left / 2) - 1),
  );
  const width = Math.max(titles[0].length, ...values.map(([a]) => a.length));
  const line = (texts: string[], a: string, b: string) =>
    `${INDENT}${texts.map((text, i) => padded(text, widths[i] as number)).join("  ")}  ${a}  ${b}`.trimEnd();
  return [
    styleText("dim", line(head, titles[0].padEnd(width), titles[1])),
    ...cells.map((row, i) => {
      const [a, b] = values[i] as [string, string];
      return line(row, styleText("green", a.padEnd(width)), styleText("red", b));
    }),
  ].join("\n");
}

/** Rows that differ only in their sample as one, and not too many. */
function collapsed(differences: Difference[]): Row[] {
  const same = new Map<string, Difference[]>();
  for (const one of differences) {
    const key = JSON.stringify([one.field, one.expected, one.got]);
    same.set(key, [...(same.get(key) ?? []), one]);
  }
  const rows = [...same.values()].map(([first, ...others]): Row => {
    const one = first as Difference;
    if (others.length === 0) return one;
    return { ...one, sample: `${one.sample} and ${others.length} more`, event: "" };
  });
  const more = rows.length - MAX_ROWS;
  return more > 0
    ? [
        ...rows.slice(0, MAX_ROWS),
        { sample: `and ${more} more`, event: "", field: "…", expected: "…", got: "…" },
      ]
    : rows;
}

/** A field's value as JSON; a result is in words already. */
function textOf(field: string, value: unknown): string {
  if (value === undefined) return "(none)";
  return field === "" || field === "…" ? String(value) : JSON.stringify(value);
}

function padded(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width);
}

/** Two texts cut to a width, so that where they begin to differ is seen. */
function cut(a: string, b: string, width: number): [string, string] {
  if (a.length <= width && b.length <= width) return [a, b];
  let same = 0;
  while (same < a.length && a[same] === b[same]) same++;
  const from = same < width - 10 ? 0 : same - 10;
  const part = (text: string) => {
    const shown = from > 0 ? `…${text.slice(from + 1)}` : text;
    return shown.length > width ? `${shown.slice(0, width - 1)}…` : shown;
  };
  return [part(a), part(b)];
}
