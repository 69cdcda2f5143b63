/** What every admin page has around its content. */
import type { Context } from "hono";
import { html } from "hono/html";
import type { Child } from "hono/jsx";
import type { ContentfulStatusCode } from "hono/utils/http-status";

const SECTIONS = [
  ["/admin", "Overview"],
  ["/admin/events", "Events"],
  ["/admin/workbench", "Workbench"],
] as const;

/** A page. `find`: what was searched for, shown in the search box. `live`: it is loaded again every few seconds. */
export type PageProps = { title: string; find?: string; live?: boolean; children: Child };

/** Answers a page as HTML. */
export function answerPage(c: Context, page: PageProps, status: ContentfulStatusCode = 200) {
  return c.html(html`<!doctype html>${<Layout {...page} path={c.req.path} />}`, status);
}

const Layout = ({ title, find, live, path, children }: PageProps & { path: string }) => (
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <title>{title} · webhook-to-lead</title>
      <link rel="stylesheet" href="/admin/style.css" />
      <link rel="icon" href="data:," />
      {live && (
        <noscript>
          <meta http-equiv="refresh" content="5" />
        </noscript>
      )}
      <script src="/admin/script.js" defer />
    </head>
    <body>
      <a class="skip" href="#content">
        To the content
      </a>
      <header>
        <nav aria-label="Pages">
          <strong>webhook-to-lead</strong>
          {SECTIONS.map(([href, name]) => (
            <a href={href} aria-current={isCurrent(href, path) ? "page" : undefined}>
              {name}
            </a>
          ))}
        </nav>
        {/* By POST: Cloudflare's logs keep the address of a request, and this can be an e-mail address. */}
        <form method="post" action="/admin/search">
          <search>
            <input
              type="search"
              name="find"
              value={find}
              required
              maxlength={1000}
              aria-label="Find events"
              placeholder="E-mail, customer id, click id, event id"
            />
            <button type="submit">Find</button>
          </search>
        </form>
      </header>
      <main id="content" data-live={live ? "" : undefined}>
        {children}
      </main>
    </body>
  </html>
);

function isCurrent(href: string, path: string): boolean {
  return href === "/admin" ? path === href : path.startsWith(href);
}
