/** The form that a request sends. */
import type { Context } from "hono";
import { readBody } from "../../body.ts";

/** Null when it has more than `limit` bytes, or is no form. */
export async function readForm(c: Context, limit: number): Promise<FormData | null> {
  const bytes = await readBody(c.req.raw, limit);
  const type = c.req.header("content-type") ?? "";
  return bytes && new Response(bytes, { headers: { "content-type": type } }).formData().catch(() => null);
}
