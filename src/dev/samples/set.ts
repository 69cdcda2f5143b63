/** `--set path=value`: changes of a sample before it is sent. */
import { parseJson } from "../../json.ts";
import { UserError } from "../user-error.ts";
import type { Path } from "./fresh.ts";

/** `data.items[0].id=7` → its path and value. The value is JSON, or text. */
export function parseAssignment(assignment: string): { path: Path; value: unknown } {
  const [, given = "", text] = /^([^=]*)=(.*)$/s.exec(assignment) ?? [];
  const path = given.split(/[.[\]]+/).filter((key) => key !== "");
  if (text === undefined || path.length === 0)
    throw new UserError(`--set ${assignment}: write it as path=value, such as data.id=user_1.`);
  return { path, value: parseValue(text) };
}

function parseValue(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return text;
  }
}

/** Sets the value at a path; missing objects on the way are made. Answers whether the field was there before. */
export function setPath(root: unknown, path: Path, value: unknown): boolean {
  if (typeof root !== "object" || root === null)
    throw new UserError("--set: the sample is no JSON object or list.");
  let at = root as Record<string, unknown>;
  let known = true;
  for (const [i, key] of path.entries()) {
    // JSON has neither.
    if (Array.isArray(at) ? !/^\d+$/.test(key) : key === "__proto__")
      throw new UserError(`--set ${path.join(".")}: the sample can have no ${key} there.`);
    known = Object.hasOwn(at, key);
    if (i === path.length - 1) at[key] = value;
    else if (typeof at[key] !== "object" || at[key] === null) at[key] = {};
    at = at[key] as Record<string, unknown>;
  }
  return known;
}
