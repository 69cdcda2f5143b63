/** Printing for people: tables, and words with their colours. */
import { styleText } from "node:util";
import { table as draw, getBorderCharacters } from "table";
import { printable } from "../log.ts";

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
  const cells = rows.map((row) =>
    head.map((_, i) => {
      const cell = plain(row[i] ?? "");
      return i === status ? styled(cell, cell.trim()) : cell;
    }),
  );
  return draw([head.map((title) => styleText("dim", title)), ...cells], LAYOUT)
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n")
    .trimEnd();
}

const LAYOUT = {
  border: getBorderCharacters("void"),
  columnDefault: { paddingLeft: 0, paddingRight: 2 },
  drawHorizontalLine: () => false,
};

/** A text from outside on one line, without what a terminal would take as a command. */
export function plain(text: string): string {
  return printable(text.replace(/\s+/g, " "), Number.POSITIVE_INFINITY);
}

/** JSON from outside: without what a terminal would take as a command, since JSON itself escapes ASCII only. */
export function jsonText(value: unknown, indent = 2): string {
  return JSON.stringify(value, null, indent).replace(
    /[\u007f-\u009f]/g,
    (one) => `\\u00${one.charCodeAt(0).toString(16)}`,
  );
}

/** A time of the API as people read it, in UTC: 2026-11-24 09:30. */
export function minute(time: string): string {
  return `${time.slice(0, 10)} ${time.slice(11, 16)}`;
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
