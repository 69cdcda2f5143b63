/** JSON as text that a person writes: where each value stands, and what is wrong where. */
import { parseJson } from "./json.ts";

/** A mistake in JSON. `line` and `column` are 1-based; `shown` is the line with a mark below the column. */
export class JsonError extends Error {
  line: number;
  column: number;
  shown: string;
  constructor(message: string, text: string, offset: number) {
    super(message);
    ({ line: this.line, column: this.column } = positionAt(text, offset));
    this.shown = showLine(text.split("\n")[this.line - 1] ?? "", this.column);
  }
}

export type Position = { line: number; column: number };

/** Offsets of a value, and of its key when it has one. */
export type Place = { key?: number; start: number; end: number };

/** `places`: by the keys and indices that lead to a value, as JSON. */
export type JsonText = { text: string; value: unknown; places: Map<string, Place> };

type Segment = string | number;

export const placeKey = (segments: Segment[]): string => JSON.stringify(segments);

/** Reads JSON text. Throws a JsonError for the first mistake; a key that is there twice is one, too. */
export function readJsonText(text: string): JsonText {
  const places = new Map<string, Place>();
  let at = 0;
  const fail = (message: string, offset = at): never => {
    throw new JsonError(message, text, offset);
  };
  const skipBlank = () => {
    while (/[ \t\r\n]/.test(text[at] ?? "")) at++;
    if (/^\/[/*]/.test(text.slice(at, at + 2))) fail("JSON has no comments: remove it");
    if (text[at] === "\u00a0") fail("this is a no-break space: replace it with a usual one");
  };
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const [found] = pattern.exec(text) ?? [];
    if (found !== undefined) at += found.length;
    return found;
  };
  const string = (what: string): string => {
    const start = at;
    const found = match(STRING);
    if (found !== undefined) return JSON.parse(found) as string;
    const first = text[at] ?? "";
    if (TYPOGRAPHIC.test(first)) fail(`${first} is a typographic quotation mark, write "`);
    if (first === "'") fail(`${what} stands in double quotes, write " instead of '`);
    if (first !== '"') return fail(`${what} in double quotes is missing here`);
    const [begun = ""] = /^"(?:[^"\\\n\r]|\\.)*/.exec(text.slice(start)) ?? [];
    const wrong = /\\(?!["\\/bfnrt]|u[\da-fA-F]{4})/.exec(begun.replace(/\\\\/g, "__"));
    if (wrong) fail(`"\\" begins an escape that JSON does not have, write "\\\\"`, start + wrong.index);
    const typographic = TYPOGRAPHIC.exec(begun);
    if (typographic)
      fail(`${typographic[0]} is a typographic quotation mark, write "`, start + typographic.index);
    const control = /(?![\u007f-\u009f])\p{Cc}/u.exec(begun);
    if (control && text[start + begun.length] === '"')
      fail("a text has no tab or other control character: write \\t for a tab", start + control.index);
    return fail('the closing " of this text is missing in its line');
  };
  const value = (path: Segment[], key?: number): void => {
    skipBlank();
    const start = at;
    const first = text[at] ?? "";
    if (first === "{") members(path, "}");
    else if (first === "[") members(path, "]");
    else if (first === '"' || first === "'" || TYPOGRAPHIC.test(first)) string("text");
    else if (first === "") fail("the file ends before it is complete");
    else if (match(SCALAR) === undefined) {
      const word = /^[^\s,}\]]+/.exec(text.slice(at))?.[0] ?? first;
      const constant = /^(true|false|null|none)$/i.exec(word) && word.toLowerCase().replace("none", "null");
      fail(
        constant
          ? `${word} is no JSON, write ${constant}`
          : /^[,}\]:]/.test(first)
            ? "a value is missing here"
            : `${word} is no JSON: text stands in double quotes`,
      );
    }
    places.set(placeKey(path), { start, end: at, ...(key !== undefined && { key }) });
  };
  const members = (path: Segment[], close: "}" | "]"): void => {
    const opened = at++;
    const known = new Set<string>();
    for (let i = 0; ; i++) {
      skipBlank();
      if (i === 0 && text[at] === close) break;
      const start = at;
      if (close === "}") {
        const key = string("a key");
        if (known.has(key)) fail(`"${key}" is there twice: remove one`, start);
        known.add(key);
        skipBlank();
        if (text[at] !== ":") fail(`":" is missing after "${key}"`);
        at++;
        value([...path, key], start);
      } else value([...path, i]);
      const end = at;
      skipBlank();
      if (text[at] === close) break;
      if (at >= text.length)
        fail(`"${close}" is missing for the "${text[opened]}" of line ${positionAt(text, opened).line}`);
      if (text[at] !== ",") fail(`"," or "${close}" is missing here`, end);
      const comma = at++;
      skipBlank();
      if (text[at] === "}" || text[at] === "]") fail("remove this comma: nothing follows it", comma);
    }
    at++;
  };

  if (text.startsWith("\ufeff"))
    fail("the file begins with a byte order mark (BOM): save it as UTF-8 without BOM");
  if (/^.?\0/.test(text)) fail("the file is not UTF-8: save it as UTF-8 without BOM");
  value([]);
  skipBlank();
  if (at < text.length) fail("nothing may follow the end of the JSON");
  return { text, value: parseJson(text), places };
}

const STRING = /"(?:[^"\\\p{Cc}]|[\u007f-\u009f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"/uy;
const SCALAR = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.])/y;
const TYPOGRAPHIC = /[\u2018-\u201f\u00ab\u00bb]/;

/** The keys and indices of a path such as `leads[0].on["user.created"]`. */
export function segmentsOf(path: string): Segment[] {
  return [...path.matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.[\]]+)/g)].map(([, quoted, index, name]) =>
    quoted !== undefined
      ? (JSON.parse(`"${quoted}"`) as string)
      : index === undefined
        ? String(name)
        : Number(index),
  );
}

/**
 * Where a path is, else the nearest value around it. `column`: of a character inside a text, 1-based, such as an
 * expression. `key`: its key rather than its value.
 */
export function positionOf(
  { text, places }: JsonText,
  path: string,
  { column, key = false }: { column?: number | undefined; key?: boolean } = {},
): Position {
  const segments = segmentsOf(path);
  for (let n = segments.length; n >= 0; n--) {
    const place = places.get(placeKey(segments.slice(0, n)));
    if (!place) continue;
    const whole = n === segments.length;
    if (whole && column !== undefined && text[place.start] === '"')
      return positionAt(text, offsetIn(text, place, column));
    return positionAt(text, (key || !whole ? place.key : undefined) ?? place.start);
  }
  return { line: 1, column: 1 };
}

/** The offset of the nth character of a JSON text, in which an escape is one character. */
function offsetIn(text: string, { start, end }: Place, column: number): number {
  const inside = text.slice(start + 1, end - 1).match(/\\u[\da-fA-F]{4}|\\.|[\s\S]/g) ?? [];
  return start + 1 + inside.slice(0, column - 1).join("").length;
}

function positionAt(text: string, offset: number): Position {
  const before = text.slice(0, offset).split("\n");
  return { line: before.length, column: (before.at(-1) ?? "").length + 1 };
}

const MAX_SHOWN = 90;

function showLine(line: string, column: number): string {
  const from = Math.max(0, column - MAX_SHOWN / 2);
  // A tab has a width of its own, a control character none.
  const part = line.slice(from, from + MAX_SHOWN).replace(/\p{Cc}|\ufeff/gu, " ");
  return `    ${part.trimEnd()}\n    ${" ".repeat(column - 1 - from)}^`;
}
