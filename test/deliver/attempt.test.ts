/** One attempt: register, then record; what fails for a while arrives once. */
import { describe, expect, it } from "vitest";
import { shipped as mappings } from "../../mappings/index.ts";
import { LOCAL_KEY } from "../../src/dev/stand-in/dub.ts";
import type { Fault } from "../../src/dev/stand-in/faults.ts";
import { answerOf, createTestApp, DAY, HOUR, MINUTE, sampleOf, signUp } from "../support/app.ts";

const CLICK = "Xk3pQ9vLm2RtYw7B";

/** A fault plan: each call takes the next of the list that is for its phase. */
function plan(faults: { register?: (Fault | undefined)[]; record?: (Fault | undefined)[] }) {
  return { fault: ({ phase }: { phase: "register" | "record" }) => faults[phase]?.shift() };
}

describe("register, then record", () => {
  it("registers with mode deferred, records with the mapping's mode, and keeps the credited link", async () => {
    const bodies: unknown[] = [];
    const app = await createTestApp({
      fetch: async (request) => {
        bodies.push(await request.clone().json());
        expect(request.headers.get("authorization")).toBe(`Bearer ${LOCAL_KEY}`);
        expect(request.url).toBe("https://api.dub.co/track/lead");
        return answerOf(app.dub.app, request);
      },
    });
    await app.send("clerk", sampleOf("clerk").webhook);
    await app.pump();
    const [expected] = sampleOf("clerk").expect as [{ lead: object }];
    expect(bodies).toEqual([{ ...expected.lead, mode: "deferred" }, expected.lead]);
    expect(await app.row()).toMatchObject({
      status: "delivered",
      reason: "recorded",
      delivered_by: "register-then-record",
      link: '{"id":"link_Xk3p","shortLink":"https://go.example/Xk3p","partnerId":"pn_local"}',
    });
    expect(await app.attempts()).toEqual([
      { phase: "record", http_status: 200, reason: "recorded", message: null },
    ]);
  });

  it("with DUB_DELIVERY=single makes one call", async () => {
    const app = await createTestApp({ settings: { DUB_DELIVERY: "single" } });
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    expect(app.dub.calls.map(({ phase }) => phase)).toEqual(["record"]);
    expect(await app.row()).toMatchObject({ status: "delivered", delivered_by: "single" });
  });

  it("with the mapping's mode deferred only registers", async () => {
    const clerk = structuredClone((await import("../../mappings/clerk/mapping.json")).default) as {
      leads: { lead: Record<string, unknown> }[];
    };
    (clerk.leads[0] as { lead: Record<string, unknown> }).lead.mode = "'deferred'";
    const app = await createTestApp({ mappings: { ...mappings, clerk } });
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    expect(app.dub.calls.map(({ phase }) => phase)).toEqual(["register"]);
    expect(await app.row()).toMatchObject({ status: "delivered", reason: "customer_registered" });
    expect(app.dub.recorded).toEqual([]);
    expect(await app.send("clerk", signUp("user_1"))).toMatchObject([{ status: "duplicate" }]);

    // The lead that counts is no duplicate of it.
    const lead = sampleOf("stripe").webhook as { data: { object: { metadata: object } } };
    lead.data.object.metadata = { dubCustomerExternalId: "user_1", dubClickId: CLICK };
    await app.send("stripe", lead);
    await app.pump();
    expect(app.dub.recorded).toHaveLength(1);
  });
});

describe("what fails for a while arrives once", () => {
  it.each<[string, Parameters<typeof plan>[0]]>([
    ["500 while registering", { register: ["error_before_key", "error_before_key"] }],
    ["the click store down while registering", { register: ["click_store_down", "click_store_down"] }],
    ["the customer store down", { register: ["customer_store_down"] }],
    ["a broken connection while registering", { register: ["reset_before", "reset_after"] }],
    ["a timeout while registering", { register: ["hang_before", "hang_after"] }],
    ["502 with HTML", { register: ["bad_gateway"], record: ["bad_gateway"] }],
    ["a rate limit at both calls", { register: ["rate_limited"], record: ["rate_limited"] }],
    ["500 before the dedup key", { record: ["error_before_key"] }],
    ["an answer that is lost after the lead was recorded", { record: ["reset_after"] }],
    ["a timeout after the lead was recorded", { record: ["hang_after"] }],
    ["200 without a link while registering", { register: ["null_link"] }],
  ])("%s", async (_, faults) => {
    const app = await createTestApp({ dub: plan(faults) });
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    await app.pass(30 * MINUTE);
    expect(app.dub.recorded).toHaveLength(1);
    expect(await app.row()).toMatchObject({
      status: "delivered",
      reason: "recorded",
      link: expect.stringContaining("https://go.example/Xk3p"),
    });
  });

  it("a click that goes missing between the two calls: Dub's dedup key is used up, so it waits out the seven days", async () => {
    const app = await createTestApp({
      dub: {
        click: (id) => (app.dub.calls.length === 1 ? undefined : { id: `link_${id}`, state: "ours" }),
      },
    });
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    expect(await app.row()).toMatchObject({ status: "pending", reason: "dedup_blocked" });
    await app.pass(7 * DAY, HOUR);
    expect(app.dub.recorded).toEqual([]);
    await app.pass(2 * HOUR, HOUR);
    expect(app.dub.recorded).toHaveLength(1);
    expect(await app.row()).toMatchObject({ status: "delivered", reason: "recorded" });
  });

  it("a plain retry loses the lead, this Worker does not", async () => {
    const outage = () => plan({ register: ["click_store_down"], record: ["click_store_down"] });
    const naive = await createTestApp({ dub: outage() });
    const lead = { clickId: CLICK, eventName: "Sign Up", customerExternalId: "user_1" };
    const statuses: number[] = [];
    do {
      const headers = { authorization: `Bearer ${LOCAL_KEY}` };
      const response = await naive.dub.app.request("/track/lead", {
        method: "POST",
        body: JSON.stringify(lead),
        headers,
      });
      statuses.push(response.status);
    } while (statuses.at(-1) !== 200);
    expect([statuses, naive.dub.recorded]).toEqual([[404, 200], []]);

    const ours = await createTestApp({ dub: outage() });
    await ours.send("clerk", signUp("user_1"));
    await ours.pump();
    await ours.pass(5 * MINUTE);
    expect(ours.dub.recorded).toHaveLength(1);
  });
});

describe("links that do not count", () => {
  it.each([
    ["foreignClick0001", "skipped", "other_workspace"],
    ["disabledClick001", "rejected", "link_disabled"],
    ["deletedClick0001", "rejected", "link_missing"],
  ])("%s is %s: %s, without touching the dedup key", async (click, status, reason) => {
    const app = await createTestApp();
    await app.send("clerk", signUp("user_1", click));
    await app.pump();
    expect(await app.row()).toMatchObject({ status, reason });
    expect(app.dub.calls.map(({ phase }) => phase)).toEqual(["register"]);
    await app.send("clerk", signUp("user_1", CLICK));
    await app.pump();
    expect(app.dub.recorded).toHaveLength(1);
  });
});
