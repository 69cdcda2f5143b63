/** A lead without a click id waits for the customer's other leads. */
import { describe, expect, it } from "vitest";
import type { Call, Fault } from "../../src/dev/stand-in/faults.ts";
import {
  answerOf,
  createTestApp,
  DAY,
  db,
  HOUR,
  MINUTE,
  sampleOf,
  type TestAppOptions,
} from "../support/app.ts";

const CUSTOMER = "user_77";

/** A Stripe event of one customer; `event` makes it another delivery. */
function stripe(sample: string, event: string, metadata: object) {
  const webhook = sampleOf("stripe", sample).webhook as {
    id: string;
    data: { object: { metadata: object } };
  };
  webhook.id = event;
  webhook.data.object.metadata = { dubCustomerExternalId: CUSTOMER, ...metadata };
  return webhook;
}
const signUp = () => stripe("sign-up", "evt_sign_up", { dubClickId: "Xk3pQ9vLm2RtYw7B" });
const trial = (event = "evt_trial") => stripe("trial", event, {});

const namesOf = (app: Awaited<ReturnType<typeof createTestApp>>) =>
  app.dub.recorded.map(({ eventName }) => eventName).sort();
const statesOf = async (app: Awaited<ReturnType<typeof createTestApp>>) =>
  (await app.rows()).map(({ reason }) => reason);

/** Faults of the sign-up's registering calls; the trial's calls are answered as Dub does. */
const signUpMeets = (...faults: Fault[]): TestAppOptions => ({
  dub: {
    fault: ({ eventName, phase }: Call) =>
      eventName === "Sign Up" && phase === "register" ? faults.shift() : undefined,
  },
});

describe("while the customer's sign-up is pending here, the trial waits, and both are recorded", () => {
  it.each<[string, TestAppOptions]>([
    ["an answer of 500 for a quarter of an hour", signUpMeets(...Array(5).fill("error_before_key"))],
    ["a click store that is down for an hour", signUpMeets(...Array(6).fill("click_store_down"))],
    [
      "connections that are reset",
      signUpMeets("reset_before", "reset_before", "reset_before", "reset_before"),
    ],
  ])("%s", async (_, options) => {
    const app = await createTestApp(options);
    await app.send("stripe", trial());
    await app.send("stripe", signUp());
    await app.pump();
    await app.pass(30 * MINUTE);
    expect(await statesOf(app)).toContain("customer_not_known_yet");
    await app.pass(DAY, 5 * MINUTE);
    expect(await statesOf(app)).toEqual(["recorded", "recorded"]);
    expect(namesOf(app)).toEqual(["Sign Up", "Started Trial"]);
  });

  it("one HTML answer from something in between", async () => {
    let answers = 0;
    const app = await createTestApp({
      fetch: async (request) => {
        const lead = await request.clone().json<{ eventName: string }>();
        return lead.eventName === "Sign Up" && answers++ === 0
          ? new Response("<html>Not found</html>", { status: 404 })
          : answerOf(app.dub.app, request);
      },
    });
    await app.send("stripe", signUp());
    await app.send("stripe", trial());
    await app.pass(HOUR);
    expect(namesOf(app)).toEqual(["Sign Up", "Started Trial"]);
  });

  it("the trial goes on as soon as the sign-up is delivered", async () => {
    const app = await createTestApp(signUpMeets("error_before_key", "error_before_key", "error_before_key"));
    await app.send("stripe", trial());
    await app.send("stripe", signUp());
    await app.pump();
    await app.pass(14 * MINUTE);
    expect(namesOf(app)).toEqual(["Sign Up", "Started Trial"]);
  });
});

describe("a trial that has ended as unknown_customer", () => {
  it.each([0, 3, 20])("comes back when the sign-up is delivered %s days later", async (days) => {
    const app = await createTestApp();
    await app.send("stripe", trial());
    await app.pass(HOUR);
    expect(await statesOf(app)).toEqual(["unknown_customer"]);
    await app.pass(days * DAY, DAY);
    await app.send("stripe", signUp());
    await app.pass(2 * MINUTE);
    expect(await statesOf(app)).toEqual(["recorded", "recorded"]);
    expect(namesOf(app)).toEqual(["Sign Up", "Started Trial"]);
  });

  it("comes back once, however many events the provider sent of it", async () => {
    const app = await createTestApp();
    for (const event of ["evt_1", "evt_2", "evt_3"]) {
      await app.send("stripe", trial(event));
      await app.pass(HOUR);
    }
    await app.send("stripe", signUp());
    await app.pass(HOUR);
    expect(namesOf(app)).toEqual(["Sign Up", "Started Trial"]);
  });

  it("comes back also when a consumer died with it: of an unknown customer, Dub has no lead", async () => {
    const app = await createTestApp();
    await app.send("stripe", trial());
    await db.exec("CREATE TRIGGER dies BEFORE INSERT ON attempts BEGIN SELECT RAISE(ABORT, 'died'); END");
    await app.pump();
    await db.exec("DROP TRIGGER dies");
    await app.pass(HOUR);
    expect(await app.row()).toMatchObject({ reason: "unknown_customer", doubt: null });
    await app.send("stripe", signUp());
    await app.pass(HOUR);
    expect(namesOf(app)).toEqual(["Sign Up", "Started Trial"]);
  });

  it("comes back also when another consumer delivers the sign-up while its last call is on the way", async () => {
    let arrives = false;
    const app = await createTestApp({
      fetch: async (request) => {
        const { eventName } = await request.clone().json<{ eventName: string }>();
        const response = await answerOf(app.dub.app, request);
        if (arrives && eventName === "Started Trial") {
          arrives = false;
          await app.send("stripe", signUp());
          await app.pump();
        }
        return response;
      },
    });
    await app.send("stripe", trial());
    await app.pass(12 * MINUTE);
    expect(await statesOf(app)).toEqual(["customer_not_known_yet"]);
    arrives = true;
    await app.pass(HOUR, 10 * MINUTE);
    expect(namesOf(app)).toEqual(["Sign Up", "Started Trial"]);
  });

  it("comes back with a schedule of its own", async () => {
    let fails = false;
    const app = await createTestApp({
      settings: { RETRY_SCHEDULE: "30,120,600" },
      dub: {
        fault: ({ eventName }) => (fails && eventName === "Started Trial" ? "error_before_key" : undefined),
      },
    });
    await app.send("stripe", trial());
    await app.pass(HOUR);
    expect(await statesOf(app)).toEqual(["unknown_customer"]);
    fails = true;
    await app.send("stripe", signUp());
    await app.pass(2 * MINUTE);
    fails = false;
    await app.pass(10 * MINUTE);
    expect(namesOf(app)).toEqual(["Sign Up", "Started Trial"]);
  });

  it("comes back also when it ended in doubt", async () => {
    const app = await createTestApp();
    await app.send("stripe", trial());
    await app.pass(HOUR);
    await db.exec("UPDATE events SET doubt = 'unknown', doubt_since = received_at");
    await app.send("stripe", signUp());
    await app.pass(HOUR);
    expect(namesOf(app)).toEqual(["Sign Up", "Started Trial"]);
  });

  it("stays ended for a customer who never came by a link, and for other customers", async () => {
    const app = await createTestApp();
    await app.send("stripe", trial());
    await app.pass(HOUR);
    const other = signUp();
    Object.assign(other.data.object.metadata, { dubCustomerExternalId: "user_78" });
    await app.send("stripe", other);
    await app.pass(DAY, HOUR);
    expect(await statesOf(app)).toEqual(["unknown_customer", "recorded"]);
  });

  it("has its fifteen minutes also after errors of Dub that took longer", async () => {
    let fails = true;
    const app = await createTestApp({ dub: { fault: () => (fails ? "error_before_key" : undefined) } });
    await app.send("stripe", trial());
    await app.pass(50 * MINUTE);
    fails = false;
    await app.pass(55 * MINUTE);
    expect(await statesOf(app)).toEqual(["customer_not_known_yet"]);
    await app.pass(HOUR);
    expect(await statesOf(app)).toEqual(["unknown_customer"]);
  });

  it("does not wait for a sign-up that has ended", async () => {
    const app = await createTestApp();
    await app.send("stripe", signUp());
    await db.exec("UPDATE events SET status = 'rejected', reason = 'link_missing', next_attempt_at = NULL");
    await db.exec("DELETE FROM transitions");
    await app.send("stripe", trial());
    await app.pass(HOUR);
    expect(await statesOf(app)).toEqual(["link_missing", "unknown_customer"]);
  });

  it("does not wait for a lead without a click id either: both end", async () => {
    const app = await createTestApp();
    const second = trial("evt_2");
    await app.send("stripe", trial());
    await app.send("stripe", second);
    await app.pass(2 * HOUR);
    expect((await app.rows()).every(({ status }) => status !== "pending")).toBe(true);
  });
});
