/** The bytes that a signature is over: a template of the mapping file, filled in from the request. */
import { concat, utf8 } from "./bytes.ts";
import type { SignedRequest } from "./verdict.ts";

/** Fills a template; undefined when it needs the body's JSON and the body is not JSON. */
export function fill(
  template: string,
  of: SignedRequest & { id: string; timestamp: string },
): Uint8Array<ArrayBuffer> | undefined {
  const parts = template.split(/(\{\w+\})/).map((part) => {
    if (part === "{body}") return of.body;
    if (part === "{json}") return reserialised(of.body);
    if (part === "{id}") return utf8(of.id);
    if (part === "{timestamp}") return utf8(of.timestamp);
    if (part === "{method}") return utf8(of.method);
    if (part === "{url}") return utf8(of.url);
    return utf8(part);
  });
  return parts.every((part) => part !== undefined) ? concat(parts) : undefined;
}

type RawJson = typeof JSON & { rawJSON: (text: string) => unknown };

/**
 * The body as JSON.stringify writes it. A number that a double can't hold keeps its digits: written anew it would be
 * another number, and so one signature would fit two bodies.
 */
function reserialised(body: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  const exact = (_key: string, value: unknown, context?: { source?: string }) =>
    typeof value === "number" &&
    context?.source !== undefined &&
    (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value)))
      ? (JSON as RawJson).rawJSON(context.source)
      : value;
  try {
    return utf8(
      JSON.stringify(
        JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(body), exact),
      ),
    );
  } catch {
    return undefined;
  }
}
