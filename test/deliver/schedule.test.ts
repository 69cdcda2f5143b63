/** When a lead is tried again, and when it is given up. */
import { describe, expect, it } from "vitest";
import type { Fault } from "../../src/dev/stand-in/faults.ts";
import { createTestApp, DAY, HOUR, MINUTE, SECOND, START, sampleOf, signUp } from "../support/app.ts";

const CLICK = "Xk3pQ9vLm2RtYw7B";

/** A fault plan: each call takes the next of the list that is for its phase. */
function plan(faults: { register?: (Fault | undefined)[]; record?: (Fault | undefined)[] }) {
  return { fault: ({ phase }: { phase: "register" | "record" }) => faults[phase]?.shift() };
}

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
