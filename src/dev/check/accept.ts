/** Writes what samples become now into their `expect`, and leaves the rest of their text as it is. */

import { type JsonText, placeKey } from "../../json-text.ts";
import { type Result, resultOf } from "../../mapping/result.ts";
import { type ProviderFolder, sampleFile } from "../files.ts";
import { type Difference, differencesOf } from "./differences.ts";
import { causesIn, type Found, type Loaded } from "./provider.ts";
import { asExpected, canonical, mapSample } from "./results.ts";

/** A sample's file with its new text, and what is different. `file`: its path in the folder. */
export type Accepted = { file: string; text: string; differences: Difference[] };

/** What accepting would write for a folder; `refused`: what is wrong with the mapping file itself. */
export function acceptable(
  folder: ProviderFolder,
  loaded: Loaded,
): { refused: Found[]; accepted: Accepted[] } {
  const refused = causesIn(folder, loaded, { differences: false }).causes;
  if (refused.length > 0) return { refused, accepted: [] };
  const accepted = [...loaded.samples].flatMap(([name, { sample, file }]) => {
    const differences = differencesOf(loaded.mapping, name, sample);
    if (differences.length === 0) return [];
    const results = mapSample(loaded.mapping, sample).map(resultOf);
    return [{ file: sampleFile(name), text: withResults(file, sample.expect, results), differences }];
  });
  return { refused, accepted };
}

type Edit = { start: number; end: number; value: unknown };

/** The text of a sample in which `expect` is what its events become; results that are right stay as written. */
export function withResults(file: JsonText, expect: Result[], results: Result[]): string {
  const edits: Edit[] = [];
  const compare = (path: (string | number)[], before: unknown, after: unknown): void => {
    if (canonical(before) === canonical(after)) return;
    const place = file.places.get(placeKey(path));
    if (isObject(before) && isObject(after) && sameKeys(before, after))
      for (const [key, value] of Object.entries(after)) compare([...path, key], before[key], value);
    else if (place) edits.push({ start: place.start, end: place.end, value: after });
  };
  if (expect.length !== results.length) compare(["expect"], expect, results);
  else
    for (const [i, result] of results.entries()) {
      const expected = expect[i] as Result;
      if (!asExpected([expected], [result])) compare(["expect", i], expected, result);
    }
  let { text } = file;
  const unit = /\n([ \t]+)\S/.exec(text)?.[1] ?? "  ";
  // From the end on, so that the places before an edit stay right; a file may have its keys in any order.
  for (const { start, end, value } of edits.sort((a, b) => b.start - a.start)) {
    const line = text.slice(text.lastIndexOf("\n", start) + 1, start);
    const [indent = ""] = /^[ \t]*/.exec(line) ?? [];
    text = text.slice(0, start) + jsonIn(value, indent, unit) + text.slice(end);
  }
  return text;
}

const MAX_LINE = 110;

/** JSON as biome formats it: objects on several lines, lists of texts or numbers on one where they fit. */
function jsonIn(value: unknown, indent: string, unit: string): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const inner = indent + unit;
  const items = Array.isArray(value)
    ? value.map((item) => jsonIn(item, inner, unit))
    : Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${jsonIn(item, inner, unit)}`);
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  if (items.length === 0) return `${open}${close}`;
  const line = `[${items.join(", ")}]`;
  if (Array.isArray(value) && !value.some(isObject) && indent.length + line.length + 12 <= MAX_LINE)
    return line;
  return `${open}\n${items.map((item) => inner + item).join(",\n")}\n${indent}${close}`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function sameKeys(a: object, b: object): boolean {
  return canonical(Object.keys(a).sort()) === canonical(Object.keys(b).sort());
}
