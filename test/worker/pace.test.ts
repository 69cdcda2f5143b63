/** The pace of calls: never refused by Dub's sliding window, and close to all that it allows. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createPace } from "../../src/deliver/pace.ts";
import { createRateLimit } from "../../src/dev/rate-limit.ts";
import { answerOf, db, MINUTE, openHouse, SECOND, START, sampleOf, signUp } from "./house.ts";

/** Sign-ups in one Auth0 batch. */
async function backlog(house: Awaited<ReturnType<typeof openHouse>>, size: number) {
  const [log] = sampleOf("auth0-logs").webhook as [{ log_id: string; data: object }];
  const logs = Array.from({ length: size }, (_, i) => ({
    ...log,
    log_id: `log_${i}`,
    data: { ...log.data, user_id: `auth0|${i}` },
  }));
  await house.send("auth0-logs", logs);
}

/** Times of the calls, how many were refused, and calls a minute from the first to the last. */
function account({ dub }: Awaited<ReturnType<typeof openHouse>>) {
  const times = dub.calls.map(({ at }) => at);
  const took = Math.max(...times) - Math.min(...times);
  return { refused: dub.asked.length - times.length, perMinute: ((times.length - 1) / took) * MINUTE };
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
    const house = await openHouse();
    await backlog(house, 900);
    await house.pump();
    expect(house.dub.recorded).toHaveLength(900);
    const { refused, perMinute } = account(house);
    expect(refused).toBe(0);
    expect(perMinute).toBeGreaterThan(0.95 * 1200);
    expect(perMinute).toBeLessThan(1200);
  });

  it.each([120, 3000])("follows the limit of %s that Dub names with any error", async (limit) => {
    const house = await openHouse({ dub: { limit } });
    await house.send("clerk", signUp("user_1", "unknownClick0001"));
    await house.pump();
    await backlog(house, 150);
    await house.pump();
    expect(house.dub.recorded).toHaveLength(150);
    const { refused, perMinute } = account(house);
    expect(refused).toBe(0);
    expect(perMinute).toBeGreaterThan(0.95 * limit);
  });

  it("does not believe a limit below that of any plan", async () => {
    const house = await openHouse({
      fetch: async (request) => {
        const response = await answerOf(house.dub.app, request);
        if (response.status === 404) response.headers.set("x-ratelimit-limit", "1");
        return response;
      },
    });
    await house.send("clerk", signUp("user_1", "unknownClick0001"));
    await house.pump();
    await backlog(house, 100);
    await house.pump();
    expect(account(house).perMinute).toBeGreaterThan(0.95 * 1200);
  });

  it("a sweep puts as much on its way as fits into the minute", async () => {
    const house = await openHouse();
    await backlog(house, 1000);
    house.waiting.length = 0;
    house.clock.now += 3 * MINUTE;
    await house.worker.scheduled({}, house.env);
    expect(house.waiting).toHaveLength(600);
    await db.exec("INSERT INTO pauses (name, until, per_minute) VALUES ('rate_limit', 0, 120)");
    await house.worker.scheduled({}, house.env);
    expect(house.waiting).toHaveLength(660);
  });
});

describe("a rate limit that is met all the same", () => {
  it("stops the batch and those behind it, and nothing is asked until Dub's window has ended", async () => {
    const house = await openHouse({ dub: { limit: 60 } });
    house.clock.now += 20 * SECOND;
    for (let i = 0; i < 50; i++) await house.send("clerk", signUp(`user_${i}`));
    await house.pump();
    const { asked } = house.dub;
    const met = asked.length;
    expect(met).toBeLessThanOrEqual(65);
    const stopped = house.clock.now;
    const end = START + MINUTE;
    await house.pass(end - stopped, SECOND);
    await house.send("clerk", signUp("user_late"));
    await house.pump();
    expect(asked).toHaveLength(met);

    await house.pass(5 * SECOND, SECOND);
    await house.pass(20 * MINUTE, 10 * SECOND);
    expect(asked[met]).toBeGreaterThan(end);
    expect(asked[met]).toBeLessThan(end + 5 * SECOND);
    expect(house.dub.recorded).toHaveLength(51);
    expect(account(house).refused).toBe(met - 60);
    for (const row of await house.rows()) expect(row).toMatchObject({ status: "delivered", retries: 0 });
  });

  it("a wake-up that is lost costs a minute and no lead", async () => {
    const house = await openHouse({ dub: { limit: 60 } });
    for (let i = 0; i < 40; i++) await house.send("clerk", signUp(`user_${i}`));
    await house.pump();
    house.waiting.length = 0;
    await house.pass(10 * MINUTE);
    expect(house.dub.recorded).toHaveLength(40);
  });
});

describe("while Dub does not answer", () => {
  it("it is left alone after five calls, then tried with one batch, and the backlog uses up no retries", async () => {
    const until = START + 30 * MINUTE;
    const house = await openHouse({
      dub: { fault: () => (house.clock.now < until ? "hang_before" : undefined) },
    });
    await backlog(house, 300);
    await house.pump();
    expect(house.dub.asked.length).toBeLessThan(10);
    expect((await house.rows()).filter(({ retries }) => retries > 0).length).toBeLessThan(10);

    let queued = 0;
    const { waiting } = house;
    while (house.clock.now < until) {
      house.clock.now += MINUTE;
      await house.worker.scheduled({}, house.env);
      queued += waiting.length;
      await house.pump();
    }
    expect(queued).toBeLessThan(30 * 22);
    expect(house.dub.asked.length).toBeLessThan(30 * 15);
    await house.pass(10 * MINUTE);
    expect(house.dub.recorded).toHaveLength(300);
  });

  it("one lead that gets no answer stops no other", async () => {
    const house = await openHouse({
      fetch: async (request) => {
        if ((await request.clone().text()).includes("user_1"))
          throw new TypeError("Network connection lost.");
        return answerOf(house.dub.app, request);
      },
    });
    for (const user of ["user_1", "user_2", "user_3"]) await house.send("clerk", signUp(user));
    await house.pump();
    expect((await house.rows()).map(({ status }) => status)).toEqual(["pending", "delivered", "delivered"]);
  });
});
