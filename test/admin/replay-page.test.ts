/** Replaying all events of a filter from the list. */
import { expect, it } from "vitest";
import { shipped as mappings } from "../../mappings/index.ts";
import { clerkWith, open, type TestApp, TOKEN } from "../support/admin.ts";
import { db, signUp } from "../support/app.ts";

const ORIGIN = "https://leads.example";

async function ask(app: TestApp, path: string, fields?: Record<string, string>, origin = ORIGIN) {
  const response = await app.fetch(
    new Request(`${ORIGIN}/admin${path}`, {
      headers: {
        authorization: `Basic ${btoa(`me:${TOKEN}`)}`,
        ...(fields && { origin, "sec-fetch-site": origin === ORIGIN ? "same-origin" : "cross-site" }),
      },
      ...(fields && { method: "POST", body: new URLSearchParams(fields) }),
    }),
  );
  const html = await response.text();
  expect(new TextEncoder().encode(html).length).toBeLessThan(30_000);
  return { status: response.status, html, says: html.replace(/<[^>]*>/g, " ").replace(/\s+/g, " ") };
}

/** The hidden fields of the form that replays. */
const fieldsOf = (html: string) =>
  Object.fromEntries(
    [
      ...(/action="\/admin\/replay">(.*?)<\/form>/s.exec(html)?.[1] ?? "").matchAll(
        /name="(\w+)" value="([^"]*)"/g,
      ),
    ].map(([, name, value]) => [name, value] as [string, string]),
  );
const statuses = async () =>
  (await db.prepare("SELECT status, count(*) AS n FROM events GROUP BY 1 ORDER BY 1").all()).results;

/** An app whose mapping file of Clerk was wrong when `count` people signed up, and is right now. */
async function mended(count: number) {
  const files: Record<string, unknown> = {
    ...mappings,
    clerk: clerkWith({ customerExternalId: "data.nothing" }),
  };
  const app = await open({ mappings: files });
  for (let i = 0; i < count; i++) await app.send("clerk", signUp(`user_${i}`));
  expect(await statuses()).toEqual([{ status: "rejected", n: count }]);
  files.clerk = mappings.clerk;
  return app;
}

it("the list leads to a page that says what its events would become, and changes nothing", async () => {
  const app = await mended(25);
  const list = await ask(app, "/events?status=rejected&provider=clerk");
  const [, path = ""] = /href="\/admin(\/replay[^"]*)"/.exec(list.html) ?? [];
  const page = await ask(app, path.replaceAll("&amp;", "&"));
  expect(page.says).toMatch(/What 25 events would become .* 25 pending replayed /);
  expect(page.says).toContain("The first 20 of them");
  expect(page.html.match(/href="\/admin\/events\/[\w-]+"/g)).toHaveLength(20);
  expect(page.says).toContain("Replay 25 events");
  expect(await statuses()).toEqual([{ status: "rejected", n: 25 }]);
  expect((await ask(app, "/events")).html).not.toContain("/admin/replay");
});

it("replays all events of the filter in steps, each with a hundred at most, and only those", async () => {
  const app = await mended(130);
  await app.send("clerk", signUp("organic", null));
  await db.exec("UPDATE events SET type = 'user.other' WHERE rowid = (SELECT min(rowid) FROM events)");
  const first = await ask(app, "/replay?status=rejected&type=user.created");
  expect(first.says).toContain("This is a preview of 100 events; there can be more");
  const one = await ask(app, "/replay", fieldsOf(first.html));
  expect(one.says).toMatch(/Replayed so far .* 100 pending replayed/);
  const two = await ask(app, "/replay", fieldsOf(one.html));
  expect(two.says).toMatch(
    /29 pending replayed .* With the steps before, 129 events were looked at\. There are no more/,
  );
  expect(fieldsOf(two.html)).toEqual({});
  expect(await statuses()).toEqual([
    { status: "pending", n: 129 },
    { status: "rejected", n: 1 },
    { status: "skipped", n: 1 },
  ]);
  await db.exec("DELETE FROM transitions");
  await app.pump();
  expect(await statuses()).toContainEqual({ status: "delivered", n: 129 });
});

it("says why events would stay as they are, and offers no button when all would", async () => {
  const app = await open();
  await app.send("clerk", signUp("user_1"));
  await app.pump();
  const page = await ask(app, "/replay?status=delivered");
  expect(page.says).toContain("1 stays as it is Dub has the lead already.");
  expect(fieldsOf(page.html)).toEqual({});
  expect((await ask(app, "/replay?status=failed")).says).toContain("No event fits.");
});

it("stays below 30 kB, with text of strangers as text", async () => {
  const app = await mended(100);
  await db
    .prepare("UPDATE events SET type = ?1")
    .bind(`<script>${"\u{1f600}&".repeat(80)}`)
    .run();
  const { html } = await ask(app, "/replay?status=rejected");
  expect(html).toContain("&lt;script&gt;");
  expect(html.match(/<script/g)).toHaveLength(1);
});

it.each([
  [{}, "Filter the list first"],
  [{ status: "lost" }, "status must be one or more of"],
  [{ status: "rejected", find: "user_1" }, "find is unknown"],
  [{ status: "rejected", after: "-1" }, "begin with the list again"],
  [{ since: "2026-02-31" }, "on a day that the calendar has"],
])("%j is refused", async (fields, said) => {
  const app = await mended(1);
  expect((await ask(app, `/replay?${new URLSearchParams(fields)}`)).says).toContain(said);
  expect(await ask(app, "/replay", fields)).toMatchObject({
    status: 400,
    says: expect.stringContaining(said),
  });
  expect(await statuses()).toEqual([{ status: "rejected", n: 1 }]);
});

it("a form of another site is refused", async () => {
  const app = await mended(1);
  const { status } = await ask(app, "/replay", { status: "rejected" }, "https://evil.example");
  expect(status).toBe(403);
  expect(await statuses()).toEqual([{ status: "rejected", n: 1 }]);
});

it("looks further where a step finds nothing, and ends at the last event", async () => {
  const app = await mended(1);
  await db.exec(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5100) INSERT INTO events (id, provider, event_id, type, status, reason, received_at) SELECT 'id' || i, 'clerk', 'e' || i, 'user.created', 'skipped', 'no_click_id', i FROM n",
  );
  await db.exec("UPDATE events SET type = 'user.other' WHERE id = 'id5100'");
  const first = await ask(app, "/replay?type=user.other");
  expect(first.says).toContain("None fits of the events looked at so far.");
  const [, path = ""] = /href="\/admin(\/replay[^"]*)">Look further/.exec(first.html) ?? [];
  const second = await ask(app, path.replaceAll("&amp;", "&"));
  expect(second.says).toContain("What 1 event would become");
  const step = await ask(app, "/replay", { type: "user.other", after: "0", done: "0" });
  expect(step.says).toMatch(/None fits .* There can be more events of this filter/);
  expect((await ask(app, "/replay", fieldsOf(step.html))).says).toContain("There are no more.");
  await db.exec("DELETE FROM transitions");
});
