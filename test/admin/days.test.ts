/** Days compared with Dub's list: what the API, the overview, a day's page, an event's page and the doctor say. */
import { expect, it } from "vitest";
import { CLICK, idOf, open, type TestApp, TOKEN } from "../support/admin.ts";
import { DAY, db, HOUR, MINUTE, START, signUp } from "../support/app.ts";

const authorization = `Bearer ${TOKEN}`;
const get = async (app: TestApp, path: string) => {
  const response = await app.fetch(
    new Request(`https://leads.example${path}`, { headers: { authorization } }),
  );
  return { status: response.status, text: await response.text() };
};
const says = (html: string) =>
  html
    .replace(/<[^>]+>/g, " ")
    .replace(/&#39;/g, "'")
    .replace(/\s+/g, " ");
const json = async (app: TestApp, path: string) => JSON.parse((await get(app, path)).text);

/** Two leads of a day, compared on the next morning. `change`: what happens at Dub meanwhile. */
async function compared(change: (app: TestApp) => unknown = () => {}) {
  const app = await open();
  await db
    .prepare("INSERT INTO days (day, pages, delivered, done_at) VALUES (?1, 0, 0, 1)")
    .bind(START - (START % DAY) - DAY)
    .run();
  const answers = [];
  for (const user of ["user_1", "user_2"]) answers.push(...(await app.send("clerk", signUp(user))));
  await app.pump();
  await change(app);
  app.clock.now = START - (START % DAY) + DAY + 6 * HOUR;
  await app.pass(8 * MINUTE);
  return { app, ids: answers.map(idOf) };
}

it("a day without a difference is one line, and its events say when Dub listed them", async () => {
  const { app, ids } = await compared();
  expect((await json(app, "/api/days")).days[0]).toMatchObject({
    day: "2026-03-10",
    says: "2 of 2 delivered leads are at Dub.",
    delivered: 2,
    present: 2,
    missing: 0,
    others: {},
    twice: {},
  });
  const overview = says((await get(app, "/admin")).text);
  expect(overview).toContain("2026-03-10 2 of 2 delivered leads are at Dub. none");
  expect(overview).toContain("last day 2026-03-10: 2 of 2 delivered leads are at Dub");
  expect(says((await get(app, `/admin/events/${ids[0]}`)).text)).toContain(
    "Dub's list or webhook has the lead.",
  );
});

it("differences are named with their numbers, and lead to their events", async () => {
  const { app, ids } = await compared((one) => {
    const [first] = one.dub.recorded;
    if (first) first.clickId = "Zz3pQ9vLm2RtYw7B";
    one.dub.recorded.splice(1);
    one.dub.recorded.push(
      ...["user_1", "stranger"].map((customerExternalId) => ({
        at: START + HOUR,
        customerExternalId,
        eventName: "New <customer>",
        clickId: CLICK,
        link: "link_Xk3p",
        quantity: 1,
        metadata: null,
      })),
    );
  });
  const overview = says((await get(app, "/admin")).text);
  expect(overview).toContain("1 of 2 delivered leads are at Dub.");
  expect(overview).toContain(
    "1 missing at Dub; 1 credited to another click; 1 counted twice, by another sender",
  );
  const { text } = await get(app, "/admin/days/2026-03-10");
  expect(text).toContain(`href="/admin/events/${ids[0]}"`);
  expect(text).toContain('href="/admin/events?reason=missing_at_dub');
  expect(text).not.toContain("<customer>");
  expect(says(text)).toContain("Leads of other senders: “New &lt;customer&gt;” 1.");
  expect(says((await get(app, `/admin/events/${ids[0]}`)).text)).toContain(
    "credited to the click “Zz3pQ9vLm2RtYw7B”, which is not the lead's own.",
  );
  const story = says((await get(app, `/admin/events/${ids[1]}`)).text);
  expect(story).toContain("It ended as failed: Dub answered that it recorded the lead");
  expect((await json(app, "/api/status")).checks).toContainEqual(
    expect.objectContaining({ reason: "missing_at_dub", state: "problem" }),
  );
});

it("a click made after the sign-up is told", async () => {
  const { app, ids } = await compared();
  await db
    .prepare("UPDATE events SET clicked_at = ?2 WHERE id = ?1")
    .bind(ids[0], START + HOUR)
    .run();
  await db
    .prepare("UPDATE events SET clicked_at = ?2 WHERE id = ?1")
    .bind(ids[1], START - HOUR)
    .run();
  const late = "That click was made at 2026-03-10 13:00:00 UTC, after the sign-up";
  expect(says((await get(app, `/admin/events/${ids[0]}`)).text)).toContain(late);
  const fine = says((await get(app, `/admin/events/${ids[1]}`)).text);
  expect(fine).toContain("That click was made at 2026-03-10 11:00:00 UTC.");
  expect(fine).not.toContain("after the sign-up: it");
});

it("the doctor says why no day is compared", async () => {
  const { app } = await compared((one) => one.dub.allowAnalytics("over_limit"));
  expect((await json(app, "/api/status")).checks).toContainEqual({
    what: "comparison with Dub's list",
    state: "problem",
    says: expect.stringContaining("over its events limit"),
    todo: expect.stringContaining("upgrade the plan"),
  });
});

it("the page of a day with every difference, at its longest, stays below 30 kB; an unknown day is not found", async () => {
  const { app } = await compared();
  const names = JSON.stringify(
    Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`${i}${"<".repeat(250)}`, 10 ** 6])),
  );
  await db
    .prepare("UPDATE days SET others = ?1, twice = ?1, missing = 9, link_deleted = 9, unclear = 9")
    .bind(names)
    .run();
  const at = START;
  await db
    .prepare(
      `INSERT INTO events (id, provider, type, status, reason, lead_key, received_at, delivered_at, at_dub)
       SELECT 'a-long-id-of-an-event-' || value, 'clerk', 'x', 'delivered', 'recorded', value, ?1, ?1, 'link_deleted'
       FROM json_each(?2)`,
    )
    .bind(at, JSON.stringify(Array.from({ length: 200 }, (_, i) => i)))
    .run();
  await db.exec("DELETE FROM transitions");
  expect((await get(app, "/admin/days/2026-03-10")).text.length).toBeLessThan(30_000);
  expect((await get(app, "/admin")).text.length).toBeLessThan(30_000);
  for (const day of ["2026-01-01", "2026-99-99"])
    expect((await get(app, `/admin/days/${day}`)).status).toBe(404);
});
