/** What is turned away or ignored is counted: in bounded rows, with few writes, and within seconds. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createCounter } from "../../src/ledger/counter.ts";
import { createTestApp, DAY, db, SECOND, signUp } from "../support/app.ts";

const to = (path: string, method = "POST") => new Request(`https://leads.example${path}`, { method });
const counts = async (table: string) =>
  (await db.prepare(`SELECT sum(count) AS n FROM ${table}`).first("n")) ?? 0;

describe("addresses", () => {
  it("a slash at the end changes nothing", async () => {
    const app = await createTestApp();
    const genuine = await app.request("clerk", signUp("user_1"));
    expect((await app.fetch(new Request(`${genuine.url}/`, genuine))).status).toBe(200);
    expect(await app.row()).toMatchObject({ provider: "clerk", status: "pending" });
  });

  it.each([
    ["GET", "/webhooks/clerk", "clerk"],
    ["GET", "/webhooks/clerk/", "clerk"],
    ["PUT", "/webhooks/stripe", "stripe"],
    ["GET", "/webhooks/nobody", "-"],
  ])("%s %s says that a redirect may be the cause, and is counted", async (method, path, provider) => {
    const app = await createTestApp();
    const response = await app.fetch(to(path, method));
    expect([response.status, response.headers.get("allow"), await response.json()]).toEqual([
      405,
      "POST",
      {
        error: "method_not_allowed",
        message:
          "This address takes webhooks by POST. If your provider shows this, enter the final address: a redirect turns POST into GET.",
      },
    ]);
    expect(await app.refusals()).toEqual([
      { provider, reason: "method_not_allowed", count: 1, evidence: `${method} ${path}` },
    ]);
  });

  it("webhooks to addresses that are none take a row each kind, however many there are", async () => {
    const app = await createTestApp();
    app.env.AUTH0_WEBHOOK_SECRET = "";
    for (let i = 0; i < 50; i++)
      for (const path of [
        `/webhook/clerk-${i}`,
        `/webhooks/clerk-${i}`,
        `/webhooks/clerk/${i}`,
        "/webhooks/auth0",
      ])
        expect((await app.fetch(to(path))).status).toBe(404);
    expect(await app.refusals()).toEqual([
      { provider: "-", reason: "not_found", count: 100, evidence: "POST /webhooks/clerk/49" },
      { provider: "-", reason: "unknown_provider", count: 50, evidence: "POST /webhooks/clerk-49" },
      {
        provider: "auth0",
        reason: "provider_off",
        count: 50,
        evidence: "This provider is off. Set the Worker secret AUTH0_WEBHOOK_SECRET to turn it on.",
      },
    ]);
  });

  it("what is no webhook is not counted", async () => {
    const app = await createTestApp();
    for (const [path, method] of [
      ["/", "GET"],
      ["/favicon.ico", "GET"],
      ["/api/replay", "POST"],
    ] as const)
      await app.fetch(to(path, method));
    expect(await app.refusals()).toEqual([]);
  });
});

describe("writing", () => {
  it("what is counted is written within ten seconds, though nothing more comes", async () => {
    const app = await createTestApp();
    for (let i = 0; i < 5; i++) await app.fetch(to("/webhooks/clerk"));
    expect(await counts("refusals")).toBe(1);
    app.clock.now += 10 * SECOND - 1;
    await app.wake();
    expect(await counts("refusals")).toBe(1);
    app.clock.now += 1;
    await app.wake();
    expect(await counts("refusals")).toBe(5);
  });

  it("what the ledger could not take is counted when it can", async () => {
    const app = await createTestApp();
    app.down.ledger = true;
    for (let i = 0; i < 5; i++) await app.fetch(to("/webhooks/clerk"));
    app.clock.now += 10 * SECOND;
    await app.wake();
    app.down.ledger = false;
    app.clock.now += 10 * SECOND;
    await app.fetch(to("/webhooks/clerk"));
    await app.wake(true);
    expect(await counts("refusals")).toBe(6);
  });

  it("what a planned write that never came would have written, the next one writes", async () => {
    let now = 0;
    const written: unknown[] = [];
    const count = createCounter<{ name: string }>(
      { now: () => now, sleep: () => new Promise(() => {}) },
      { key: ({ name }) => name, write: async (_, counted) => void written.push(...counted) },
    );
    for (now of [0, 1, 2, 11 * SECOND]) void count(db, [{ name: "x" }]);
    expect(written).toEqual([
      { name: "x", count: 1, lastAt: 0 },
      { name: "x", count: 3, lastAt: 11 * SECOND },
    ]);
  });
});

it("at most 200 different things wait to be written, and those beyond are counted as the rest", async () => {
  const written: { name: string; count: number }[] = [];
  const count = createCounter<{ name: string }>(
    { now: () => 0, sleep: async () => {} },
    {
      key: ({ name }) => name,
      rest: () => ({ name: "rest" }),
      write: async (_, counted) => void written.push(...counted),
    },
  );
  await count(
    db,
    Array.from({ length: 1000 }, (_, i) => ({ name: String(i % 500) })),
  );
  expect(written).toHaveLength(201);
  expect(written.find(({ name }) => name === "rest")?.count).toBe(600);
});

describe("events that no rule takes", () => {
  const ignoredOf = (type: string) => ({ type, data: { id: "1" } });

  it("are counted by provider and type with the time of the last", async () => {
    const app = await createTestApp();
    await app.send("clerk", ignoredOf("session.created"));
    await app.send("clerk", ignoredOf("session.created"));
    await app.send("stripe", { ...ignoredOf("user.created"), id: "evt_1" });
    app.clock.now += 20 * SECOND;
    await app.send("clerk", ignoredOf("user.create"));
    expect(await app.ignored()).toEqual([
      { provider: "clerk", type: "session.created", count: 2 },
      { provider: "clerk", type: "user.create", count: 1 },
      { provider: "stripe", type: "user.created", count: 1 },
    ]);
    const last = await db.prepare("SELECT last_at FROM ignored WHERE type = 'user.create'").first("last_at");
    expect(last).toBe(app.clock.now);
  });

  it("take 50 rows for each provider at most, and none is left uncounted", async () => {
    const types = fc.array(fc.stringMatching(/^[a-z]{1,2}$/), { maxLength: 40 });
    const app = await createTestApp();
    await fc.assert(
      fc.asyncProperty(fc.array(types, { maxLength: 6 }), async (webhooks) => {
        const before = Number(await counts("ignored"));
        for (const all of webhooks) {
          const logs = all.map((type) => ({ log_id: "1", data: { type: `t.${type}` } }));
          if (logs.length > 0) await app.send("auth0-logs", logs);
          app.clock.now += 4 * SECOND;
        }
        const rows = await app.ignored();
        expect(rows.length).toBeLessThanOrEqual(50);
        expect(Number(await counts("ignored")) - before).toBe(webhooks.flat().length);
      }),
      { numRuns: 30 },
    );
    const rows = (await app.ignored()) as { type: string; count: number }[];
    expect(rows.find(({ type }) => type === "other")?.count).toBeGreaterThan(0);
  });

  it("a thousand types of one webhook fit into one write", async () => {
    const app = await createTestApp();
    const logs = Array.from({ length: 2000 }, (_, i) => ({
      data: { type: `${i % 2 ? "even" : i}${"x".repeat(200)}\u0007${i}` },
    }));
    await app.send("auth0-logs", logs);
    const rows = (await app.ignored()) as { type: string; count: number }[];
    expect(rows.length).toBeLessThanOrEqual(50);
    expect(rows.reduce((sum, { count }) => sum + count, 0)).toBe(2000);
    for (const { type } of rows) expect(type).toMatch(/^\P{Cc}{1,100}$/u);
  });

  it("are forgotten when the type has not come for 90 days", async () => {
    const app = await createTestApp();
    await app.send("clerk", ignoredOf("old"));
    app.clock.now += 91 * DAY;
    await app.send("clerk", ignoredOf("new"));
    expect(await app.ignored()).toMatchObject([{ type: "new" }]);
  });
});
