/** The Dub click id of a visitor. Copy this file beside your sign-up page. */

/**
 * The first value that can be a click id. The address and the cookie can be changed by the visitor: anything else is
 * left out, so that it cannot break the sign-up.
 */
export function clickId(...found: unknown[]): string | undefined {
  return found.find((one): one is string => typeof one === "string" && /^[\w.~+/=-]{1,200}$/.test(one));
}

/**
 * In the browser: the click id in `?dub_id=` of the page's address, else in Dub's cookie. The address comes first: when
 * a Dub link leads straight to this page, Dub's script may not have set the cookie yet.
 */
export function clickIdOfPage(search = location.search, cookies = document.cookie): string | undefined {
  const inCookie = /(?:^|;\s*)dub_id=([^;]*)/.exec(cookies)?.[1];
  return clickId(new URLSearchParams(search).get("dub_id"), inCookie);
}
