/** The lock of the admin API and the admin pages: off without ADMIN_TOKEN, else the token as Bearer or as the password of Basic. */
import type { Context, MiddlewareHandler } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Env } from "../context.ts";
import { log } from "../log.ts";
import { decodeBase64 } from "../verify/bytes.ts";
import { SecretError } from "../verify/secret.ts";
import { readTokens, type Tokens } from "../verify/token.ts";
import { LOCAL_HOSTS } from "./local.ts";

export const ADMIN_TOKEN = "ADMIN_TOKEN";

/**
 * Lets through who knows the token. 404: the token is not set, as if there were nothing. 503: it can't be used. 401: it
 * is missing or wrong. 403: a page of another site asks, with a password that the browser remembers; or plain http from
 * elsewhere than this machine.
 */
export const locked: MiddlewareHandler<{ Bindings: Env }> = async function locked(c, next) {
  // Answers hold data of persons, which no cache of a browser or proxy needs to keep; nor need it keep a refusal.
  c.header("cache-control", "no-store");
  const secret = c.env[ADMIN_TOKEN];
  if (typeof secret !== "string" || secret.trim() === "") return c.notFound();
  const { protocol, hostname, origin, pathname } = new URL(c.req.url);
  // Else a page whose host name is made to mean this machine could read the Worker's.
  if (protocol === "http:" && !LOCAL_HOSTS.includes(hostname))
    return refuse(c, 403, "forbidden", "Use https: over http, this is answered on the same machine only.");
  let tokens: Tokens;
  try {
    tokens = await readTokens(ADMIN_TOKEN, secret);
  } catch (error) {
    if (!(error instanceof SecretError)) throw error;
    log("error", "misconfigured", { message: error.message });
    const message = `The Worker secret ${ADMIN_TOKEN} can't be used; the log says why.`;
    return refuse(c, 503, "misconfigured", message);
  }
  if (!(await tokens.include(tokenIn(c.req.header("authorization") ?? "")))) {
    log("warn", "admin_refused", { path: pathname.slice(0, 100) });
    c.header("www-authenticate", 'Basic realm="webhook-to-lead", charset="UTF-8"');
    const message = c.req.path.startsWith("/api/")
      ? "Send the ADMIN_TOKEN as the password of Basic, with any user name, or as Authorization: Bearer."
      : "Type any user name, and the secret ADMIN_TOKEN of this Worker as the password.";
    return refuse(c, 401, "unauthorized", message);
  }
  const from = c.req.header("origin");
  const elsewhere = /^(cross|same)-site$/.test(c.req.header("sec-fetch-site") ?? "");
  if ((from !== undefined && from !== origin) || (elsewhere && c.req.method !== "GET"))
    return refuse(c, 403, "forbidden", "Requests from pages of other sites are not taken.");
  await next();
};

/** The API answers in JSON; at a page, a person reads it. */
function refuse(c: Context, status: ContentfulStatusCode, error: string, message: string) {
  return c.req.path.startsWith("/api/") ? c.json({ error, message }, status) : c.text(`${message}\n`, status);
}

function tokenIn(authorization: string): string {
  const [, scheme = "", value = ""] = /^(bearer|basic) +(\S+)\s*$/i.exec(authorization) ?? [];
  if (scheme.toLowerCase() !== "basic") return value;
  const credentials = new TextDecoder().decode(decodeBase64(value));
  return credentials.slice(credentials.indexOf(":") + 1);
}
