/** Text and JSON from outside, fit to be shown: bounded in bytes, and without characters that deceive. */
import { printable } from "../log.ts";
import { jsonPath } from "../mapping/compile.ts";

/** They can't be seen, or turn the direction of the text around them. */
const UNSEEN = /[\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** A text for the middle of a sentence. */
export function inline(text: string, max = 300): string {
  const shown = printable(text, max).replace(UNSEEN, "\ufffd");
  return text.length > max ? `${shown}…` : shown;
}

/** Bytes of a text in a page. */
export function sizeOf(text: string): number {
  return new TextEncoder().encode(text.replace(/[&<>"']/g, "&amp;_")).length;
}

/** The first of `items` that fit into `budget` bytes together, and whether some are left out. */
export function within<T>(
  items: Iterable<T>,
  size: (item: T) => number,
  budget: number,
): { shown: T[]; cut: boolean } {
  const shown: T[] = [];
  let used = 0;
  for (const item of items) {
    used += size(item);
    if (used > budget) return { shown, cut: true };
    shown.push(item);
  }
  return { shown, cut: false };
}

/** The beginning of a text, for a line of a list: at most so many bytes. */
export function beginning(text: string, bytes = 56): string {
  const { shown, cut } = within(inline(text), sizeOf, bytes);
  return `${shown.join("")}${cut ? "…" : ""}`;
}

/** A line of JSON. `path`: of the value that begins in it, such as `data.emails[0].address`. */
export type Line = { text: string; path?: string };

const MAX_TEXT = 400;

/** A JSON value as indented lines. A long text is cut. */
export function* linesOf(value: unknown, path: PropertyKey[] = [], before = "", after = ""): Generator<Line> {
  const indent = "  ".repeat(path.length);
  const at = path.length === 0 ? {} : { path: jsonPath(path) };
  const line = (text: string): Line => ({ text: `${indent}${before}${text}${after}`, ...at });
  if (typeof value !== "object" || value === null) return yield line(literal(value));
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  const entries: [PropertyKey, unknown][] = Array.isArray(value)
    ? [...value.entries()]
    : Object.entries(value);
  if (entries.length === 0) return yield line(`${open}${close}`);
  yield { ...line(open ?? ""), text: `${indent}${before}${open}` };
  for (const [i, [key, inner]] of entries.entries())
    yield* linesOf(
      inner,
      [...path, key],
      typeof key === "number" ? "" : `${literal(key)}: `,
      i < entries.length - 1 ? "," : "",
    );
  yield { text: `${indent}${close}${after}` };
}

/** A text, number or the like as JSON. */
function literal(value: unknown): string {
  const long = typeof value === "string" && value.length > MAX_TEXT;
  const json = JSON.stringify(long ? value.slice(0, MAX_TEXT).toWellFormed() : value) ?? "null";
  const shown = json.replace(UNSEEN, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return long ? `${shown.slice(0, -1)}…" (${value.length} characters)` : shown;
}

/** A value in a table. */
export function valueText(value: unknown, max = 200): string {
  if (value === undefined) return "–";
  return inline(typeof value === "string" ? value : JSON.stringify(value), max);
}
