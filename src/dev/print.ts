/** Printing for people: tables, and words with their colours. */
import { styleText } from "node:util";

const COLOURS: Record<string, Parameters<typeof styleText>[0]> = {
  delivered: "green",
  duplicate: "cyan",
  skipped: "yellow",
  pending: "yellow",
  ok: "green",
  problem: "red",
  rejected: "red",
  failed: "red",
  refused: "red",
  error: "red",
  alert: "red",
};

/** Columns as wide as they need; the one numbered `status` is coloured as a status. */
export function table(head: string[], rows: string[][], status = 2): string {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: string[], style: (cell: string, i: number) => string) =>
    cells
      .map((cell, i) => style(i === cells.length - 1 ? cell : cell.padEnd(widths[i] ?? 0), i))
      .join("  ")
      .trimEnd();
  return [
    line(head, (cell) => styleText("dim", cell)),
    ...rows.map((row) => line(row, (cell, i) => (i === status ? styled(cell, cell.trim()) : cell))),
  ].join("\n");
}

/** A text in the colour of a status. */
export function styled(text: string, word: string): string {
  const colour = COLOURS[word];
  return colour ? styleText(colour, text) : text;
}

/** Whether a step is right, in a word; null: it is only said. */
export function mark(ok: boolean | null): string {
  if (ok === null) return "    ";
  return ok ? styleText("green", "ok  ") : styleText("red", "no  ");
}
