/** Settings that only the operator can fix: every event is kept until then. */
import { describe, expect, it, vi } from "vitest";
import { LOCAL_KEY } from "../../src/dev/stand-in/dub.ts";
import { answerOf, createTestApp, HOUR, MINUTE, signUp } from "../support/app.ts";

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
    await app.pass(3 * MINUTE);
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

describe("messages while a setting is wrong", () => {
  it("each is handled once, whatever the wait", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const app = await createTestApp({ settings: { RETRY_SCHEDULE: "soon" } });
    for (let i = 0; i < 10; i++) await app.send("clerk", signUp(`user_${i}`));
    let handled = 0;
    const { queue } = app.worker;
    app.worker.queue = (batch, env) => {
      handled += batch.messages.length;
      return queue(batch, env);
    };
    await app.pass(6 * HOUR, 5 * MINUTE);
    expect(handled).toBe(10);
    vi.restoreAllMocks();
  });

  it("what they carry is kept also if the ledger was down when it came", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const app = await createTestApp({ settings: { RETRY_SCHEDULE: "soon" } });
    app.down.ledger = true;
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    expect(app.waiting).toHaveLength(1);
    app.down.ledger = false;
    await app.pass(5 * MINUTE);
    expect(await app.row()).toMatchObject({ status: "pending", reason: "new" });
    expect(app.waiting).toEqual([]);
    app.env.RETRY_SCHEDULE = "";
    await app.pass(MINUTE);
    expect(app.dub.recorded).toHaveLength(1);
    vi.restoreAllMocks();
  });
});

it("a message that is none of ours stops no other", async () => {
  const app = await createTestApp();
  for (const body of ["a test of the dashboard", null, 7])
    await app.env.EVENTS.sendBatch([{ body: body as never }]);
  await app.send("clerk", signUp("user_1"));
  await app.pump();
  expect(app.dub.recorded).toHaveLength(1);
  expect(app.waiting).toEqual([]);
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
