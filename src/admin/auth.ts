/** The admin API's lock: off without ADMIN_TOKEN, else the token as Bearer or as the password of Basic. */
import type { MiddlewareHandler } from "hono";
import type { Env } from "../context.ts";
import { log } from "../log.ts";
import { decodeBase64 } from "../verify/bytes.ts";
import { SecretError } from "../verify/secret.ts";
import { readTokens, type Tokens } from "../verify/token.ts";

export const ADMIN_TOKEN = "ADMIN_TOKEN";

/**
 * Lets through who knows the token. 404: the token is not set, as if there were no API. 503: it can't be used. 401: it
 * is missing or wrong. 403: a page of another site asks, with a password that the browser remembers.
 */
export const locked: MiddlewareHandler<{ Bindings: Env }> = async function locked(c, next) {
  const secret = c.env[ADMIN_TOKEN];
  if (typeof secret !== "string" || secret.trim() === "") return c.notFound();
  let tokens: Tokens;
  try {
    tokens = await readTokens(ADMIN_TOKEN, secret);
  } catch (error) {
    if (!(error instanceof SecretError)) throw error;
    log("error", "misconfigured", { message: error.message });
    return c.json(
      {
        error: "misconfigured",
        message: `The Worker secret ${ADMIN_TOKEN} can't be used; the log says why.`,
      },
      503,
    );
  }
  if (!(await tokens.include(tokenIn(c.req.header("authorization") ?? "")))) {
    log("warn", "admin_refused", { path: new URL(c.req.url).pathname.slice(0, 100) });
    return c.json(
      {
        error: "unauthorized",
        message: "Send the ADMIN_TOKEN as Authorization: Bearer, or as the password of Basic.",
      },
      401,
      { "www-authenticate": 'Basic realm="webhook-to-lead", charset="UTF-8"' },
    );
  }
  const origin = c.req.header("origin");
  if (origin !== undefined && origin !== new URL(c.req.url).origin)
    return c.json({ error: "forbidden", message: "Requests from pages of other sites are not taken." }, 403);
  await next();
  // Answers hold data of persons, which no cache of a browser or proxy needs to keep.
  c.header("cache-control", "no-store");
};

function tokenIn(authorization: string): string {
  const [, scheme = "", value = ""] = /^(bearer|basic) +(\S+)\s*$/i.exec(authorization) ?? [];
  if (scheme.toLowerCase() !== "basic") return value;
  const credentials = new TextDecoder().decode(decodeBase64(value));
  return credentials.slice(credentials.indexOf(":") + 1);
}
