/** Requests that no page and no command makes: each is answered in words, and nothing is kept by a cache. */
import { expect, it } from "vitest";
import { shipped as mappings } from "../../mappings/index.ts";
import { writeEvents } from "../../src/admin/export.ts";
import { idOf, open, type TestApp, TOKEN } from "../support/admin.ts";
import { createTestApp, db, START, signUp } from "../support/app.ts";

const SIGNED_IN = { authorization: `Basic ${btoa(`anyone:${TOKEN}`)}` };

async function ask(app: TestApp, path: string, init: RequestInit = {}) {
  const headers = { ...SIGNED_IN, ...(init.headers as Record<string, string>) };
  const response = await app.fetch(new Request(`https://leads.example${path}`, { ...init, headers }));
  return {
    status: response.status,
    cache: response.headers.get("cache-control"),
    text: await response.text(),
  };
}

const post = (body: string, type: string): RequestInit => ({
  method: "POST",
  body,
  headers: { "content-type": type },
});
const form = (body: string) => post(body, "application/x-www-form-urlencoded");
const json = (body: unknown) =>
  post(typeof body === "string" ? body : JSON.stringify(body), "application/json");
const trial = (headers: unknown) => json({ mapping: mappings.clerk, webhook: signUp("user_1"), headers });

const REQUESTS: [status: number, path: string, init?: RequestInit][] = [
  [404, "/admin/events/%E0%A4%A"],
  [404, "/admin/events/%00"],
  [404, "/admin/events/a%2Fb?ask=replay"],
  [404, `/admin/events/${"x".repeat(9000)}`],
  [400, "/admin/events?before=-5"],
  [400, "/admin/events?before=NaN"],
  [400, "/admin/events?since=2026-99-99"],
  [400, "/admin/events?__proto__=1"],
  [400, "/admin/events?constructor=1"],
  [200, "/admin/events?type=%E0%A4%A"],
  [200, "/admin/events?since=0000-01-01&until=9999-12-31"],
  [200, "/admin/workbench?event=%00&provider=__proto__"],
  [404, "/admin/nothing"],
  [404, "/admin/search", { method: "DELETE" }],
  [401, "/admin", { headers: { authorization: "Basic ####" } }],
  [403, "/admin/search", { method: "POST", headers: { origin: "null" } }],
  ...["x", "--b\r\n"].flatMap((body) =>
    ["/admin/search", "/admin/export", "/admin/workbench", "/admin/workbench/mapping.json"].map(
      (path): [number, string, RequestInit] => [400, path, post(body, "multipart/form-data; boundary=b")],
    ),
  ),
  [400, "/admin/search", post("find=x", "multipart/form-data")],
  [400, "/admin/search", form(`find=x&more=${"x".repeat(100_000)}`)],
  [400, "/admin/search", form("__proto__=x&find=x")],
  [400, "/admin/export", form("format=xml")],
  [200, "/admin/search", form("find=%00%ff")],
  [200, "/admin/workbench", form("header:__proto__=1&mapping={}&webhook={}&provider=__proto__")],
  [200, "/api/hours?since=0000-01-01"],
  [400, "/api/hours?since=2026-01-01&since=2026-01-02"],
  [200, "/api/events/search", json('{"find":"\\ud800\\u0000","before":-3}')],
  [400, "/api/events/search", json('{"find":"x","before":1e400}')],
  [400, "/api/events/search", json('{"__proto__":{"find":"x"}}')],
  ...[null, 5, "text", [["x-a"]]].map((headers): [number, string, RequestInit] => [
    400,
    "/api/workbench",
    trial(headers),
  ]),
];

it.each(REQUESTS)("%i: %s %j", async (status, path, init) => {
  const answer = await ask(await open(), path, init);
  expect([answer.status, answer.cache]).toEqual([status, "no-store"]);
  expect(answer.text).not.toBe("");
});

it("a form for pages that are off is no refused webhook", async () => {
  const app = await createTestApp();
  expect((await ask(app, "/admin/search", form("find=x"))).status).toBe(404);
  expect(await app.refusals()).toEqual([]);
});

it("list and overview stay small, whatever types, customers and links are called", async () => {
  const app = await open();
  for (const text of ['"'.repeat(255), "登".repeat(255), "\u202e".repeat(255)]) {
    await db.exec("DELETE FROM ignored");
    for (const provider of Object.keys(mappings))
      for (let i = 0; i < 20; i++)
        await db
          .prepare("INSERT INTO ignored (provider, type, count, last_at) VALUES (?1, ?2, 1, ?3)")
          .bind(provider, text.slice(0, 98) + i, START)
          .run();
    for (let i = 0; i < 50; i++) await app.send("clerk", signUp(`user_${i}`));
    await db
      .prepare(
        "UPDATE events SET type = ?1, lead = json_object('customerExternalId', ?1), link = json_object('id', ?1, 'shortLink', ?1)",
      )
      .bind(text)
      .run();
    await db
      .prepare(
        "UPDATE events SET status = 'failed', reason = 'possibly_lost', received_at = ?1 WHERE type = ?2",
      )
      .bind(START, text)
      .run();
    const query = new URLSearchParams({
      type: text,
      provider: "clerk",
      status: "failed",
      since: "2026-01-01",
    });
    for (const path of [
      "/admin",
      "/admin/events",
      `/admin/events?live=1&${query}&until=2027-01-01T00:00:00Z`,
    ])
      expect(new TextEncoder().encode((await ask(app, path)).text).length, path).toBeLessThan(30_000);
  }
  await db.exec("DELETE FROM transitions");
});

it("no cell of a CSV file begins a formula, also where semicolons divide it", async () => {
  const app = await open();
  const id = idOf((await app.send("clerk", signUp("user_1")))[0]);
  const event = JSON.parse((await ask(app, `/api/events/${id}`)).text);
  const cellOf = (detail: string) =>
    writeEvents([{ ...event, means: "", todo: "", detail }], "csv")
      .split("\r\n")[1]
      ?.split(",")[9];
  expect(cellOf("=1+1")).toBe("'=1+1");
  expect(cellOf("a;=1+1;b")).toBe("a;'=1+1;b");
  expect(cellOf('a\n@x"')).toBe(`"a\n'@x"""`);
  expect(cellOf("\t=1")).toBe("\t'=1");
  expect(cellOf("＝1")).toBe("'＝1");
  expect(cellOf("\r\u001b]0;title\u0007-1")).toBe("]0;title-1");
  expect(cellOf("a-b=c")).toBe("a-b=c");
});

it("an export has all events that fit, or says how to go on", async () => {
  const app = await open();
  await db.exec(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2350) INSERT INTO events (id, provider, event_id, type, status, reason, received_at) SELECT 'id' || i, 'clerk', 'e' || i, 'user.created', 'skipped', 'no_click_id', ${START} + i FROM n`,
  );
  const ids: string[] = [];
  let fields = "provider=clerk";
  for (let files = 1; fields !== ""; files++) {
    const { events, more } = JSON.parse(
      (await ask(app, "/admin/export", form(`${fields}&format=json`))).text,
    );
    ids.push(...events.map(({ id }: { id: string }) => id));
    const [, query = ""] = /admin\/events\?(\S+) and export again/.exec(more ?? "") ?? [];
    const csv = (await ask(app, "/admin/export", form(`${fields}&format=csv`))).text.trim().split("\r\n");
    expect(csv).toHaveLength(1 + events.length + (query === "" ? 0 : 1));
    if (query !== "") expect(csv.at(-1)).toContain(`admin/events?${query} and export again`);
    expect(files).toBeLessThan(5);
    fields = query;
  }
  expect(ids).toEqual(Array.from({ length: 2350 }, (_, i) => `id${2350 - i}`));
  await db.exec("DELETE FROM events; DELETE FROM transitions");
});
