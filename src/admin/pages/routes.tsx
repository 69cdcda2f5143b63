/** The admin pages: their lock, their headers, and a route for each. */

import { Hono } from "hono";
import { secureHeaders } from "hono/secure-headers";
import type { Alert } from "../../alert.ts";
import type { Deps, Env } from "../../context.ts";
import { locked } from "../auth.ts";
import { dayRoutes } from "./days.tsx";
import { answerError } from "./errors.tsx";
import { eventPages } from "./event.tsx";
import { listPages } from "./events.tsx";
import { answerPage } from "./layout.tsx";
import { overviewRoutes } from "./overview.tsx";
import { replayPages } from "./replay.tsx";
import { SCRIPT } from "./script.ts";
import { STYLE } from "./style.ts";
import { workbenchRoutes } from "./workbench.tsx";

export type PageDeps = Deps & { alert: Alert };

const NotFound = () => (
  <>
    <h1>There is no such page</h1>
    <p>
      There are the <a href="/admin">overview</a>, the <a href="/admin/events">events</a> and the{" "}
      <a href="/admin/workbench">workbench</a>.
    </p>
  </>
);

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
      // With "no-referrer" a form would be sent with the origin "null", which the lock refuses.
      referrerPolicy: "same-origin",
      xFrameOptions: "DENY",
    }),
    locked,
  );
  pages.get("/style.css", (c) => c.body(STYLE, 200, { "content-type": "text/css; charset=utf-8" }));
  pages.get("/script.js", (c) => c.body(SCRIPT, 200, { "content-type": "text/javascript; charset=utf-8" }));
  pages.route("/", overviewRoutes(deps));
  pages.route("/", dayRoutes());
  pages.route("/", listPages(deps));
  pages.route("/", eventPages(deps));
  pages.route("/", replayPages(deps));
  pages.route("/", workbenchRoutes(deps));
  pages.all("*", (c) => answerPage(c, { title: "Not found", children: <NotFound /> }, 404));
  pages.onError(answerError);
  return pages;
}
