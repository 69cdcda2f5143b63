/** Acknowledged means kept: in the ledger, in the queue, or in both. */
import { describe, expect, it } from "vitest";
import { createTestApp, HOUR, MINUTE, signUp } from "../support/app.ts";

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

  it("a queue that loses its messages delays leads by minutes and loses none", async () => {
    const app = await createTestApp();
    for (let i = 0; i < 30; i++) await app.send("clerk", signUp(`user_${i}`));
    app.waiting.length = 0;
    await app.pass(3 * MINUTE);
    expect(app.dub.recorded).toHaveLength(30);
  });
});
