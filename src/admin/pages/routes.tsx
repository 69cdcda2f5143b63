/** The admin pages: their lock, their headers, and a route for each. */
import { Hono } from "hono";
import { secureHeaders } from "hono/secure-headers";
import { ALERTS, type Alert, ledgerProblem } from "../../alert.ts";
import type { Deps, Env } from "../../context.ts";
import { log } from "../../log.ts";
import { locked } from "../auth.ts";
import { listPages } from "./events.tsx";
import { answerPage } from "./layout.tsx";
import { overviewRoutes } from "./overview.tsx";
import { Banner } from "./parts.tsx";
import { SCRIPT } from "./script.ts";
import { STYLE } from "./style.ts";

export type PageDeps = Deps & { alert: Alert };

/** The routes under `/admin`. */
export function adminPages(deps: PageDeps) {
  const pages = new Hono<{ Bindings: Env }>();
  pages.use(
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        styleSrc: ["'self'"],
        scriptSrc: ["'self'"],
        connectSrc: ["'self'"],
        imgSrc: ["data:"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
        baseUri: ["'none'"],
      },
      referrerPolicy: "no-referrer",
      xFrameOptions: "DENY",
    }),
    locked,
  );
  pages.get("/style.css", (c) => c.body(STYLE, 200, { "content-type": "text/css; charset=utf-8" }));
  pages.get("/script.js", (c) => c.body(SCRIPT, 200, { "content-type": "text/javascript; charset=utf-8" }));
  pages.route("/", overviewRoutes(deps));
  pages.route("/", listPages(deps));
  pages.onError((error, c) => {
    if (!/D1_ERROR/.test(error.message)) throw error;
    const problem = ledgerProblem(error.message);
    const { means, todo } = ALERTS[problem];
    log("error", problem, { during: "admin", message: error.message });
    const children = [<h1>The database can't be used</h1>, <Banner what={`${means}.`} todo={todo} />];
    return answerPage(c, { title: "The database can't be used", children }, 503);
  });
  return pages;
}
