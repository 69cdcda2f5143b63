/** One lead for each customer and event name; one consumer for each row. */
import { describe, expect, it } from "vitest";
import { LOCAL_KEY } from "../../src/dev/stand-in/dub.ts";
import { promoteDuplicates } from "../../src/ledger/settle.ts";
import { answerOf, createTestApp, DAY, db, HOUR, MINUTE, START, sampleOf, signUp } from "../support/app.ts";

const CLICK = "Xk3pQ9vLm2RtYw7B";

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

  it("delivers the next duplicate when the first one ends without a lead", async () => {
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

it("of many duplicates the next one is found without reading each for each", async () => {
  const app = await createTestApp();
  await app.send("clerk", signUp("user_1"));
  const key = await db.prepare("SELECT lead_key FROM events").first<string>("lead_key");
  await db
    .prepare(
      `INSERT INTO events (id, provider, status, reason, lead, lead_key, received_at)
       SELECT 'e' || value, 'clerk', 'duplicate', 'duplicate_here', '{}', ?1, 0 FROM json_each(?2)`,
    )
    .bind(key, JSON.stringify(Array.from({ length: 300 }, (_, i) => i)))
    .run();
  await db.exec("UPDATE events SET status = 'rejected', reason = 'unknown_click' WHERE reason = 'new'");
  const [done] = await app.env.DB.batch(promoteDuplicates(app.env.DB, [key], START));
  expect(done?.meta.rows_read).toBeLessThan(2000);
  expect((await app.rows()).map(({ status }) => status).indexOf("pending")).toBe(1);
  await db.exec("DELETE FROM transitions");
});

describe("leases", () => {
  it("a second consumer that meets a row leased to the first does not touch it", async () => {
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

  it("a consumer whose lease has run out changes nothing that another has written since", async () => {
    let slow = true;
    const app = await createTestApp({
      fetch: async (request) => {
        if (slow) {
          slow = false;
          app.clock.now += 3 * MINUTE;
          await app.sweep();
        }
        return answerOf(app.dub.app, request);
      },
    });
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    expect(await app.row()).toMatchObject({ status: "delivered", reason: "recorded" });
    // Registered by both, recorded by the second alone.
    expect(app.dub.calls.map(({ phase }) => phase).sort()).toEqual(["record", "register", "register"]);
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
