/** The form that a request sends, and its fields. */
import type { Context } from "hono";
import { readBody } from "../../receive/body.ts";

/** Null when it has more than `limit` bytes, or is no form. */
export async function readForm(c: Context, limit: number): Promise<FormData | null> {
  const bytes = await readBody(c.req.raw, limit);
  const type = c.req.header("content-type") ?? "";
  return bytes && new Response(bytes, { headers: { "content-type": type } }).formData().catch(() => null);
}

/** Bytes of a form: its longest field has a thousand characters. */
const MAX_FORM = 32 * 1024;

/** The texts of a form; without any field when it can't be read. */
export async function formOf(c: Context): Promise<Record<string, string>> {
  const form = (await readForm(c, MAX_FORM)) ?? new FormData();
  return Object.fromEntries(
    [...form].flatMap(([name, value]) => (typeof value === "string" ? [[name, value]] : [])),
  );
}

/** Without fields that were left empty, and without spaces around the others. */
export function withoutEmpty(given: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) => (value.trim() === "" ? [] : [[name, value.trim()]])),
  );
}

/** As `fieldsOfQuery` takes them. */
export const listed = (given: Record<string, string>) =>
  Object.fromEntries(Object.entries(given).map(([name, value]) => [name, [value]]));
