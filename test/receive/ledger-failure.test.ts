/** The ledger fails, stalls, or has no tables: what was acknowledged is kept, and everybody is told. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createTestApp, DAY, db, HOUR, MINUTE, SECOND, signUp } from "../support/app.ts";

let lines: { code: string; message?: string }[];
beforeEach(() => {
  lines = [];
  for (const level of ["info", "warn", "error"] as const)
    vi.spyOn(console, level).mockImplementation((line) => void lines.push(JSON.parse(line)));
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

it.each([1, 4, 30])("down for %s days: every acknowledged event is delivered afterwards", async (days) => {
  const app = await createTestApp();
  app.down.ledger = true;
  for (let i = 0; i < 5; i++) await app.send("clerk", signUp(`user_${i}`));
  for (let hour = 0; hour < days * 24; hour++) {
    await app.pump();
    app.clock.now += HOUR;
  }
  app.down.ledger = false;
  app.clock.now += 2 * HOUR;
  await app.pump();
  expect(app.dub.recorded).toHaveLength(5);
});

it("down for an hour: webhooks are answered 503, so that the provider keeps them; when it is back, 200", async () => {
  const app = await createTestApp();
  const status = async (user: string) => (await app.fetch(await app.request("clerk", signUp(user)))).status;
  app.down.ledger = true;
  expect(await status("user_1")).toBe(200);
  app.clock.now += 59 * MINUTE;
  expect(await status("user_2")).toBe(200);
  app.clock.now += MINUTE;
  const queued = app.waiting.length;
  expect(await status("user_3")).toBe(503);
  expect(app.waiting).toHaveLength(queued);
  app.down.ledger = false;
  expect(await status("user_3")).toBe(200);
  app.down.ledger = true;
  expect(await status("user_4")).toBe(200);
});

it("an alert comes from the isolate's own memory, once an hour", async () => {
  const messages: string[] = [];
  const app = await createTestApp({
    settings: { ALERT_WEBHOOK_URL: "https://hooks.example/x" },
    fetch: async (request) => {
      messages.push(await request.text());
      return new Response("ok");
    },
  });
  app.down.ledger = true;
  for (let i = 0; i < 5; i++) await app.send("clerk", signUp(`user_${i}`));
  await app.pump();
  await app.worker.scheduled({}, app.env);
  expect(messages).toEqual([expect.stringContaining("as ledger_down.")]);
  app.clock.now += HOUR;
  await app.worker.scheduled({}, app.env);
  expect(messages).toHaveLength(2);
});

it("a ledger that stalls holds no answer for more than three seconds: the queue has the event", async () => {
  const app = await createTestApp();
  app.down.stalled = true;
  const request = await app.request("clerk", signUp("user_1"));
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  let response: Response | undefined;
  const context = { waitUntil: () => {}, passThroughOnException: () => {} };
  const answer = async () => {
    response = await app.worker.fetch(request, app.env, context as unknown as ExecutionContext);
  };
  const answered = answer();
  await vi.waitFor(() => expect(app.waiting).toHaveLength(1));
  await vi.advanceTimersByTimeAsync(2900);
  expect(response).toBeUndefined();
  await vi.advanceTimersByTimeAsync(200);
  await answered;
  expect(response?.status).toBe(200);
  app.down.stalled = false;
  app.clock.now += 2 * SECOND;
  await app.pump();
  expect(app.dub.recorded).toHaveLength(1);
});

describe("deployed without its tables", () => {
  const without = async (use: (app: Awaited<ReturnType<typeof createTestApp>>) => Promise<void>) => {
    const app = await createTestApp({ settings: { ADMIN_TOKEN: "a-token-of-the-admin-of-this-app" } });
    await db.exec("ALTER TABLE events RENAME TO events_elsewhere");
    try {
      await use(app);
    } finally {
      await db.exec("ALTER TABLE events_elsewhere RENAME TO events");
    }
  };
  const SAID = "the ledger lacks tables or columns";

  it("the answer, the first page, the admin API and the log say so; the event is kept by the queue", async () => {
    let queued: unknown;
    await without(async (app) => {
      const answer = await app.fetch(await app.request("clerk", signUp("user_1")));
      expect([answer.status, await answer.json()]).toEqual([
        200,
        { events: [expect.objectContaining({ status: "pending" })], warning: expect.stringContaining(SAID) },
      ]);
      const page = await app.fetch(new Request("https://leads.example/"));
      expect([page.status, await page.text()]).toEqual([503, expect.stringContaining("npm run deploy")]);
      const api = await app.fetch(
        new Request("https://leads.example/api/replay", {
          method: "POST",
          headers: { authorization: "Bearer a-token-of-the-admin-of-this-app" },
          body: '{"status":"failed"}',
        }),
      );
      expect([api.status, await api.json()]).toEqual([
        503,
        { error: "ledger_not_migrated", message: expect.stringContaining(SAID) },
      ]);
      await app.worker.scheduled({}, app.env);
      expect(lines.filter(({ code }) => code === "ledger_not_migrated").length).toBeGreaterThan(0);
      await app.pump();
      queued = app.waiting.map(({ body }) => body);
    });
    expect(queued).toHaveLength(1);
    expect((await (await createTestApp()).fetch(new Request("https://leads.example/"))).status).toBe(200);
  });
});

it("no dead letter is lost, however often it is sent again", async () => {
  const app = await createTestApp();
  app.down.ledger = true;
  await app.send("clerk", signUp("user_1"));
  const sent = vi.spyOn(app.env.EVENTS, "sendBatch");
  for (let hour = 0; hour < 10 * 24; hour++) {
    await app.pump();
    app.clock.now += HOUR;
  }
  expect(sent.mock.calls.length).toBeGreaterThan(10);
  expect(app.waiting).toHaveLength(1);
  app.down.ledger = false;
  await app.pass(DAY, HOUR);
  expect(app.dub.recorded).toHaveLength(1);
});

it("a dead letter stays one until the queue takes it back", async () => {
  const app = await createTestApp();
  app.down.ledger = true;
  await app.send("clerk", signUp("user_1"));
  for (const message of app.waiting) message.dead = true;
  app.down.queue = true;
  await app.pump();
  expect(app.waiting).toMatchObject([{ dead: true }]);
  app.down.queue = false;
  app.down.ledger = false;
  app.clock.now += 2 * HOUR;
  await app.pump();
  expect(app.dub.recorded).toHaveLength(1);
});
