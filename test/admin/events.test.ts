/** Reading events through the admin API: search, pages, one event whole. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { search } from "../../src/ledger/search.ts";
import { idOf, open, type TestApp, TOKEN } from "../support/admin.ts";
import { db, sampleOf } from "../support/app.ts";
import { countRows } from "../support/rows.ts";

type Page = {
  events: { id: string; reason: string; lead: { customerExternalId?: string } | null }[];
  next: number | null;
};

async function ask(app: TestApp, path: string, body?: object, headers: Record<string, string> = {}) {
  const response = await app.fetch(
    new Request(`https://leads.example${path}`, {
      headers: { authorization: `Bearer ${TOKEN}`, ...headers },
      ...(body && { method: "POST", body: JSON.stringify(body) }),
    }),
  );
  return { status: response.status, body: await response.json<Page & Record<string, unknown>>() };
}

const find = async (app: TestApp, text: string, more: object = {}) =>
  (await ask(app, "/api/events/search", { find: text, ...more })).body.events;
const reasons = (events: Page["events"]) => events.map(({ reason }) => reason);

type Data = {
  id: string;
  email_addresses: { email_address: string }[];
  unsafe_metadata: Record<string, unknown>;
};

/** A sign-up at Clerk; without a click id unless one is given. */
async function signUp(app: TestApp, id: string, email: string, clickId?: string) {
  const sample = sampleOf("clerk");
  const { data } = sample.webhook as { data: Data };
  data.id = id;
  for (const one of data.email_addresses) one.email_address = email;
  data.unsafe_metadata = clickId ? { dubClickId: clickId } : {};
  return idOf((await app.send("clerk", sample.webhook))[0]);
}

const LONG = `${"a-rather-long-name-of-a-person-with-many-names".padEnd(60, "x")}@mail.example.com`;

it("finds an event by e-mail, customer id, click id, the provider's event id and ours", async () => {
  const app = await open();
  const id = await signUp(app, "user_1", LONG, "Xk3pQ9vLm2RtYw7B");
  const { event_id } = await app.row();
  await signUp(app, "user_2", "other@example.com", "Ck3pQ9vLm2RtYw7B");
  for (const text of [LONG, LONG.toUpperCase(), "user_1", "Xk3pQ9vLm2RtYw7B", event_id, id])
    expect(await find(app, text), text).toMatchObject([{ id, lead: { customerExternalId: "user_1" } }]);
});

it("finds what is no lead too: skipped, a test, and rejected for want of a customer id", async () => {
  const app = await open();
  await signUp(app, "user_1", "organic@example.com");
  expect(reasons(await find(app, "organic@example.com"))).toEqual(["no_click_id"]);
  await signUp(app, "undefined", "broken@example.com", "Xk3pQ9vLm2RtYw7B");
  expect(reasons(await find(app, "broken@example.com"))).toEqual(["no_customer_id"]);
  await app.send("stripe", sampleOf("stripe", "test-mode").webhook);
  const [test] = (await ask(app, "/api/events?reason=test_event")).body.events;
  expect(await find(app, test?.lead?.customerExternalId ?? "")).toHaveLength(1);
});

it("finds the other events of the same customer or e-mail address when asked to", async () => {
  const app = await open();
  await signUp(app, "user_1", "mira@example.com", "Xk3pQ9vLm2RtYw7B");
  await signUp(app, "user_2", "mira@example.com");
  await signUp(app, "user_3", "other@example.com");
  expect(await find(app, "Xk3pQ9vLm2RtYw7B")).toHaveLength(1);
  const all = await find(app, "Xk3pQ9vLm2RtYw7B", { related: true });
  expect(all.map(({ lead }) => lead?.customerExternalId)).toEqual(["user_2", "user_1"]);
});

it("gives the event whole, with attempts, reason in words and the credited link", async () => {
  const app = await open();
  const id = await signUp(app, "user_1", "mira@example.com", "Xk3pQ9vLm2RtYw7B");
  await app.pump();
  const { status, body } = await ask(app, `/api/events/${id}`);
  expect(status).toBe(200);
  expect(body).toMatchObject({
    id,
    status: "delivered",
    reason: "recorded",
    todo: "nothing",
    payload: { type: "user.created" },
    link: { partnerId: "pn_local" },
    attempts: [{ phase: "record", httpStatus: 200, reason: "recorded" }],
  });
  expect(await ask(app, "/api/events/nothing")).toMatchObject({
    status: 404,
    body: { error: "unknown_event" },
  });
});

it("gives pages, newest first, without gap or repetition", async () => {
  const app = await open();
  const ids: string[] = [];
  for (let i = 0; i < 7; i++) ids.push(await signUp(app, `user_${i}`, `u${i}@example.com`));
  const seen: string[] = [];
  for (let next: number | null = Number.MAX_SAFE_INTEGER; next !== null; ) {
    const { body }: { body: Page } = await ask(app, `/api/events?limit=3&before=${next}`);
    seen.push(...body.events.map(({ id }) => id));
    next = body.next;
  }
  expect(seen).toEqual(ids.reverse());
});

it("filters by status, reason, provider, type and time", async () => {
  const app = await open();
  await signUp(app, "user_1", "a@example.com", "Xk3pQ9vLm2RtYw7B");
  await signUp(app, "user_2", "b@example.com");
  const count = async (query: string) => (await ask(app, `/api/events?${query}`)).body.events.length;
  expect(await count("status=skipped,rejected")).toBe(1);
  expect(await count("reason=new")).toBe(1);
  expect(await count("status=skipped&status=pending")).toBe(2);
  expect(await count("provider=stripe")).toBe(0);
  expect(await count("type=user.created")).toBe(2);
  expect(await count("since=2026-03-11")).toBe(0);
  expect(await count("until=2026-03-11&since=2026-03-10")).toBe(2);
});

it.each([
  ["/api/events?find=a", "POST /api/events/search"],
  ["/api/events?status=lost", "status must be one or more of"],
  ["/api/events?limit=1000", "limit must be a number from 1 to 100"],
  ["/api/events?before=", "before must be"],
  ["/api/events?provider=clerk&provider=stripe", "provider must be"],
  ["/api/events?limit=1&limit=100", "limit must be a number from 1 to 100"],
  ["/api/events?since=2026-02-31", "on a day that the calendar has"],
  ["/api/events?provider=nobody", "provider must be one of"],
  ["/api/events?nonsense=1", "nonsense is unknown"],
])("%s is refused", async (path, said) => {
  const { status, body } = await ask(await open(), path);
  expect([status, body.error]).toEqual([400, "bad_filter"]);
  expect(body.message).toContain(said);
});

it("is behind the lock", async () => {
  const app = await open();
  for (const path of ["/api/events", "/api/events/x", "/api/status"])
    expect((await ask(app, path, undefined, { authorization: "" })).status, path).toBe(401);
});

it("takes any text: it finds what has it and nothing else", async () => {
  const app = await open();
  await signUp(app, "user_1", "mira@example.com");
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.string({ minLength: 1 }),
        fc.constantFrom("' OR 1=1 --", "%", "_", "user_1' UNION SELECT 1", "[]", "null"),
      ),
      async (text) => {
        const { status, body } = await ask(app, "/api/events/search", { find: text });
        expect(status).toBe(200);
        expect(body.events).toHaveLength(
          text === "user_1" || text.toLowerCase() === "mira@example.com" ? 1 : 0,
        );
      },
    ),
    { numRuns: 60 },
  );
});

it("reads few rows for a search in a large ledger", async () => {
  const app = await open();
  await signUp(app, "user_1", "mira@example.com", "Xk3pQ9vLm2RtYw7B");
  await db.exec(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO events (id, provider, event_id, type, status, reason, lead, received_at) SELECT 'id' || i, 'clerk', 'e' || i, 'user.created', 'skipped', 'no_click_id', json_object('clickId', '', 'customerExternalId', 'c' || i, 'customerEmail', 'c' || i || '@example.com'), i FROM n",
  );
  const counted = countRows();
  for (const related of [false, true])
    for (const text of ["mira@example.com", "user_1", "Xk3pQ9vLm2RtYw7B", "nothing"]) {
      counted.read = 0;
      const { rows } = await search(counted.db, { find: text, related, limit: 100 }, ["clerk", "stripe"]);
      expect(rows).toHaveLength(text === "nothing" ? 0 : 1);
      expect(counted.read, `${text} ${related}`).toBeLessThan(50);
    }
});

it("a lead that was changed by hand to no JSON is shown as it is", async () => {
  const app = await open();
  const id = await signUp(app, "user_1", "mira@example.com", "Xk3pQ9vLm2RtYw7B");
  await db.exec("UPDATE events SET lead = 'no json'");
  expect((await ask(app, `/api/events/${id}`)).body).toMatchObject({
    lead: { unreadable: "no json" },
  });
  await db.exec("DELETE FROM transitions");
});
