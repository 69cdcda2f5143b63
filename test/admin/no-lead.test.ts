/** What could explain that there is no lead: the list, and where the pages show it. */
import { describe, expect, it } from "vitest";
import {
  causesOfNoClickId,
  causesOfNoEvent,
  isUnexplained,
  type ProviderTrouble,
} from "../../src/admin/no-lead.ts";
import type { ApiEvent, Status } from "../../src/admin/schema.ts";
import { idOf, open, type TestApp, TOKEN } from "../support/admin.ts";
import { db, MINUTE, sampleOf, signUp } from "../support/app.ts";
import { countRows } from "../support/rows.ts";

const THERE = "https://leads.example";
const AT = "2026-03-10T12:00:00.000Z";
const ON: ProviderTrouble = { provider: "clerk", state: "on", refusals: [], ignored: [] };
const REFUSED = { reason: "signature_mismatch", count: 2, lastAt: AT, evidence: "it has `x`", todo: "look" };
const NOBODY: Status = { checks: [], providers: [], refusals: [], events: {}, keptSince: null };
const says = (causes: { says: string }[]) => causes.map((one) => one.says);

describe("of a provider", () => {
  it.each<[string, Partial<ProviderTrouble>, string[]]>([
    ["nothing", {}, []],
    [
      "a secret that can't be used",
      { state: "problem", says: "CLERK_WEBHOOK_SECRET is short" },
      ["clerk: CLERK_WEBHOOK_SECRET is short."],
    ],
    [
      "a refusal",
      { refusals: [REFUSED] },
      [
        "clerk: 2 webhooks refused (signature_mismatch), the last at 2026-03-10 12:00:00 UTC: it has `x`. What to do: look.",
      ],
    ],
    ["an old refusal of one that is off", { state: "off", refusals: [REFUSED] }, []],
    [
      "one that is off and gets webhooks",
      { state: "off", refusals: [{ ...REFUSED, reason: "provider_off", count: 1, todo: "" }] },
      ["clerk: 1 webhook refused (provider_off), the last at 2026-03-10 12:00:00 UTC: it has `x`."],
    ],
    [
      "ignored types",
      { ignored: ["a`b", "c"].map((type) => ({ type, count: 3, lastAt: AT })) },
      [
        "clerk: no rule of its mapping file takes events of type a`b (3), c (3). If one is a sign-up, add it to `leads`.",
      ],
    ],
    [
      "many ignored types",
      { ignored: Array.from({ length: 12 }, () => ({ type: "t", count: 1, lastAt: AT })) },
      [expect.stringMatching(/(t \(1\), ){10}and 2 other types\. /)],
    ],
  ])("%s", (_, trouble, expected) => {
    expect(says(causesOfNoClickId([{ ...ON, ...trouble }])).slice(1)).toEqual(expected);
  });
});

describe("of nothing that is found", () => {
  const rejected = (lead: ApiEvent["lead"]) =>
    ({ id: "event_1", reason: "no_customer_id", receivedAt: AT, lead }) as ApiEvent;
  const none = { events: [], more: false };
  it.each<[string, Partial<Status>, typeof none | { events: ApiEvent[]; more: boolean }, string]>([
    ["the text itself", {}, none, "It is no e-mail address, customer id, click id or event id"],
    [
      "a problem",
      { checks: [{ what: "queue", state: "problem", says: "it takes nothing", todo: "look" }] },
      none,
      "queue: it takes nothing. What to do: look.",
    ],
    ["no provider", {}, none, "No provider is on: no Worker secret of a provider is set."],
    [
      "a wrong address",
      { refusals: [{ ...REFUSED, reason: "not_found", count: 1 }] },
      none,
      "1 request to a wrong address (not_found), the last at 2026-03-10 12:00:00 UTC: it has `x`.",
    ],
    [
      "rejected events of nobody",
      {},
      { events: [rejected(null), rejected({ customerEmail: "a@b.example" })], more: true },
      "At least 1 event rejected without saying whose, the last at 2026-03-10 12:00:00 UTC (no_customer_id, event event_1): it may be among them.",
    ],
    ["an empty ledger", {}, none, "The ledger has no event yet."],
    ["retention", { keptSince: AT }, none, "Data of persons is kept since 2026-03-10 12:00:00 UTC"],
    [
      "nothing that came",
      { providers: [{ ...ON, name: "Clerk", address: "", secret: "", lastEventAt: null }] },
      none,
      "Otherwise no webhook came: see at the provider whether it was sent, and whether the event type is subscribed. On are: clerk.",
    ],
  ])("%s", (_, status, events, expected) => {
    expect(says(causesOfNoEvent({ ...NOBODY, ...status }, events))).toContainEqual(
      expect.stringContaining(expected),
    );
  });

  it("checks that are right, and rejected events of somebody, explain nothing", () => {
    const checks: Status["checks"] = [{ what: "queue", state: "ok", says: "takes messages" }];
    const events = [rejected({ customerExternalId: "user_1" })];
    const causes = says(causesOfNoEvent({ ...NOBODY, checks }, { events, more: false })).join("\n");
    expect(causes).not.toMatch(/queue|rejected/);
  });
});

it.each<[string, Pick<ApiEvent, "reason" | "lead">[], boolean]>([
  ["no event", [], true],
  ["none with a click id", [{ reason: "no_click_id", lead: {} }], true],
  ["one with a click id", [{ reason: "unknown_click", lead: { clickId: "a" } }], false],
  ["a lead that another sender brought", [{ reason: "duplicate_at_dub", lead: {} }], false],
])("with %s", (_, events, expected) => expect(isUnexplained(events)).toBe(expected));

async function ask(app: TestApp, path: string, find?: string) {
  const response = await app.fetch(
    new Request(`${THERE}/admin${path}`, {
      headers: { authorization: `Bearer ${TOKEN}` },
      ...(find !== undefined && { method: "POST", body: new URLSearchParams({ find }) }),
    }),
  );
  const html = await response.text();
  return {
    html,
    says: html
      .replace(/<[^>]*>/g, " ")
      .replace(/ +/g, " ")
      .replaceAll("&#39;", "'"),
  };
}

/** A provider whose webhooks are refused, and types that no rule takes. */
async function trouble(app: TestApp) {
  await app.fetch(
    await app.request("clerk", signUp("user_9"), { secret: "whsec_b3RoZXItb3RoZXItb3RoZXItb3RoZXI=" }),
  );
  await app.send("clerk", sampleOf("clerk", "other-event").webhook);
  await app.wake(true);
}

describe("the pages", () => {
  it("a search that finds nothing says what could explain it", async () => {
    const app = await open();
    await app.pass(MINUTE);
    await trouble(app);
    const { says: text, html } = await ask(app, "/search", "nobody@orchard.example");
    expect(text).toContain("No event is kept for this. What could explain it:");
    expect(text).toContain("clerk: 1 webhook refused (signature_mismatch)");
    expect(text).toContain("no rule of its mapping file takes events of type session.created (1)");
    expect(html).toContain("add it to <code>leads</code>");
    expect(html).toContain('<a href="/admin#providers">Providers</a>');
  });

  it("an event without a click id says what could explain it, unless another event of the person has one", async () => {
    const app = await open();
    await app.pass(MINUTE);
    await trouble(app);
    const id = idOf((await app.send("clerk", signUp("user_1", null)))[0]);
    const alone = await ask(app, `/events/${id}`);
    expect(alone.says).toContain("None of this person's events carries a click id");
    expect(alone.says).toContain("clerk: 1 webhook refused (signature_mismatch)");
    const other = idOf((await app.send("clerk", signUp("user_1")))[0]);
    for (const one of [id, other])
      expect((await ask(app, `/events/${one}`)).says).not.toContain("What could explain it");
  });

  it("stay below 30 kB with everything as large as can be", async () => {
    const app = await open();
    const id = idOf((await app.send("clerk", signUp("user_1", null)))[0]);
    const rows = (table: string, more: string) =>
      db.prepare(
        `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50)
         INSERT INTO ${table} SELECT p.value, printf('%02d', i) || substr(?1, 1, 98), 1, ${app.clock.now}${more}
         FROM n, json_each('["clerk", "stripe", "auth0", "auth0-logs", "-"]') p`,
      );
    await rows("refusals", ", ?1").bind('"'.repeat(1000)).run();
    await rows("ignored", "").bind('"'.repeat(98)).run();
    for (const { html } of [
      await ask(app, "/search", "nobody"),
      await ask(app, `/events/${id}`),
      await ask(app, `/events/${id}?ask=replay`),
    ]) {
      expect(html).toContain("There are more: see the");
      expect(new TextEncoder().encode(html).length).toBeLessThan(30_000);
    }
    await db.exec("DELETE FROM refusals; DELETE FROM ignored");
  });

  it("an event's page reads few rows for it, however many events there are", async () => {
    const app = await open();
    const id = idOf((await app.send("clerk", signUp("user_1", null)))[0]);
    await db.exec(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO events (id, provider, event_id, type, status, reason, lead, received_at) SELECT 'id' || i, 'clerk', 'e' || i, 'user.created', 'skipped', 'no_click_id', json_object('customerExternalId', 'c' || i), i FROM n",
    );
    await db.exec("DELETE FROM transitions");
    const counted = countRows();
    Object.assign(app.env, { DB: counted.db });
    expect((await ask(app, `/events/${id}`)).says).toContain("What could explain it");
    expect(counted.read).toBeLessThan(100);
  });
});
