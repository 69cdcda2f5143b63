/** What cron does beside the sweep. */
import { describe, expect, it } from "vitest";
import { LOCAL_KEY } from "../src/dev/stand-in/dub.ts";
import { createTestApp, DAY, HOUR, MINUTE, START, signUp } from "./support/app.ts";

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

  it("leaves time to replay what was tried to the end of a schedule longer than itself", async () => {
    const app = await createTestApp({
      settings: { RETENTION_DAYS: "1" },
      dub: { fault: () => "error_before_key" },
    });
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    let ended = 0;
    for (; (await app.row()).status === "pending"; ended = app.clock.now) await app.pass(HOUR);
    await app.pass(23 * HOUR, HOUR);
    expect(await app.row()).toMatchObject({ reason: "retries_exhausted", lead: expect.any(String) });
    await app.pass(2 * HOUR, HOUR);
    expect(await app.row()).toMatchObject({ reason: "retries_exhausted", lead: null });
    expect(ended).toBeGreaterThan(START + 2 * DAY);
  });
});
