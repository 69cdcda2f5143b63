/** How the stand-in for Dub can be told to fail. */

/** How one call fails. The `after` kinds do their work first, and the caller does not hear of it. */
export type Fault =
  | "error_before_key" // 500, nothing done
  | "error_after_key" // 500 once the dedup key is set, nothing recorded
  | "click_store_down" // clicks are not found unless Dub looked them up in the last five minutes
  | "customer_store_down" // 500 when a customer has to be created
  | "reset_before"
  | "reset_after"
  | "reset_after_key" // no answer, once the dedup key is set, nothing recorded
  | "hang_before"
  | "hang_after"
  | "bad_gateway" // 502 with HTML
  | HtmlPage // a page of something between the caller and Dub, nothing done
  | "rate_limited"
  | "null_link"; // 200 with `link: null`, nothing done

/** `html_403`: status 403 with an HTML page. */
type HtmlPage = `html_${HtmlStatus}`;
type HtmlStatus = 403 | 404 | 405 | 451;

/** The status and the HTML page of a fault that is one; undefined for any other fault. */
export function htmlPage(fault: Fault | undefined): { status: HtmlStatus | 502; html: string } | undefined {
  const status = fault === "bad_gateway" ? 502 : Number(/^html_(\d+)$/.exec(fault ?? "")?.[1]);
  if (!status) return undefined;
  return { status: status as HtmlStatus | 502, html: `<html><body>Error ${status}</body></html>` };
}

/** A call as the fault plan sees it. */
export type Call = {
  phase: "register" | "record";
  customerExternalId: string;
  eventName: string;
  clickId: string;
};

/** Thrown for a fault that is no HTTP answer; the server that runs the stand-in acts on it. */
export class Unanswered extends Error {
  how: "reset" | "hang";
  constructor(how: "reset" | "hang") {
    super(how);
    this.how = how;
  }
}
