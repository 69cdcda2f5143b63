/** Rows and queue messages of earlier versions. */
import { expect, it } from "vitest";
import type { NewEvent } from "../../src/ledger/event.ts";
import { createTestApp, DAY, db, HOUR, MINUTE, START, sampleOf, signUp } from "../support/app.ts";

function stripe(sample: string, metadata: object) {
  const webhook = sampleOf("stripe", sample).webhook as { data: { object: { metadata: object } } };
  webhook.data.object.metadata = { dubCustomerExternalId: "user_77", ...metadata };
  return webhook;
}
const stripeSignUp = () => stripe("sign-up", { dubClickId: "Xk3pQ9vLm2RtYw7B" });
const EARLIER = "UPDATE events SET customer = NULL, person = NULL, tries = 0";

it("a sign-up without a customer hash is waited for by the customer's trial once it was tried", async () => {
  let down = true;
  const app = await createTestApp({
    dub: { fault: ({ eventName }) => (down && eventName === "Sign Up" ? "error_before_key" : undefined) },
  });
  await app.send("stripe", stripeSignUp());
  await db.exec(EARLIER);
  await app.send("stripe", stripe("trial", {}));
  await app.pass(2 * HOUR);
  expect((await app.rows()).map(({ reason }) => reason)).toEqual(["dub_error", "customer_not_known_yet"]);
  down = false;
  await app.pass(3 * HOUR);
  expect((await app.rows()).map(({ reason }) => reason)).toEqual(["recorded", "recorded"]);
});

it("a pause without a reason is kept, and then leads are delivered", async () => {
  const app = await createTestApp();
  await db.exec(`INSERT INTO pauses (name, until) VALUES ('outage', ${START + MINUTE})`);
  await app.send("clerk", signUp("user_1"));
  await app.pump();
  expect(await app.row()).toMatchObject({ status: "pending", reason: "dub_error" });
  await app.pass(2 * MINUTE);
  expect(app.dub.recorded).toHaveLength(1);
});

it("a message with the hashes that are not kept any more is kept and delivered", async () => {
  const app = await createTestApp();
  app.down.ledger = true;
  await app.send("clerk", signUp("user_1"));
  app.down.ledger = false;
  const [message] = app.waiting;
  const { event } = JSON.parse(message?.body ?? "") as { event: NewEvent };
  const earlier = { ...event, customer: "a hash", person: "a hash" };
  Object.assign(message ?? {}, { body: JSON.stringify({ event: earlier }) });
  await app.pump();
  expect(await app.row()).toMatchObject({ reason: "recorded" });
});

it.each([
  ["recorded_unconfirmed", "delivered"],
  ["possibly_lost", "failed"],
])("%s without its doubt is looked for when it is replayed", async (reason, status) => {
  const { open, replayAll } = await import("../support/admin.ts");
  // Otherwise the comparison with Dub's list would find it.
  const app = await open({ settings: { RETENTION_DAYS: "90" }, dub: { analytics: false } });
  await app.send("clerk", signUp("user_1"));
  await app.pump();
  await db.exec(
    `UPDATE events SET reason = '${reason}', status = '${status}', doubt = NULL, doubt_since = NULL`,
  );
  await db.exec("DELETE FROM transitions");
  await app.pass(20 * DAY, DAY);
  app.dub.allowAnalytics();
  expect(await replayAll(app, { reason })).toEqual({ "pending replayed": 1 });
  await app.pass(HOUR);
  expect(await app.row()).toMatchObject({ reason: "recorded" });
  expect(app.dub.recorded).toHaveLength(1);
});
