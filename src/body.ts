/** The request's body: read as bytes up to a limit, then decoded into JSON. */

import { parseJson } from "./json.ts";
import { concat } from "./verify/bytes.ts";

/** The body's bytes, or null when there are more than `limit`. */
export async function readBody(request: Request, limit: number): Promise<Uint8Array<ArrayBuffer> | null> {
  if (Number(request.headers.get("content-length")) > limit) return null;
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > limit) return null;
    chunks.push(chunk);
  }
  return concat(chunks);
}

export type BodyProblem = "not_utf8" | "not_json" | "too_deep";

export type Decoded = { ok: true; value: unknown; text: string } | { ok: false; problem: BodyProblem };

/**
 * Decodes a body. With `json-lines` a body that is no JSON document is read as one document a line; a line that is
 * none stays as the text it is, and is rejected as an event of its own.
 */
export function decodeBody(bytes: Uint8Array, format: "json" | "json-lines"): Decoded {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    return { ok: false, problem: "not_utf8" };
  }
  if (tooDeep(text)) return { ok: false, problem: "too_deep" };
  try {
    return { ok: true, value: parseJson(text), text };
  } catch {
    return format === "json-lines" ? decodeLines(text) : { ok: false, problem: "not_json" };
  }
}

function decodeLines(text: string): Decoded {
  const lines = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  let good = 0;
  const value = lines.map((line) => {
    try {
      const document = parseJson(line);
      good++;
      return document;
    } catch {
      return line;
    }
  });
  return good > 0 ? { ok: true, value, text: JSON.stringify(value) } : { ok: false, problem: "not_json" };
}

/** Webhooks nest a handful of levels; the recursion of JSON.stringify ends at thousands. */
const MAX_DEPTH = 100;

function tooDeep(text: string): boolean {
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (quoted) {
      if (c === 0x5c) i++;
      else if (c === 0x22) quoted = false;
    } else if (c === 0x22) quoted = true;
    else if (c === 0x7b || c === 0x5b) {
      if (++depth > MAX_DEPTH) return true;
    } else if (c === 0x7d || c === 0x5d) depth--;
  }
  return false;
}
