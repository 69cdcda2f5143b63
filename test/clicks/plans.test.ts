/** What telling a click costs in a large ledger: indexes only, and a bounded number of rows. */
import { beforeAll, expect, it } from "vitest";
import { clicksOf, findTold, forgetClicks, tell } from "../../src/ledger/clicks.ts";
import { clickKey } from "../../src/ledger/event.ts";
import { createTestApp, DAY, db, HOUR, MINUTE, START, signUp } from "../support/app.ts";
import { countRows, scansOf } from "../support/rows.ts";

const EVENTS = 300_000;
const CLICKS = 100_000;
/** Events of one customer, and of one e-mail address. */
const MANY = 1000;
const HOT_EMAIL = "hot@example.com";
const click = (i: number) => `Click${String(i).padStart(11, "0")}`;

/** Sign-ups without a click id that came a minute ago. `i` is the number of the event. */
async function fill(from: number, count: number, customer: string, email: string) {
  await db
    .prepare(
      `WITH RECURSIVE n(i) AS (SELECT CAST(?1 AS INTEGER) + 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
       INSERT INTO events (id, provider, event_id, type, status, reason, lead, received_at, waits_key, signed_up_at)
       SELECT 'id' || i, 'clerk', 'e' || i, 'user.created', 'skipped', 'no_click_id',
         json_object('eventName', 'Sign Up', 'customerExternalId', ${customer}, 'customerEmail', ${email}),
         ?3, 'key' || ${customer}, ?3 FROM n`,
    )
    .bind(from, from + count, START - MINUTE)
    .run();
}

let app: Awaited<ReturnType<typeof createTestApp>>;
const counted = countRows();
beforeAll(async () => {
  app = await createTestApp();
  for (let i = 0; i < EVENTS; i += 100_000) await fill(i, 100_000, "'c' || i", "'c' || i || '@example.com'");
  await fill(EVENTS, MANY, "'hot'", "'one@example.com'");
  await fill(EVENTS + MANY, MANY, "'h' || i", `'${HOT_EMAIL}'`);
  await db
    .prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
       INSERT INTO clicks (key, click_id, proof, clicked_at, told_at)
       SELECT hex(randomblob(16)), 'c' || i, 'session', ?2 - i, ?2 - iif(i <= 2000, ${91 * DAY}, 0) FROM n`,
    )
    .bind(CLICKS, START)
    .run();
  Object.assign(app.env, { DB: counted.db });
  // The table of changes, which the tests keep, has these by now.
  await db.exec("INSERT OR IGNORE INTO transitions VALUES ('no_click_id', 'new')");
}, 60_000);

const told = (whose: "customer" | "email", value: string, n = 1) =>
  tell(counted.db, { whose, value, clickId: click(n), proof: "site", clickedAt: START - HOUR }, START);
const webhook = (user: string, email: string) => {
  const body = signUp(user, null) as { data: { email_addresses: { email_address: string }[] } };
  for (const address of body.data.email_addresses) address.email_address = email;
  return app.send("clerk", body);
};
const keys = async () => ({
  customerKey: await clickKey("customer", "new"),
  emailKey: await clickKey("email", HOT_EMAIL),
});

it("each statement of click memory uses an index, and reads and writes few rows", async () => {
  const rows: [what: string, work: () => Promise<unknown>, read: number, written: number][] = [
    // A click is a row and its index; a sign-up that becomes a lead by it is written anew, with five indexes.
    ["a click of a customer with a sign-up that waits", () => told("customer", "c5"), 60, 8],
    ["the same click again", () => told("customer", "c5"), 40, 0],
    ["another click of this customer", () => told("customer", "c5", 2), 60, 2],
    ["a click of somebody not known yet", () => told("customer", "new"), 30, 2],
    ["a click by e-mail address", () => told("email", "c6@example.com"), 60, 8],
    ["a click of a customer with 1,000 events", () => told("customer", "hot"), 4000, 8],
    ["another one", () => told("customer", "hot", 2), 4000, 2],
    ["a click of an e-mail address with 1,000 customers", () => told("email", HOT_EMAIL), 4000, 8],
    ["another one", () => told("email", HOT_EMAIL, 2), 4000, 2],
    ["a sign-up of whom nobody told a click", () => webhook("user_1", "user_1@example.com"), 60, 5],
    ["a sign-up whose click was told", () => webhook("new", "new@example.com"), 200, 11],
    ["a sign-up with that e-mail address", () => webhook("user_2", HOT_EMAIL), 200, 5],
    ["the clicks of a customer", async () => clicksOf(counted.db, await keys()), 20, 0],
    [
      "what a replay would find",
      async () =>
        findTold(counted.db, [
          { id: "x", customerId: "new", email: HOT_EMAIL, leadKey: "k", at: START, ...(await keys()) },
        ]),
      300,
      0,
    ],
    ["forgetting old clicks", () => forgetClicks(counted.db, START - 90 * DAY, 500), 2000, 500],
  ];
  for (const [what, work, read, written] of rows) {
    Object.assign(counted, { read: 0, written: 0, queries: [] });
    await work();
    expect(counted.queries.length, what).toBeGreaterThan(0);
    for (const sql of new Set(counted.queries)) expect(await scansOf(sql), `${what}: ${sql}`).toEqual([]);
    expect([what, counted.read <= read ? "few" : counted.read, counted.written]).toEqual([
      what,
      "few",
      written,
    ]);
  }
  await db.exec("DELETE FROM events; DELETE FROM clicks; DELETE FROM transitions");
});
