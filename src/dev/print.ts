/** Printing for people: tables, and the Worker's log lines in short. */
import { styleText } from "node:util";

export type LogLine = { level: string; code: string } & Record<string, unknown>;

/** A line of the Worker's log, or undefined for anything else that wrangler prints. */
export function parseLine(text: string): LogLine | undefined {
  const at = text.indexOf('{"level":');
  if (at < 0) return undefined;
  try {
    // wrangler puts a coloured [WARNING] or [ERROR] around the lines of those levels.
    return JSON.parse(text.slice(at, text.lastIndexOf("}") + 1)) as LogLine;
  } catch {
    return undefined;
  }
}

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

/** `12:00:01  clerk  delivered  recorded  https://…`, in a line. */
export function formatLine({
  level,
  code,
  provider,
  status,
  reason,
  link,
  event,
  detail,
  evidence,
  message,
  ...rest
}: LogLine): string {
  const time = new Date().toTimeString().slice(0, 8);
  const what = String(status ?? ("todo" in rest ? "alert" : level === "error" ? "error" : code));
  const counts =
    code === "webhook" ? Object.entries(rest).filter(([key]) => key !== "bytes" && key !== "events") : [];
  const said =
    code === "webhook"
      ? counts.map(([key, n]) => `${n} ${key}`).join(", ")
      : [
          level === "error" && !status ? code : undefined,
          typeof rest.events === "number"
            ? `${rest.events} events${rest.dryRun ? ", counted only" : ""}`
            : undefined,
          ...[reason, link, detail, evidence, message, event],
        ]
          .filter(Boolean)
          .join("  ");
  return `${time}  ${String(provider ?? "").padEnd(11)} ${styled(what.padEnd(10), what)} ${said}`;
}

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

function styled(text: string, word: string): string {
  const colour = COLOURS[word];
  return colour ? styleText(colour, text) : text;
}
