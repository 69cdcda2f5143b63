/** The pace of calls: never refused by Dub's sliding window, and close to all that it allows. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createPace } from "../../src/deliver/pace.ts";
import { createRateLimit } from "../../src/dev/stand-in/rate-limit.ts";
import { answerOf, createTestApp, db, MINUTE, SECOND, START, sampleOf, signUp } from "../support/app.ts";

/** Sign-ups in one Auth0 batch. */
async function backlog(app: Awaited<ReturnType<typeof createTestApp>>, size: number) {
  const [log] = sampleOf("auth0-logs").webhook as [{ log_id: string; data: object }];
  const logs = Array.from({ length: size }, (_, i) => ({
    ...log,
    log_id: `log_${i}`,
    data: { ...log.data, user_id: `auth0|${i}` },
  }));
  await app.send("auth0-logs", logs);
}

/** Times of the calls, how many were refused, and calls a minute from the first to the last. */
function account({ dub }: Awaited<ReturnType<typeof createTestApp>>) {
  const times = dub.calls.map(({ at }) => at);
  const took = Math.max(...times) - Math.min(...times);
  return {
    refused: dub.asked.length - times.length - dub.lists.length,
    perMinute: ((times.length - 1) / took) * MINUTE,
  };
}

it("keeps within the window whatever the limit, the moment and the rests between", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(60, 120, 1200, 3000),
      fc.nat({ max: MINUTE }),
      fc.array(fc.tuple(fc.integer({ min: 1, max: 2000 }), fc.nat({ max: 3 * MINUTE })), { maxLength: 6 }),
      async (limit, offset, bursts) => {
        const clock = { now: START + offset };
        const pace = createPace({
          now: () => clock.now,
          sleep: async (time) => {
            clock.now += time;
          },
        });
        const rate = createRateLimit(limit, () => clock.now);
        for (const [calls, rest] of bursts) {
          for (let i = 0; i < calls; i++) {
            await pace(limit);
            if (!rate.take("key")) return false;
          }
          clock.now += rest;
        }
        return true;
      },
    ),
    { numRuns: 50 },
  );
});

describe("a backlog", () => {
  it("drains at 95 % of what Dub allows or more, and is never refused", async () => {
    const app = await createTestApp();
    await backlog(app, 900);
    await app.pump();
    expect(app.dub.recorded).toHaveLength(900);
    const { refused, perMinute } = account(app);
    expect(refused).toBe(0);
    expect(perMinute).toBeGreaterThan(0.95 * 1200);
    expect(perMinute).toBeLessThan(1200);
  });

  it.each([120, 3000])("follows the limit of %s that Dub names with any error", async (limit) => {
    const app = await createTestApp({ dub: { limit } });
    await app.send("clerk", signUp("user_1", "unknownClick0001"));
    await app.pump();
    await backlog(app, 150);
    await app.pump();
    expect(app.dub.recorded).toHaveLength(150);
    const { refused, perMinute } = account(app);
    expect(refused).toBe(0);
    expect(perMinute).toBeGreaterThan(0.95 * limit);
  });

  it("does not believe a limit below that of any plan", async () => {
    const app = await createTestApp({
      fetch: async (request) => {
        const response = await answerOf(app.dub.app, request);
        if (response.status === 404) response.headers.set("x-ratelimit-limit", "1");
        return response;
      },
    });
    await app.send("clerk", signUp("user_1", "unknownClick0001"));
    await app.pump();
    await backlog(app, 100);
    await app.pump();
    expect(account(app).perMinute).toBeGreaterThan(0.95 * 1200);
  });

  it("a sweep enqueues as much as fits into the minute", async () => {
    const app = await createTestApp();
    await backlog(app, 1000);
    app.waiting.length = 0;
    app.clock.now += 3 * MINUTE;
    await app.worker.scheduled({}, app.env);
    expect(app.waiting).toHaveLength(600);
    await db.exec(`INSERT INTO marks (name, at, value) VALUES ('rate_limit', ${app.clock.now}, 120)`);
    await app.worker.scheduled({}, app.env);
    expect(app.waiting).toHaveLength(660);
  });
});

describe("a 429 in spite of the pace", () => {
  it("stops the batch and those behind it, and nothing is asked until Dub's window has ended", async () => {
    const app = await createTestApp({ dub: { limit: 60 } });
    app.clock.now += 20 * SECOND;
    for (let i = 0; i < 50; i++) await app.send("clerk", signUp(`user_${i}`));
    await app.pump();
    const { asked } = app.dub;
    const met = asked.length;
    expect(met).toBeLessThanOrEqual(65);
    const stopped = app.clock.now;
    const end = START + MINUTE;
    await app.pass(end - stopped, SECOND);
    await app.send("clerk", signUp("user_late"));
    await app.pump();
    expect(asked).toHaveLength(met);

    await app.pass(5 * SECOND, SECOND);
    await app.pass(20 * MINUTE, 10 * SECOND);
    expect(asked[met]).toBeGreaterThan(end);
    expect(asked[met]).toBeLessThan(end + 5 * SECOND);
    expect(app.dub.recorded).toHaveLength(51);
    expect(account(app).refused).toBe(met - 60);
    for (const row of await app.rows()) expect(row).toMatchObject({ status: "delivered", retries: 0 });
  });

  it("a lost message for the sweep delays leads by a minute and loses none", async () => {
    const app = await createTestApp({ dub: { limit: 60 } });
    for (let i = 0; i < 40; i++) await app.send("clerk", signUp(`user_${i}`));
    await app.pump();
    app.waiting.length = 0;
    await app.pass(10 * MINUTE);
    expect(app.dub.recorded).toHaveLength(40);
  });
});

describe("while Dub does not answer", () => {
  it("it is left alone after five calls, then tried with one batch, and the backlog uses up no retries", async () => {
    const until = START + 30 * MINUTE;
    const app = await createTestApp({
      dub: { fault: () => (app.clock.now < until ? "hang_before" : undefined) },
    });
    await backlog(app, 300);
    await app.pump();
    expect(app.dub.asked.length).toBeLessThan(10);
    expect((await app.rows()).filter(({ retries }) => retries > 0).length).toBeLessThan(10);

    let queued = 0;
    const { waiting } = app;
    while (app.clock.now < until) {
      app.clock.now += MINUTE;
      await app.worker.scheduled({}, app.env);
      queued += waiting.length;
      await app.pump();
    }
    expect(queued).toBeLessThan(30 * 22);
    expect(app.dub.asked.length).toBeLessThan(30 * 15);
    await app.pass(10 * MINUTE);
    expect(app.dub.recorded).toHaveLength(300);
  });

  it("one lead that gets no answer stops no other", async () => {
    const app = await createTestApp({
      fetch: async (request) => {
        if ((await request.clone().text()).includes("user_1"))
          throw new TypeError("Network connection lost.");
        return answerOf(app.dub.app, request);
      },
    });
    for (const user of ["user_1", "user_2", "user_3"]) await app.send("clerk", signUp(user));
    await app.pump();
    expect((await app.rows()).map(({ status }) => status)).toEqual(["pending", "delivered", "delivered"]);
  });
});
