/**
 * A stand-in for Dub on this machine. It behaves as Dub's server does, the surprising parts included: the dedup key is
 * set before the click is looked up and never taken back, 404 says five things, Retry-After is epoch milliseconds.
 * It can be told to fail.
 */
import { Hono } from "hono";
import { SECOND } from "../../time.ts";
import { type Call, type Fault, htmlPage, Unanswered } from "./faults.ts";
import { ANALYTICS_LIMIT, CLICK_CACHE_LIFE, DEDUP_LIFE, RATE_LIMIT } from "./limits.ts";
import {
  type Customer,
  countEvents,
  type Kept,
  listCustomers,
  listEvents,
  type Recorded,
  shortLinkOf,
} from "./lists.ts";
import { createRateLimit } from "./rate-limit.ts";
import { DubError, HOLDERS, type KeyHolder, type Link, localClick, parseBody } from "./rules.ts";

/** The key that the stand-in accepts. */
export const LOCAL_KEY = "dub_local_key_of_the_stand_in";

export type { Recorded };

export type StandInOptions = {
  now?: () => number;
  keys?: Record<string, KeyHolder>;
  /** The link of a click, or undefined for a click that was never made. */
  click?: (clickId: string) => Link | undefined;
  fault?: (call: Call) => Fault | undefined;
  /** Calls a minute for a key; Dub's Business plan has 1,200. */
  limit?: number;
  /** Milliseconds until a recorded lead is listed. */
  listedAfter?: number;
  /** Whether the keys have the permission analytics.read; over_limit: they have, and the workspace is over its events limit. */
  analytics?: Analytics;
  /** Calls a second for analytics and lists of events; Dub's Business plan has 4. */
  analyticsLimit?: number;
};

type Analytics = boolean | "over_limit";

/**
 * Makes a stand-in. `app` is the API; `recorded`, `customers`, `asked` (times of all calls), `calls` (those to record that
 * were let in) and `lists` (paths of the others) are what it has seen, for tests and tables; `gone` is what was deleted.
 */
export function createDubStandIn({
  now = Date.now,
  keys = { [LOCAL_KEY]: "owner" },
  click = localClick,
  fault = () => undefined,
  limit = RATE_LIMIT,
  listedAfter = 0,
  analytics = true,
  analyticsLimit = ANALYTICS_LIMIT,
}: StandInOptions = {}) {
  const holders = new Map(Object.entries(keys));
  let mayAsk: Analytics = analytics;
  const recorded: Recorded[] = [];
  const customers = new Map<string, Customer>();
  const asked: number[] = [];
  const calls: (Call & { at: number; status: number | "none" })[] = [];
  const dedup = new Map<string, number>();
  const clickCache = new Map<string, number>();
  const gone: Kept["gone"] = { links: new Set(), customers: new Set() };
  const lists: string[] = [];
  const rate = createRateLimit(limit, now);
  const analyticsRate = createRateLimit(analyticsLimit, now, SECOND);
  const kept = (): Kept => ({
    recorded: recorded.filter(({ at }) => at + listedAfter <= now()),
    customers,
    gone,
    linkOf: (clickId) => click(clickId)?.id,
  });

  const authorise = (header: string | undefined) => {
    asked.push(now());
    if (header === undefined) throw new DubError(401, "unauthorized", "Missing Authorization header.");
    if (!header.startsWith("Bearer "))
      throw new DubError(
        400,
        "bad_request",
        "Misconfigured authorization header. Did you forget to add 'Bearer '?",
      );
    const key = header.slice("Bearer ".length);
    if (!key.startsWith("dub_")) throw new DubError(404, "not_found", "Workspace ID not found.");
    const holder = holders.get(key);
    if (holder === undefined) throw new DubError(401, "unauthorized", "Unauthorized: Invalid API key.");
    if (!rate.take(key)) throw new DubError(429, "rate_limit_exceeded", "Too many requests.");
    if (holder !== "owner") throw HOLDERS[holder]();
  };

  const findLink = (clickId: string, storeDown: boolean): Link => {
    const found = storeDown && !((clickCache.get(clickId) ?? 0) > now()) ? undefined : click(clickId);
    if (!found) throw new DubError(404, "not_found", `Click event not found for clickId: ${clickId}`);
    if (!storeDown) clickCache.set(clickId, now() + CLICK_CACHE_LIFE);
    if (found.state === "deleted")
      throw new DubError(404, "not_found", `Link not found for clickId: ${clickId}, linkId: ${found.id}`);
    if (found.state === "foreign")
      throw new DubError(404, "not_found", `Link for clickId ${clickId} does not belong to the workspace`);
    if (found.state === "disabled")
      throw new DubError(404, "not_found", `Link for clickId ${clickId} is disabled, lead not tracked`);
    return found;
  };

  const track = (body: Awaited<ReturnType<typeof parseBody>>, failure: Fault | undefined) => {
    const { externalId, eventName } = body;
    if (failure === "error_before_key")
      throw new DubError(500, "internal_server_error", "An internal server error occurred.");
    const known = customers.get(externalId);
    const clickId = body.clickId || known?.clickId;
    if (!clickId)
      throw new DubError(
        400,
        "bad_request",
        "The `clickId` property was not provided in the request, and no existing customer with the provided `customerExternalId` was found.",
      );
    const answer = (link: Link | null) => {
      const customer = customers.get(externalId) ?? {
        externalId,
        name: body.customerName ?? null,
        email: body.customerEmail ?? null,
        avatar: body.customerAvatar ?? null,
      };
      const { clickId: _, ...shown } = customer as Customer;
      return {
        click: { id: clickId },
        link: link && {
          id: link.id,
          domain: "go.example",
          key: link.id.replace("link_", ""),
          shortLink: shortLinkOf(link.id),
          url: "https://orchard.example/",
          partnerId: "pn_local",
          programId: null,
          tenantId: null,
          externalId: null,
        },
        customer: shown,
      };
    };

    if (failure === "null_link") return answer(null);
    if (body.mode !== "deferred") {
      const key = `${externalId}:${eventName.toLowerCase().replaceAll(" ", "-")}`;
      if ((dedup.get(key) ?? 0) > now()) return answer(null);
      dedup.set(key, now() + DEDUP_LIFE);
      if (failure === "reset_after_key") throw new Unanswered("reset");
      if (failure === "error_after_key")
        throw new DubError(500, "internal_server_error", "An internal server error occurred.");
    }
    const link = findLink(clickId, failure === "click_store_down");
    if (!known) {
      if (failure === "customer_store_down")
        throw new DubError(500, "internal_server_error", "An internal server error occurred.");
      const name = body.customerName || body.customerEmail || "Quiet Green Heron";
      customers.set(externalId, {
        externalId,
        name,
        email: body.customerEmail ?? null,
        avatar: body.customerAvatar ?? null,
        clickId,
      });
    }
    if (body.mode !== "deferred")
      recorded.push({
        at: now(),
        customerExternalId: externalId,
        eventName,
        clickId,
        link: link.id,
        quantity: body.eventQuantity ?? 1,
        metadata: body.metadata ?? null,
      });
    return answer(link);
  };

  const app = new Hono();
  app.post("/track/lead", async (c) => {
    authorise(c.req.header("authorization"));
    const body = await parseBody(c.req.raw);
    const call: Call = {
      phase: body.mode === "deferred" ? "register" : "record",
      customerExternalId: body.externalId,
      eventName: body.eventName,
      clickId: body.clickId ?? "",
    };
    const note = (status: number | "none") => calls.push({ ...call, at: now(), status });
    const failure = fault(call);
    try {
      if (failure === "rate_limited") throw new DubError(429, "rate_limit_exceeded", "Too many requests.");
      if (failure === "reset_before" || failure === "hang_before")
        throw new Unanswered(failure === "reset_before" ? "reset" : "hang");
      const page = htmlPage(failure);
      if (page) {
        note(page.status);
        return c.html(page.html, page.status);
      }
      const answer = track(body, failure);
      if (failure === "reset_after" || failure === "hang_after")
        throw new Unanswered(failure === "reset_after" ? "reset" : "hang");
      note(200);
      return c.json(answer);
    } catch (error) {
      note(error instanceof DubError ? error.status : "none");
      throw error;
    }
  });
  app.get("/customers", (c) => {
    authorise(c.req.header("authorization"));
    lists.push(c.req.path);
    return c.json(listCustomers(kept(), c.req.query()));
  });
  const mayList = (header: string | undefined, path: string) => {
    authorise(header);
    lists.push(path);
    if (!analyticsRate.take(header ?? ""))
      throw new DubError(429, "rate_limit_exceeded", "Too many requests.");
    if (mayAsk === true) return;
    throw new DubError(403, "forbidden", mayAsk === "over_limit" ? OVER_LIMIT : NO_PERMISSION);
  };
  app.get("/events", (c) => {
    mayList(c.req.header("authorization"), c.req.path);
    return c.json(listEvents(kept(), c.req.query(), now()));
  });
  app.get("/analytics", (c) => {
    mayList(c.req.header("authorization"), c.req.path);
    return c.json(countEvents(kept(), c.req.query(), now()));
  });
  app.onError((error, c) => {
    if (!(error instanceof DubError)) throw error;
    const { status, code, message } = error;
    const headers = rate.headers(c.req.header("authorization")?.slice("Bearer ".length) ?? "");
    return c.json(
      {
        error: {
          code,
          message,
          doc_url: `https://dub.co/docs/api-reference/errors#${code.replaceAll("_", "-")}`,
        },
      },
      status,
      headers,
    );
  });
  /** Makes `key` valid. */
  const accept = (key: string) => void holders.set(key, "owner");
  /** Gives the keys the permission analytics.read, or takes it away. */
  const allowAnalytics = (may: Analytics = true) => {
    mayAsk = may;
  };
  return { app, recorded, customers, gone, asked, calls, lists, accept, allowAnalytics };
}

const OVER_LIMIT =
  "You've reached your limit of 250000 clicks on the Business plan. Please upgrade for higher limits.";
const NO_PERMISSION =
  "The provided key does not have the required permissions for this endpoint on the workspace 'ws_local'. Having the 'analytics.read' permission would allow this request to continue.";
