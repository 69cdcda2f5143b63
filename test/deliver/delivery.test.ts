/** From the ledger to Dub: register then record, retries, dedup, and every answer of Dub. */
import { describe, expect, it, vi } from "vitest";
import { shipped as mappings } from "../../mappings/index.ts";
import { LOCAL_KEY, type StandInOptions } from "../../src/dev/stand-in/dub.ts";
import type { Fault } from "../../src/dev/stand-in/faults.ts";
import {
  answerOf,
  createTestApp,
  DAY,
  db,
  HOUR,
  MINUTE,
  SECOND,
  START,
  sampleOf,
  signUp,
} from "../support/app.ts";

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

  it("naive retry loses the lead against the stand-in, this does not", async () => {
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

describe("a recording call whose answer is lost", () => {
  const lost = (fault: Fault, more: StandInOptions = {}) =>
    createTestApp({ dub: { ...plan({ record: [fault] }), ...more } });

  it("Dub is asked, and lists the lead: its link is kept, and nothing is recorded again", async () => {
    const app = await lost("hang_after");
    await app.send("clerk", signUp("user_1"));
    await app.pass(2 * MINUTE);
    expect(await app.row()).toMatchObject({ reason: "recorded", doubt: null });
    await app.pass(20 * DAY, DAY);
    expect(app.dub.recorded).toHaveLength(1);
  });

  it("Dub lists the lead late: it is looked for after an hour, and nothing is recorded again", async () => {
    const app = await lost("reset_after", { listedAfter: 10 * MINUTE });
    await app.send("clerk", signUp("user_1"));
    await app.pass(5 * MINUTE);
    expect(await app.row()).toMatchObject({ status: "pending", reason: "unconfirmed", doubt: "unknown" });
    await app.pass(HOUR);
    expect(await app.row()).toMatchObject({ reason: "recorded" });
    expect(app.dub.recorded).toHaveLength(1);
  });

  it("Dub lists the lead days later: nothing is recorded again", async () => {
    const app = await lost("reset_after", { listedAfter: 2 * DAY });
    await app.send("clerk", signUp("user_1"));
    await app.pass(3 * HOUR, 10 * MINUTE);
    expect(await app.row()).toMatchObject({ status: "pending", reason: "dedup_blocked" });
    await app.pass(8 * DAY, HOUR);
    expect(await app.row()).toMatchObject({ reason: "recorded" });
    expect(app.dub.recorded).toHaveLength(1);
  });

  it.each(["register-then-record", "single"])(
    "Dub never lists the lead: it is recorded when the dedup key has run out (%s)",
    async (DUB_DELIVERY) => {
      const app = await createTestApp({
        settings: { DUB_DELIVERY },
        dub: plan({ record: ["reset_after_key"] }),
      });
      await app.send("clerk", signUp("user_1"));
      await app.pass(6 * DAY, HOUR);
      expect(app.dub.recorded).toEqual([]);
      await app.pass(3 * DAY, HOUR);
      expect(await app.row()).toMatchObject({ status: "delivered", reason: "recorded" });
      expect(app.dub.recorded).toHaveLength(1);
    },
  );

  it("Dub can't be asked for a while: it is asked again by the schedule", async () => {
    let asked = 0;
    const app = await createTestApp({
      dub: plan({ record: ["hang_after"] }),
      fetch: async (request) => {
        if (request.method === "GET" && ++asked <= 3)
          return new Response("busy", { status: asked === 1 ? 429 : 503 });
        return answerOf(app.dub.app, request);
      },
    });
    await app.send("clerk", signUp("user_1"));
    await app.pass(4 * MINUTE);
    expect(await app.row()).toMatchObject({
      reason: "dub_error",
      doubt: "unknown",
      detail: "GET /customers: 503",
    });
    await app.pass(2 * HOUR, 10 * MINUTE);
    expect(await app.row()).toMatchObject({ reason: "recorded" });
    expect(app.dub.recorded).toHaveLength(1);
  });

  it("the key may not ask: it counts as recorded, and is marked as uncertain", async () => {
    const app = await lost("hang_after", { analytics: false });
    await app.send("clerk", signUp("user_1"));
    await app.pass(2 * MINUTE);
    expect(await app.row()).toMatchObject({
      status: "delivered",
      reason: "recorded_unconfirmed",
      detail: "GET /events: 403",
    });
    expect(app.dub.recorded).toHaveLength(1);
  });

  it("the key may not ask, with single delivery: it is possibly lost, and never called delivered", async () => {
    const app = await createTestApp({
      settings: { DUB_DELIVERY: "single" },
      dub: { ...plan({ record: ["reset_after"] }), analytics: false },
    });
    await app.send("clerk", signUp("user_1"));
    await app.pass(5 * MINUTE);
    expect(await app.row()).toMatchObject({ status: "failed", reason: "possibly_lost" });
  });

  it.each<[boolean, string, string]>([
    [true, "delivered", "recorded"],
    [false, "failed", "possibly_lost"],
  ])(
    "held up until Dub would not recognise the lead any more, it is not sent again (may ask: %s)",
    async (analytics, status, reason) => {
      const app = await lost("hang_after", { analytics });
      await app.send("clerk", signUp("user_1"));
      await app.pump();
      app.env.DUB_API_KEY = "";
      await app.pass(8 * DAY, HOUR);
      app.env.DUB_API_KEY = LOCAL_KEY;
      await app.pass(2 * HOUR);
      expect(app.dub.recorded).toHaveLength(1);
      expect(await app.row()).toMatchObject({ status, reason });
    },
  );
});

describe("a lead in doubt", () => {
  it("that has failed holds its key: the customer's next event is no second lead", async () => {
    let fault: Fault | undefined = "reset_after";
    const app = await createTestApp({
      settings: { RETRY_SCHEDULE: "30" },
      dub: { fault: ({ phase }) => (fault === "reset_after" && phase === "register" ? undefined : fault) },
    });
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    fault = "bad_gateway";
    await app.pass(5 * MINUTE);
    expect(await app.row()).toMatchObject({ reason: "retries_exhausted", doubt: "unknown" });
    fault = undefined;
    await app.pass(8 * DAY, DAY);
    expect(await app.send("clerk", signUp("user_1"))).toMatchObject([{ status: "duplicate" }]);
    await app.pass(HOUR, 10 * MINUTE);
    expect(app.dub.recorded).toHaveLength(1);
  });

  it("that comes due while the key is refused is held like any other, and recorded once", async () => {
    const app = await createTestApp({ dub: plan({ record: ["reset_after_key"] }) });
    await app.send("clerk", signUp("user_1"));
    await app.pass(4 * HOUR, 10 * MINUTE);
    app.env.DUB_API_KEY = "dub_revoked";
    await app.pass(8 * DAY, HOUR);
    expect(await app.row()).toMatchObject({ status: "pending", reason: "dub_key_refused" });
    app.env.DUB_API_KEY = LOCAL_KEY;
    await app.pass(2 * HOUR, 10 * MINUTE);
    expect(await app.row()).toMatchObject({ status: "delivered", reason: "recorded" });
    expect(app.dub.recorded).toHaveLength(1);
  });
});

describe("the retry schedule", () => {
  it("tries at its times and then gives up, keeping the last answer", async () => {
    const app = await createTestApp({
      settings: { RETRY_SCHEDULE: "30,120,600" },
      dub: { fault: () => "bad_gateway" },
    });
    const begun = app.clock.now;
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    await app.pass(HOUR, 10 * SECOND);
    expect(app.dub.calls.map(({ at }) => (at - begun) / SECOND)).toEqual([0, 30, 150, 750]);
    expect(await app.row()).toMatchObject({
      status: "failed",
      reason: "retries_exhausted",
      retries: 3,
      detail: "502 without an error that Dub documents",
    });
    expect(await app.attempts()).toHaveLength(4);
  });

  it("tries an unknown click that does not look like Dub's for about two hours", async () => {
    const app = await createTestApp();
    await app.send("clerk", signUp("user_1", "unknown-click"));
    await app.pump();
    for (let hour = 0; hour < 4; hour++) {
      await app.send("clerk", signUp(`other_${hour}`));
      await app.pass(HOUR);
    }
    expect((await app.rows())[0]).toMatchObject({
      status: "rejected",
      reason: "unknown_click",
      detail: "Click event not found for clickId: unknown-click",
    });
    app.dub.calls.splice(
      0,
      app.dub.calls.length,
      ...app.dub.calls.filter(({ clickId }) => clickId !== CLICK),
    );
    expect((app.dub.calls.at(-1)?.at ?? 0) - (app.dub.calls[0]?.at ?? 0)).toBeGreaterThan(1.5 * HOUR);
    expect(app.dub.calls.every(({ phase }) => phase === "register")).toBe(true);
  });

  it("waits a quarter of an hour for a customer that Dub does not know yet", async () => {
    const app = await createTestApp();
    const trial = sampleOf("stripe", "trial").webhook;
    await app.send("stripe", trial);
    await app.pump();
    expect(await app.row()).toMatchObject({ status: "pending", reason: "customer_not_known_yet" });
    app.dub.customers.set("cus_TOrchard000001", {
      externalId: "cus_TOrchard000001",
      name: "x",
      email: null,
      avatar: null,
      clickId: CLICK,
    });
    await app.pass(MINUTE);
    expect(await app.row()).toMatchObject({ status: "delivered" });
    expect(app.dub.recorded).toMatchObject([{ clickId: CLICK, quantity: 4, eventName: "Started Trial" }]);
  });

  it("skips a customer that Dub never comes to know", async () => {
    const app = await createTestApp();
    await app.send("stripe", sampleOf("stripe", "trial").webhook);
    await app.pump();
    await app.pass(HOUR);
    expect(await app.row()).toMatchObject({ status: "skipped", reason: "unknown_customer" });
    expect(app.dub.calls).toHaveLength(4);
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

describe("what only the operator can fix keeps every event", () => {
  it.each([
    ["an unknown key", { DUB_API_KEY: "dub_unknown" }, {}, "dub_key_refused"],
    ["a plan too low", {}, { keys: { [LOCAL_KEY]: "low_plan" as const } }, "dub_plan_or_role"],
    ["a user without the role", {}, { keys: { [LOCAL_KEY]: "viewer" as const } }, "dub_plan_or_role"],
    ["a user who was removed", {}, { keys: { [LOCAL_KEY]: "removed" as const } }, "dub_workspace"],
    ["an invitation pending", {}, { keys: { [LOCAL_KEY]: "invite_pending" as const } }, "dub_workspace"],
    ["an invitation expired", {}, { keys: { [LOCAL_KEY]: "invite_expired" as const } }, "dub_workspace"],
    ["no key", { DUB_API_KEY: "" }, {}, "dub_key_missing"],
  ])("%s", async (_, settings, dub, reason) => {
    const app = await createTestApp({ settings, dub });
    for (let i = 0; i < 8; i++) await app.send("clerk", signUp(`user_${i}`));
    await app.pump();
    const asked = app.dub.calls.length;
    for (const row of await app.rows()) {
      expect(row).toMatchObject({ status: "pending", reason, retries: 0 });
      expect(row.next_attempt_at).toBe(app.clock.now + HOUR);
    }
    await app.pass(30 * MINUTE);
    expect(app.dub.calls).toHaveLength(asked);

    Object.assign(app.env, { DUB_API_KEY: "dub_fixed", DUB_API_URL: "" });
    app.dub.accept("dub_fixed");
    await app.pass(HOUR);
    expect((await app.rows()).map(({ status }) => status)).toEqual(Array(8).fill("delivered"));
  });
});

describe("a wrong setting of delivery stops delivery, and every webhook is kept", () => {
  it.each([
    [{ DUB_API_KEY: "dub_pk_12345" }, "DUB_API_KEY must be an API key of a Dub workspace"],
    [{ DUB_API_KEY: '"dub_quoted"' }, "DUB_API_KEY must be an API key of a Dub workspace"],
    [{ RETRY_SCHEDULE: "30,soon" }, "RETRY_SCHEDULE must be seconds between attempts, whole numbers"],
    [{ DUB_DELIVERY: "twice", DUB_API_URL: "dub" }, "DUB_API_URL must be an http(s) address"],
    [{ DUB_DELIVERY: "twice", DUB_API_URL: "dub" }, "DUB_DELIVERY must be register-then-record or single"],
  ])("%j", async (settings, said) => {
    const errors = vi.spyOn(console, "error").mockImplementation(() => {});
    const app = await createTestApp({ settings });
    expect(await app.send("clerk", signUp("user_1"))).toMatchObject([{ status: "pending" }]);
    await app.pump();
    expect(errors.mock.calls.join()).toContain(said);
    errors.mockRestore();
    expect(app.dub.asked).toEqual([]);
    await app.pass(3 * HOUR, 5 * MINUTE);
    expect(app.waiting.length).toBeLessThan(2);
    Object.assign(app.env, {
      DUB_API_KEY: LOCAL_KEY,
      RETRY_SCHEDULE: "",
      DUB_DELIVERY: "",
      DUB_API_URL: "",
    });
    await app.pass(15 * MINUTE);
    expect(app.dub.recorded).toHaveLength(1);
  });
});

describe("time limits of their own", () => {
  it("an outage before does not use up the time in which a click may turn up", async () => {
    const outage = 2 * HOUR;
    const app = await createTestApp({
      dub: {
        fault: () =>
          app.clock.now < START + outage
            ? "error_before_key"
            : app.clock.now < START + outage + 2 * HOUR
              ? "click_store_down"
              : undefined,
      },
    });
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    await app.pass(12 * HOUR, 5 * MINUTE);
    expect(app.dub.recorded).toHaveLength(1);
  });

  it("a recording call that Dub says failed is repeated once its dedup key has run out", async () => {
    const app = await createTestApp({ dub: plan({ record: ["error_after_key"] }) });
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    await app.pass(HOUR);
    expect(await app.row()).toMatchObject({ status: "pending", reason: "dedup_blocked" });
    await app.pass(8 * DAY, HOUR);
    expect(await app.row()).toMatchObject({ status: "delivered", reason: "recorded" });
    expect(app.dub.recorded).toHaveLength(1);
  });
});

it("an answer that may be about one lead stops no other", async () => {
  const app = await createTestApp({
    fetch: async (request) =>
      (await request.clone().text()).includes("user_1")
        ? new Response("<html>blocked</html>", { status: 403 })
        : answerOf(app.dub.app, request),
  });
  for (const user of ["user_1", "user_2", "user_3"]) await app.send("clerk", signUp(user));
  await app.pump();
  expect((await app.rows()).map(({ reason }) => reason)).toEqual(["dub_address", "recorded", "recorded"]);
});

describe("one lead for each customer and event name", () => {
  it("treats event names as Dub does, across providers, and beyond Dub's seven days", async () => {
    const app = await createTestApp();
    await app.send("clerk", signUp("user_8841"));
    await app.pump();
    await app.pass(40 * DAY, DAY);
    expect(await app.send("stripe", sampleOf("stripe").webhook)).toMatchObject([
      { status: "duplicate", reason: "duplicate_here" },
    ]);
    await app.pump();
    expect(app.dub.recorded).toHaveLength(1);
  });

  it("counts another event name of the same customer", async () => {
    const app = await createTestApp();
    await app.send("stripe", sampleOf("stripe").webhook);
    await app.send("stripe", sampleOf("stripe", "trial-of-many-seats").webhook);
    await app.pump();
    expect(app.dub.recorded.map(({ eventName }) => eventName)).toEqual(["Sign Up", "Started Trial"]);
  });

  it("lets the next duplicate take its turn when the first one ends without a lead", async () => {
    const app = await createTestApp();
    await app.send("clerk", signUp("user_1", "unknown-click"));
    await app.send("clerk", signUp("user_1"));
    await app.send("clerk", signUp("user_1"));
    await app.send("clerk", signUp("user_2"));
    expect((await app.rows()).map(({ status }) => status)).toEqual([
      "pending",
      "duplicate",
      "duplicate",
      "pending",
    ]);
    await app.pump();
    await app.pass(2 * HOUR);
    await app.send("clerk", signUp("user_3"));
    await app.pass(2 * HOUR);
    expect((await app.rows()).map(({ status, reason }) => [status, reason])).toEqual([
      ["rejected", "unknown_click"],
      ["delivered", "recorded"],
      ["duplicate", "duplicate_here"],
      ["delivered", "recorded"],
      ["delivered", "recorded"],
    ]);
    expect(app.dub.recorded.filter(({ customerExternalId }) => customerExternalId === "user_1")).toHaveLength(
      1,
    );
  });

  it("says when Dub already had the lead from another sender, and remembers that", async () => {
    const app = await createTestApp();
    const lead = { clickId: CLICK, eventName: "sign up", customerExternalId: "user_1" };
    await app.dub.app.request("/track/lead", {
      method: "POST",
      body: JSON.stringify(lead),
      headers: { authorization: `Bearer ${LOCAL_KEY}` },
    });
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    expect(await app.row()).toMatchObject({ status: "duplicate", reason: "duplicate_at_dub" });
    await app.pass(8 * DAY, DAY);
    expect(await app.send("clerk", signUp("user_1"))).toMatchObject([
      { status: "duplicate", reason: "duplicate_here" },
    ]);
    expect(app.dub.recorded).toHaveLength(1);
  });

  it("with once: event, the same customer may give the lead again", async () => {
    const clerk = structuredClone((await import("../../mappings/clerk/mapping.json")).default) as {
      leads: { once?: string }[];
    };
    (clerk.leads[0] as { once?: string }).once = "event";
    const app = await createTestApp({ mappings: { clerk } });
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    await app.pass(8 * DAY, DAY);
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    expect(app.dub.recorded).toHaveLength(2);
  });

  it("finds the duplicates inside one batch", async () => {
    const app = await createTestApp();
    const [log] = sampleOf("auth0-logs").webhook as [{ log_id: string }];
    const answers = await app.send("auth0-logs", [log, { ...log, log_id: "another" }, log]);
    expect(answers.map(({ status }) => status)).toEqual(["pending", "duplicate", "pending"]);
    await app.pump();
    expect(app.dub.recorded).toHaveLength(1);
  });
});

describe("leases", () => {
  it("a second consumer that meets the same row while the first is at it leaves it alone", async () => {
    let message: (typeof app.waiting)[number] | undefined;
    const app = await createTestApp({
      fetch: async (request) => {
        if (message) {
          app.waiting.push(message);
          message = undefined;
          await app.pump();
        }
        return answerOf(app.dub.app, request);
      },
    });
    await app.send("clerk", signUp("user_1"));
    message = app.waiting[0] && { ...app.waiting[0] };
    await app.pump();
    expect(app.dub.calls.map(({ phase }) => phase)).toEqual(["register", "record"]);
  });

  it("a consumer that dies between Dub's answer and the ledger is followed by another, and nothing counts twice", async () => {
    const app = await createTestApp();
    await app.send("clerk", signUp("user_1"));
    await db.exec("CREATE TRIGGER dies BEFORE INSERT ON attempts BEGIN SELECT RAISE(ABORT, 'died'); END");
    await app.pump();
    await db.exec("DROP TRIGGER dies");
    expect(await app.row()).toMatchObject({ status: "pending", reason: "new", claims: 1 });
    await app.pass(10 * MINUTE);
    expect(app.dub.recorded).toHaveLength(1);
    expect(await app.row()).toMatchObject({
      status: "delivered",
      reason: "recorded",
    });
  });
});

describe("acknowledged means kept", () => {
  it("with the ledger down the queue is enough, for skipped events too", async () => {
    const app = await createTestApp();
    app.down.ledger = true;
    expect(await app.send("clerk", signUp("user_1"))).toMatchObject([{ status: "pending" }]);
    expect(await app.send("clerk", signUp("user_2", null))).toMatchObject([{ status: "skipped" }]);
    await app.pump();
    app.clock.now += 2 * HOUR;
    app.down.ledger = false;
    await app.pump();
    expect((await app.rows()).map(({ status }) => status)).toEqual(["delivered", "skipped"]);
    expect(app.dub.recorded).toHaveLength(1);
  });

  it("with the queue down the ledger is enough", async () => {
    const app = await createTestApp();
    app.down.queue = true;
    await app.send("clerk", signUp("user_1"));
    await app.pass(3 * MINUTE);
    app.down.queue = false;
    await app.pass(3 * MINUTE);
    expect(app.dub.recorded).toHaveLength(1);
  });

  it("with both down it is 503, and the provider's redelivery succeeds", async () => {
    const app = await createTestApp();
    app.down.ledger = app.down.queue = true;
    const also = { id: "msg_again" };
    expect((await app.fetch(await app.request("clerk", signUp("user_1"), also))).status).toBe(503);
    app.down.ledger = app.down.queue = false;
    await app.send("clerk", signUp("user_1"), also);
    await app.pump();
    expect(app.dub.recorded).toHaveLength(1);
  });

  it("an event too large for a queue message goes by the ledger and the sweep", async () => {
    const app = await createTestApp();
    const webhook = { ...signUp("user_1"), pad: 'quotes " and \\ '.repeat(60_000) };
    await app.send("clerk", webhook);
    expect(app.waiting).toEqual([]);
    await app.pass(MINUTE);
    expect(app.dub.recorded).toHaveLength(1);
    expect(JSON.parse((await app.row()).payload ?? "")).toEqual(webhook);
  });

  it("a queue that loses its messages costs minutes and no lead", async () => {
    const app = await createTestApp();
    for (let i = 0; i < 30; i++) await app.send("clerk", signUp(`user_${i}`));
    app.waiting.length = 0;
    await app.pass(3 * MINUTE);
    expect(app.dub.recorded).toHaveLength(30);
  });
});

describe("retention", () => {
  it("blanks what is finished and old, not what is pending, and still knows redeliveries and leads", async () => {
    const app = await createTestApp({ settings: { RETENTION_DAYS: "7" } });
    const also = { id: "msg_1" };
    await app.send("clerk", signUp("user_1"), also);
    await app.pump();
    app.env.DUB_API_KEY = "";
    await app.send("clerk", signUp("user_2"));
    await app.pump();
    await app.pass(7 * DAY, DAY);
    expect((await app.rows()).map(({ payload }) => payload === null)).toEqual([false, false]);
    await app.pass(MINUTE);
    const [done, waiting] = await app.rows();
    expect(done).toMatchObject({ status: "delivered", payload: null, lead: null, event_id: null });
    expect(waiting).toMatchObject({
      status: "pending",
      payload: expect.any(String),
      lead: expect.any(String),
    });
    expect(await app.send("clerk", signUp("user_1"), also)).toMatchObject([{ status: "delivered" }]);
    expect(await app.send("clerk", signUp("user_1"))).toMatchObject([{ status: "duplicate" }]);
    app.env.DUB_API_KEY = LOCAL_KEY;
    await app.pass(2 * HOUR);
    expect(app.dub.recorded).toHaveLength(2);
  });
});
