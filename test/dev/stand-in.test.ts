/** The stand-in behaves as Dub does: the executed table of its server, row by row, and the official SDK unchanged. */
import { Dub } from "dub";
import type { LeadEvent, TrackLeadRequestBody } from "dub/models/operations";
import { Hono } from "hono";
import { afterEach, describe, expect, it } from "vitest";
import { createDubStandIn, LOCAL_KEY, type StandInOptions } from "../../src/dev/stand-in/dub.ts";
import type { Fault } from "../../src/dev/stand-in/faults.ts";
import { type Served, serveDub } from "../../src/dev/stand-in/serve.ts";
import { findLead } from "../../src/dub/find.ts";
import type { Lead } from "../../src/lead.ts";

/** What we read of a lead that Dub lists, in the SDK's words. */
type Listed = Pick<LeadEvent, "event" | "timestamp" | "eventName"> & {
  link: Pick<LeadEvent["link"], "id" | "shortLink" | "partnerId">;
};

const GOOD = "Xk3pQ9vLm2RtYw7B";
const UNKNOWN = "unknownClick0001";

function open(options: StandInOptions = {}) {
  const clock = { now: Date.UTC(2026, 2, 10, 12) };
  const dub = createDubStandIn({ now: () => clock.now, ...options });
  const track = async (
    clickId: string,
    more: object = {},
    headers: Record<string, string> = { authorization: `Bearer ${LOCAL_KEY}` },
  ) => {
    const body = JSON.stringify({ clickId, eventName: "Sign Up", customerExternalId: "user_1", ...more });
    const response = await dub.app.request("/track/lead", { method: "POST", body, headers });
    const json = (await response.json()) as {
      link?: { id: string } | null;
      error?: { code: string; message: string };
    };
    return { status: response.status, linked: Boolean(json.link), ...json, headers: response.headers };
  };
  return { ...dub, clock, track };
}
const once = (fault: Fault) => {
  const faults: (Fault | undefined)[] = [fault];
  return { fault: () => faults.shift() };
};
const brief = ({ status, linked }: { status: number; linked: boolean }) =>
  status === 200 ? `200 ${linked ? "link" : "null"}` : String(status);

describe("the executed table", () => {
  it("unknown click → same again → correct click: nothing is recorded", async () => {
    const { track, recorded } = open();
    expect([brief(await track(UNKNOWN)), brief(await track(UNKNOWN)), brief(await track(GOOD))]).toEqual([
      "404",
      "200 null",
      "200 null",
    ]);
    expect(recorded).toEqual([]);
  });
  it("store outage → retry: the lead is lost, there is no customer", async () => {
    const { track, recorded, customers } = open(once("click_store_down"));
    expect([brief(await track(GOOD)), brief(await track(GOOD))]).toEqual(["404", "200 null"]);
    expect([recorded, customers.size]).toEqual([[], 0]);
  });
  it("database failure on create → retry: the lead is lost", async () => {
    const { track, recorded } = open(once("customer_store_down"));
    expect([brief(await track(GOOD)), brief(await track(GOOD))]).toEqual(["500", "200 null"]);
    expect(recorded).toEqual([]);
  });
  it("empty click id, unknown customer → real click: recorded", async () => {
    const { track, recorded } = open();
    expect([brief(await track("")), brief(await track(GOOD))]).toEqual(["400", "200 link"]);
    expect(recorded).toHaveLength(1);
  });
  it("deferred in an outage → again twice → async without click id → again", async () => {
    const { track, recorded } = open(once("click_store_down"));
    const deferred = () => track(GOOD, { mode: "deferred" });
    const calls = [await deferred(), await deferred(), await deferred()];
    expect(recorded).toEqual([]);
    calls.push(await track(""), await track(""));
    expect(calls.map(brief)).toEqual(["404", "200 link", "200 link", "200 link", "200 null"]);
    expect(recorded).toHaveLength(1);
  });
  it("existing customer, other event, no click id: recorded on the first click", async () => {
    const { track, recorded } = open();
    await track(GOOD);
    expect(brief(await track("", { eventName: "Started Trial" }))).toBe("200 link");
    expect(recorded.map(({ clickId }) => clickId)).toEqual([GOOD, GOOD]);
  });
  it("three at once: one is recorded", async () => {
    const { track, recorded } = open();
    const briefs = (await Promise.all([track(GOOD), track(GOOD), track(GOOD)])).map(brief);
    expect(briefs.sort()).toEqual(["200 link", "200 null", "200 null"]);
    expect(recorded).toHaveLength(1);
  });
  it("the dedup key is the customer and the name as Dub compares it, for seven days", async () => {
    const { track, recorded, clock } = open();
    await track(GOOD);
    expect(brief(await track(GOOD, { eventName: "sign-up" }))).toBe("200 null");
    expect(brief(await track(GOOD, { eventName: "Signup" }))).toBe("200 link");
    clock.now += 7 * 86_400_000;
    expect(brief(await track(GOOD))).toBe("200 link");
    expect(recorded).toHaveLength(3);
  });
});

describe("errors", () => {
  it.each([
    ["no header", {}, 401],
    ["no Bearer", { authorization: LOCAL_KEY }, 400],
    ["unknown key", { authorization: "Bearer dub_other" }, 401],
    ["no Dub key", { authorization: "Bearer sk_live" }, 404],
  ])("%s", async (_, headers, status) => {
    expect((await open().track(GOOD, {}, headers as Record<string, string>)).status).toBe(status);
  });

  it.each([
    [
      { customerName: "x".repeat(101) },
      "too_big: customerName: Too big: expected string to have <=100 characters",
    ],
    [{ customerName: "🌱".repeat(51) }, "too_big: customerName"],
    [{ customerEmail: "" }, "invalid_format: customerEmail"],
    [{ customerEmail: " a@example.com" }, "invalid_format: customerEmail"],
    [{ mode: null }, "invalid_value: mode"],
    [{ eventQuantity: 0 }, "too_small: eventQuantity"],
    [{ eventQuantity: "2" }, "invalid_type: eventQuantity"],
    [{ metadata: [] }, "invalid_type: metadata"],
    [{ metadata: { a: "x".repeat(9993) } }, "custom: metadata"],
    [{ eventName: "  " }, "too_small: eventName: eventName is required"],
    [{ customerExternalId: 1 }, "invalid_type: customerExternalId"],
  ])("%j is 422 and sets no dedup key", async (more, message) => {
    const { track } = open();
    const { status, error } = await track(GOOD, more);
    expect([status, error?.message.slice(0, message.length)]).toEqual([422, message]);
    expect(brief(await track(GOOD))).toBe("200 link");
  });

  it.each([
    ["html_403", 403],
    ["html_404", 404],
    ["html_405", 405],
    ["html_451", 451],
    ["bad_gateway", 502],
  ] as const)("%s: an HTML page, and nothing is done", async (fault, status) => {
    const { app, track, calls } = open(once(fault));
    const body = JSON.stringify({ clickId: GOOD, eventName: "Sign Up", customerExternalId: "user_1" });
    const headers = { authorization: `Bearer ${LOCAL_KEY}` };
    const response = await app.request("/track/lead", { method: "POST", body, headers });
    expect([response.status, response.headers.get("content-type")]).toEqual([
      status,
      expect.stringContaining("text/html"),
    ]);
    expect(await response.text()).toMatch(/^<html>/);
    expect(calls).toMatchObject([{ phase: "record", status }]);
    expect(brief(await track(GOOD))).toBe("200 link");
  });

  it("a rate limit whose Retry-After is the window's end in epoch milliseconds", async () => {
    const { track, clock } = open({ limit: 2 });
    await track(GOOD);
    await track(GOOD);
    const { status, headers } = await track(GOOD);
    const end = String((Math.floor(clock.now / 60_000) + 1) * 60_000);
    expect([status, headers.get("retry-after"), headers.get("x-ratelimit-reset")]).toEqual([429, end, end]);
  });
});

describe("the list of leads", () => {
  const listed = async ({ app }: ReturnType<typeof open>, path: string) => {
    const response = await app.request(path, { headers: { authorization: `Bearer ${LOCAL_KEY}` } });
    return [response.status, await response.json()];
  };

  it("holds what was recorded since a time, once it is listed", async () => {
    const dub = open({ listedAfter: 60_000 });
    await dub.track(GOOD);
    const path = `/events?event=leads&customerId=cus_user_1&start=${new Date(dub.clock.now).toISOString()}`;
    expect(await listed(dub, path)).toEqual([200, []]);
    dub.clock.now += 60_000;
    const event: Listed = {
      event: "lead",
      timestamp: "2026-03-10T12:00:00.000Z",
      eventName: "Sign Up",
      link: { id: "link_Xk3p", shortLink: "https://go.example/Xk3p", partnerId: "pn_local" },
    };
    expect(await listed(dub, path)).toMatchObject([200, [event]]);
    expect(await listed(dub, path.replace("12:00", "23:59"))).toMatchObject([200, [event]]);
    expect(await listed(dub, path.replace("2026-03-10", "2026-03-11"))).toEqual([200, []]);
    expect(await listed(dub, "/customers?externalId=user_1")).toMatchObject([200, [{ id: "cus_user_1" }]]);
    expect(await listed(dub, "/customers?externalId=user_2")).toEqual([200, []]);
  });
  it.each<[string, false | "over_limit", RegExp]>([
    ["needs the permission", false, /the 'analytics.read' permission/],
    [
      "needs a workspace within its events limit",
      "over_limit",
      /^You've reached your limit of \d+ clicks on the/,
    ],
  ])("%s", async (_, analytics, message) => {
    for (const path of ["/events?event=leads", "/analytics?event=leads"])
      expect(await listed(open({ analytics }), path)).toMatchObject([
        403,
        { error: { message: expect.stringMatching(message) } },
      ]);
  });
  it("takes four analytics calls a second, whatever the other limit is", async () => {
    const dub = open();
    const statuses = async () => {
      const all = [];
      for (let i = 0; i < 5; i++) all.push((await listed(dub, "/events?event=leads"))[0]);
      return all;
    };
    dub.clock.now += 500;
    expect(await statuses()).toEqual([200, 200, 200, 200, 429]);
    expect((await listed(dub, "/customers?externalId=user_1"))[0]).toBe(200);
    dub.clock.now += 2000;
    expect(await statuses()).toEqual([200, 200, 200, 200, 429]);
  });
  it("has whole days of UTC in pages, newest first; leads of deleted links go after the limit, a deleted customer keeps a lead", async () => {
    const dub = open({ analyticsLimit: 100 });
    const day = "start=2026-03-10T08:00:00Z&end=2026-03-10";
    dub.clock.now = Date.UTC(2026, 2, 10);
    for (const n of [1, 2, 3, 4]) {
      await dub.track(`${n}k3pQ9vLm2RtYw7B`, { customerExternalId: `user_${n}` });
      dub.clock.now += 6 * 3_600_000;
    }
    await dub.track(GOOD, { customerExternalId: "user_5" });
    dub.gone.links.add("link_3k3p");
    dub.gone.customers.add("user_2");
    const of = async (page: number, limit = 2) =>
      ((await listed(dub, `/events?event=leads&${day}&limit=${limit}&page=${page}`))[1] as LeadEvent[]).map(
        ({ customer, click }) => [customer.externalId, customer.name, click.id.slice(0, 1)],
      );
    expect(await listed(dub, `/analytics?event=leads&groupBy=count&${day}`)).toEqual([200, { leads: 4 }]);
    expect(await of(1)).toMatchObject([["user_4", expect.anything(), "4"]]);
    expect(await of(2)).toEqual([
      ["cus_user_2", "Deleted Customer", "2"],
      ["user_1", expect.anything(), "1"],
    ]);
    expect(await of(3)).toEqual([]);
    expect((await listed(dub, `/events?event=leads&${day}&limit=1001`))[0]).toBe(422);
    const expanded = "/customers?includeExpandedFields=true&externalId=";
    expect(await listed(dub, `${expanded}user_3`)).toMatchObject([200, [{ link: null }]]);
    expect(await listed(dub, `${expanded}user_4`)).toMatchObject([200, [{ link: { id: "link_4k3p" } }]]);
    expect(await listed(dub, `${expanded}user_2`)).toEqual([200, []]);
  });
  it("lists leads of one moment in any order: on two pages one may come twice, or not at all", async () => {
    const dub = open({ analyticsLimit: 100 });
    for (let n = 0; n < 40; n++) await dub.track(GOOD, { customerExternalId: `user_${n}` });
    const ids = [];
    for (const page of [1, 2, 3, 4])
      for (const { eventId } of (
        await listed(dub, `/events?event=leads&start=2026-03-10&limit=10&page=${page}`)
      )[1] as LeadEvent[])
        ids.push(eventId);
    expect(ids).toHaveLength(40);
    expect(new Set(ids).size).toBeLessThan(40);
  });
  it("is asked for as the official SDK asks", async () => {
    const asked: [string, object][] = [];
    const note = (url: string) => {
      const { pathname, searchParams } = new URL(url);
      asked.push([pathname, Object.fromEntries(searchParams)]);
    };
    const customer = { id: "cus_1", externalId: "user_1", createdAt: "2026-03-10T12:00:00.000Z" };
    const app = new Hono().get("*", (c) => {
      note(c.req.url);
      return c.json(c.req.path === "/customers" ? [customer] : []);
    });
    const served = await serveDub({ app });
    const since = Date.UTC(2026, 2, 10, 12);
    const start = new Date(since - 300_000).toISOString();
    const ours = { url: served.url, key: LOCAL_KEY, fetch, now: Date.now };
    expect(
      await findLead(ours, { clickId: "", eventName: "Sign Up", customerExternalId: "user_1" }, since),
    ).toEqual({ kind: "absent" });
    const sdk = new Dub({ token: LOCAL_KEY, serverURL: served.url });
    await sdk.customers.list({ externalId: "user_1" });
    await sdk.events.list({ event: "leads", customerId: "cus_1", start, limit: 100 });
    await served.close();
    expect(asked.slice(0, 2)).toEqual([
      ["/customers", { externalId: "user_1" }],
      ["/events", { event: "leads", customerId: "cus_1", start, limit: "100" }],
    ]);
    for (const [i, [path, query]] of asked.slice(2).entries()) {
      expect(path).toBe(asked[i]?.[0]);
      expect(query).toMatchObject(asked[i]?.[1] ?? {});
    }
    expect(asked).toHaveLength(4);
  });
});

describe("the official SDK, unchanged", () => {
  let served: Served | undefined;
  afterEach(async () => {
    await served?.close();
    served = undefined;
  });
  const sdk = async (options: StandInOptions = {}) => {
    served = await serveDub(createDubStandIn(options));
    return new Dub({ token: LOCAL_KEY, serverURL: served.url });
  };
  const lead = { clickId: GOOD, eventName: "Sign Up", customerExternalId: "user_1" };

  it("reads the lists of leads and customers, and the count", async () => {
    const client = await sdk();
    await client.track.lead({ ...lead, eventQuantity: 2 });
    const start = new Date().toISOString();
    const events = await client.events.list({ event: "leads", start, limit: 500 });
    expect(events).toMatchObject(Array(2).fill({ eventName: "Sign Up", customer: { externalId: "user_1" } }));
    const customers = await client.customers.list({ externalId: "user_1", includeExpandedFields: true });
    expect(customers.result).toMatchObject([{ link: { id: "link_Xk3p" } }]);
    expect(await client.analytics.retrieve({ event: "leads", groupBy: "count", start })).toMatchObject({
      leads: 2,
    });
  });
  it("its typed lead body accepts ours", () => {
    const accepts = (body: Lead): TrackLeadRequestBody =>
      body as { [K in keyof Lead]: Exclude<Lead[K], undefined> };
    expect(accepts(lead)).toEqual(lead);
  });
  it("success", async () => {
    const answer = await (await sdk()).track.lead(lead);
    expect(answer.link?.shortLink).toBe("https://go.example/Xk3p");
  });
  it.each([
    ["404", { ...lead, clickId: UNKNOWN }, {}, 404],
    ["422", { ...lead, customerName: "x".repeat(101) }, {}, 422],
    ["429", lead, { limit: 0 }, 429],
  ])("%s", async (_, body, options, status) => {
    const failed = (await sdk(options)).track.lead(body);
    await expect(failed).rejects.toMatchObject({ statusCode: status });
  });
});
