/** `GET /clicks.js`: the script that a site puts on its pages. */
import type { Context } from "hono";
import { SCRIPT } from "./served.ts";

/** For any site; a browser asks again after an hour. */
export const serveScript = (c: Context) =>
  c.body(SCRIPT, 200, {
    "content-type": "text/javascript; charset=utf-8",
    "cache-control": "public, max-age=3600",
    "cross-origin-resource-policy": "cross-origin",
    "access-control-allow-origin": "*",
    "x-content-type-options": "nosniff",
  });
