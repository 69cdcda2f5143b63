/** The page of one event: what it shows, what it can do, and what it makes of hostile content. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { shipped as mappings } from "../../mappings/index.ts";
import { linesOf } from "../../src/admin/display.ts";
import { reasonPage } from "../../src/admin/pages/set-up.ts";
import { asExpected, mapSample } from "../../src/dev/check/results.ts";
import { purge } from "../../src/ledger/retention.ts";
import { compileMapping } from "../../src/mapping/compile.ts";
import { resultOf } from "../../src/mapping/result.ts";
import { Sample } from "../../src/mapping/schema.ts";
import { REASONS } from "../../src/states.ts";
import { clerkWith, idOf, open, plan, type TestApp, TOKEN } from "../support/admin.ts";
import { DAY, db, MINUTE, sampleOf, samples, signUp } from "../support/app.ts";

const LIMIT = 30_000;
const ORIGIN = "https://leads.example";

async function ask(app: TestApp, path: string, init: RequestInit = {}) {
  const response = await app.fetch(
    new Request(`${ORIGIN}/admin${path}`, {
      redirect: "manual",
      ...init,
      headers: { authorization: `Basic ${btoa(`me:${TOKEN}`)}`, ...(init.headers as Record<string, string>) },
    }),
  );
  const html = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    html,
    size: new TextEncoder().encode(html).length,
    says: textOf(html),
  };
}
const press = (app: TestApp, path: string) =>
  ask(app, path, { method: "POST", headers: { origin: ORIGIN, "sec-fetch-site": "same-origin" } });

/** What a person reads. */
function textOf(html: string): string {
  return html
    .replace(/<[^>]*>/g, " ")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&")
    .replace(/ +/g, " ");
}

async function kept(app: TestApp, provider = "clerk", webhook: unknown = sampleOf("clerk").webhook) {
  return idOf((await app.send(provider, webhook))[0]);
}

/** A mapping file that takes every event, with the lead of its fields. */
const anything = (lead: object) => ({
  ...mappings,
  clerk: clerkWith({}, { test: "`false`", leads: [{ on: ["*"], lead, withoutClickId: "send" }] }),
});

describe("what it shows", () => {
  it("the state, what to do, the story, and lead and payload with the same numbers", async () => {
    const app = await open();
    const id = await kept(app);
    await app.pump();
    const { status, headers, html, says, size } = await ask(app, `/events/${id}`);
    expect([status, headers.get("cache-control")]).toEqual([200, "no-store"]);
    expect(says).toContain("Dub recorded the lead and named the credited link");
    expect(says).toContain("What to do: Nothing.");
    expect(says).toContain("Rule 1 of today's mapping file takes it");
    expect(says).toContain("It was delivered: Dub credited the link https://go.example/Xk3p");
    expect(html).toContain(`href="/admin/events?reason=recorded"`);
    expect(html).toContain(`<a href="${reasonPage("recorded")}"><code>recorded</code></a>`);
    expect(html).toContain(`href="/admin/workbench?event=${id}"`);
    expect(html).toMatch(/action="\/admin\/search"><input type="hidden" name="find" value="user_\w+"/);
    // Each number of a field links to a line of the payload, which has the field's number and links back.
    const fields = [...html.matchAll(/<tr id="field(\d)">.*?<\/tr>/gs)];
    expect(fields).toHaveLength(6);
    for (const [row, number] of fields)
      for (const [, line] of row.matchAll(/href="#at(\d+)"/g)) {
        const [, , marks] = new RegExp(`<mark id="at${line}">([^<]*)</mark>(.*)\n`).exec(html) ?? [];
        expect(marks, row).toContain(`href="#field${number}"`);
      }
    expect(says).toContain('"email_address": "mira@orchard.example", 4 customerEmail');
    expect(size).toBeLessThan(12_000);
  });

  it("a pending event: its attempts, and when it is tried next", async () => {
    const app = await open({ dub: plan(["reset_after"]) });
    const id = await kept(app);
    await app.pump();
    const { says } = await ask(app, `/events/${id}`);
    expect(says).toContain("There was no answer, “connection failed”");
    expect(says).toContain("The lead is in doubt since 2026-03-10 12:00:00 UTC");
    expect(says).toContain("The next attempt is due at 2026-03-10 12:00:30 UTC, in 30 seconds: wait 1 of 10");
  });

  it("a pause of all deliveries", async () => {
    const app = await open({ settings: { DUB_API_KEY: "dub_wrong" } });
    const id = await kept(app);
    await app.pump();
    const { says } = await ask(app, `/events/${id}`);
    expect(says).toContain("All deliveries wait until 2026-03-10 13:00:00 UTC, or at once when DUB_API_KEY");
  });

  it("what became of the event that a duplicate is a duplicate of", async () => {
    const app = await open();
    const first = await kept(app, "clerk", signUp("user_1"));
    const second = await kept(app, "clerk", signUp("user_1"));
    const verdictOf = async (id: string) => {
      const { html } = await ask(app, `/events/${id}`);
      const [verdict = ""] = /<section class="verdict.*?<\/section>/s.exec(html) ?? [];
      expect(verdict.includes(`<a href="/admin/events/${first}">Open that event</a>`)).toBe(id === second);
      return textOf(verdict);
    };
    expect(await verdictOf(second)).toContain(`${first}, is pending (new): to be delivered, not tried yet.`);
    await app.pump();
    expect(await verdictOf(second)).toContain(
      `Another event with the same customer and event name, ${first}, is delivered: Dub credited the link https://go.example/Xk3p`,
    );
    expect(await verdictOf(first)).not.toContain("Another event");
  });

  it("the newest ten other events of the same customer, and no other's", async () => {
    const app = await open();
    const ids: string[] = [];
    for (let i = 0; i < 12; i++) {
      app.clock.now += MINUTE;
      ids.push(await kept(app, "clerk", signUp("user_1", i % 2 === 0 ? null : undefined)));
      await kept(app, "clerk", signUp("user_2"));
    }
    const othersIn = async (id: string) => {
      const { html } = await ask(app, `/events/${id}`);
      const list = html.slice(html.indexOf('id="others"'), html.indexOf('id="lead"'));
      return [...list.matchAll(/<a href="\/admin\/events\/([^"]+)"/g)].map(([, one]) => one);
    };
    const newest = ids.toReversed();
    expect(await othersIn(ids[0] as string)).toEqual(newest.slice(0, 10));
    expect(await othersIn(ids[11] as string)).toEqual(newest.slice(1, 11));
    expect((await ask(app, `/events/${ids[0]}`)).says).toContain("These are the newest.");
    expect((await ask(app, `/events/${await kept(app)}`)).html).not.toContain('id="others"');
  });

  it("an expression that gives nothing, and what today's file would give", async () => {
    const files = { ...mappings, clerk: clerkWith({ customerExternalId: "data.ident" }) };
    const app = await open({ mappings: files });
    const id = await kept(app);
    expect((await ask(app, `/events/${id}`)).says).toMatch(
      /customerExternalId\s+–\s+its expression gives nothing/,
    );
    files.clerk = clerkWith({});
    expect((await ask(app, `/events/${id}`)).says).toContain("which would give another lead by now");
  });

  it("that its data was removed at the end of the retention time", async () => {
    const app = await open();
    const id = await kept(app);
    await app.pump();
    await purge(db, app.clock.now + 31 * DAY, 10);
    const { status, says, html } = await ask(app, `/events/${id}`);
    expect(status).toBe(200);
    expect(says).toContain("were removed: at the end of the retention time (RETENTION_DAYS)");
    expect(says).not.toContain("mira");
    expect(html).not.toContain(`/events/${id}/payload`);
    for (const path of ["payload", "sample"])
      expect((await ask(app, `/events/${id}/${path}`)).status, path).toBe(404);
  });

  it("that there is no event with an id, for every address", async () => {
    const app = await open();
    for (const path of ["", "?ask=replay", "?ask=end", "?ask=forget", "/payload", "/sample", "/sample.json"])
      expect((await ask(app, `/events/none${path}`)).status, path).toBe(404);
    for (const path of ["replay", "end", "dub", "forget"])
      expect((await press(app, `/events/none/${path}`)).status, path).toBe(404);
    expect((await ask(app, "/events/none")).says).toContain("No event has the id of this address.");
  });

  it("what is wrong with a mapping file, and the event all the same", async () => {
    const files: Record<string, unknown> = { ...mappings };
    const app = await open({ mappings: files });
    const id = await kept(app);
    files.clerk = { ...clerkWith({ customerName: "data.(" }) };
    const { status, says } = await ask(app, `/events/${id}`);
    expect(status).toBe(200);
    expect(says).toContain("the mapping file can't be used (clerk/mapping.json: leads[0].lead.customerName");
    expect((await ask(app, `/events/${id}?ask=replay`)).status).toBe(503);
  });

  it("is behind the lock", async () => {
    const app = await open();
    const id = await kept(app);
    for (const path of ["", "/payload", "/sample", "/sample.json"]) {
      const { status, html } = await ask(app, `/events/${id}${path}`, { headers: { authorization: "" } });
      expect(status).toBe(401);
      expect(html).not.toContain("mira");
    }
    const other = { method: "POST", headers: { origin: "https://evil.example" } };
    for (const path of ["replay", "end", "dub", "forget"])
      expect((await ask(app, `/events/${id}/${path}`, other)).status, path).toBe(403);
  });
});

describe("what it can do", () => {
  it("replay, after showing what would become of it", async () => {
    const files = { ...mappings, clerk: clerkWith({ customerExternalId: "data.ident" }) };
    const app = await open({ mappings: files });
    const id = await kept(app, "clerk", signUp("user_1"));
    files.clerk = clerkWith({});
    const before = await app.rows();
    const shown = await ask(app, `/events/${id}?ask=replay`);
    expect(shown.says).toContain("It would be a lead, and Dub would be asked next.");
    expect(shown.says).toMatch(/customerExternalId\s+–\s+user_1/);
    expect(await app.rows()).toEqual(before);
    const { status, headers } = await press(app, `/events/${id}/replay`);
    expect([status, headers.get("location")]).toEqual([303, `/admin/events/${id}?said=replayed`]);
    await app.pump();
    expect(await app.row()).toMatchObject({ status: "delivered" });
    const { says } = await ask(app, `/events/${id}?said=replayed`);
    expect(says).toContain("It was replayed. What became of it is shown here");
    expect(says).toContain("It was replayed. (Earlier replays are not kept");
  });

  it("a replay that leaves the event, or would make it a duplicate, says so", async () => {
    const app = await open();
    const first = await kept(app, "clerk", signUp("user_1"));
    const second = await kept(app, "clerk", signUp("user_1"));
    expect((await ask(app, `/events/${second}?ask=replay`)).says).toContain(
      "It would be duplicate: the same customer and event name is already pending or delivered.",
    );
    await app.pump();
    expect((await ask(app, `/events/${first}?ask=replay`)).says).toContain("Dub has the lead already.");
    const { headers } = await press(app, `/events/${first}/replay`);
    expect(headers.get("location")).toBe(`/admin/events/${first}?said=left-delivered`);
    expect((await ask(app, `/events/${first}?said=left-delivered`)).says).toContain(
      "The replay left it as it is. Dub has the lead already.",
    );
  });

  it("a replay that splits a webhook leads to the list", async () => {
    const logs = mappings["auth0-logs"] as object;
    const files = { ...mappings, "auth0-logs": { ...logs, each: "nothing.here" } };
    const app = await open({ mappings: files });
    const id = await kept(app, "auth0-logs", sampleOf("auth0-logs").webhook);
    files["auth0-logs"] = logs as (typeof files)["auth0-logs"];
    expect((await ask(app, `/events/${id}?ask=replay`)).says).toContain("It would be a lead");
    const { headers } = await press(app, `/events/${id}/replay`);
    const { status, says } = await ask(app, (headers.get("location") ?? "").replace("/admin", ""));
    expect(status).toBe(200);
    expect(says).toContain("It is kept as its events now");
  });

  it("end a pending event, after asking", async () => {
    const app = await open({ settings: { DUB_API_KEY: "" } });
    const id = await kept(app);
    const { html, says } = await ask(app, `/events/${id}?ask=end`);
    expect(says).toContain("It is not delivered then.");
    expect(html).toContain(`<form method="post" action="/admin/events/${id}/end">`);
    expect((await press(app, `/events/${id}/end`)).headers.get("location")).toContain("said=ended");
    expect(await app.row()).toMatchObject({ status: "failed", reason: "ended_by_operator" });
    expect((await press(app, `/events/${id}/end`)).headers.get("location")).toContain("said=not-pending");
    expect((await ask(app, `/events/${id}?said=not-pending`)).says).toContain("It was not ended");
    expect((await ask(app, `/events/${id}?ask=end`)).says).toContain("It can't be ended: it is not pending.");
  });

  it("forget the person, after asking", async () => {
    const app = await open();
    const id = await kept(app);
    const other = await kept(app, "clerk", signUp("user_twin", null));
    const { html, says, size } = await ask(app, `/events/${id}?ask=forget`);
    expect(says).toMatch(/Known as user_\w+, user_twin, mira@orchard\.example \. Would be erased: 2 events/);
    expect(html).toContain(`<form method="post" action="/admin/events/${id}/forget">`);
    expect(size).toBeLessThan(LIMIT);
    expect((await app.rows()).every(({ lead }) => lead !== null)).toBe(true);

    const crossSite = { method: "POST", headers: { origin: "https://evil.example" } };
    expect((await ask(app, `/events/${id}/forget`, crossSite)).status).toBe(403);
    expect((await press(app, `/events/${id}/forget`)).headers.get("location")).toContain("said=forgotten");
    expect((await app.rows()).map(({ id: one, lead }) => [one, lead])).toEqual([
      [id, null],
      [other, null],
    ]);
    const after = await ask(app, `/events/${id}?said=forgotten`);
    expect(after.says).toContain("The person is forgotten here");
    expect(after.html).not.toContain("ask=forget");
    expect((await press(app, `/events/${id}/forget`)).headers.get("location")).toContain("said=nobody");
  });

  it("not forget whom an event of somebody else names, nor too many at once", async () => {
    const app = await open();
    const webhook = signUp("user_other", null) as { data: object };
    const id = await kept(app);
    const named = { ...webhook, data: { ...webhook.data, email_addresses: [], by: "MIRA@orchard.example" } };
    const other = await kept(app, "clerk", named);
    expect((await ask(app, `/events/${id}?ask=forget`)).html).toContain(`<a href="/admin/events/${other}">`);
    for (let i = 0; i < 21; i++) await kept(app, "clerk", signUp(`user_${i}`, null));
    const { says, html } = await ask(app, `/events/${id}?ask=forget`);
    expect(says).toContain("belongs to more than 20 customers");
    expect(html).not.toContain('/forget"');
    await press(app, `/events/${id}/forget`);
    expect((await app.rows()).every(({ lead }) => lead !== null)).toBe(true);
  });

  it("says nothing that the address makes up", async () => {
    const app = await open();
    const id = await kept(app);
    for (const said of ["<b>x</b>", "toString", "__proto__", "left-"])
      expect((await ask(app, `/events/${id}?said=${encodeURIComponent(said)}`)).html).not.toContain(
        'class="said"',
      );
  });

  it("download the payload as it came, which is shown with credentials hidden", async () => {
    const app = await open();
    const webhook = signUp("user_1") as { data: Record<string, unknown> };
    webhook.data.sessionToken = "sesame";
    webhook.data.number = "12345678901234567890";
    const id = await kept(app, "clerk", webhook);
    const { html } = await ask(app, `/events/${id}`);
    expect(html).not.toContain("sesame");
    expect(html).toContain("[hidden]");
    const { headers, html: text } = await ask(app, `/events/${id}/payload`);
    expect([headers.get("content-type"), headers.get("content-disposition")]).toEqual([
      "application/json; charset=utf-8",
      `attachment; filename="event-${id}.json"`,
    ]);
    expect(JSON.parse(text)).toEqual(webhook);
    expect((await ask(app, `/events/${id}/sample`)).html).not.toContain("sesame");
  });
});

describe("what Dub lists", () => {
  it("is asked on demand: the leads, with link and partner", async () => {
    const app = await open();
    const id = await kept(app);
    await app.pump();
    app.clock.now += 61 * MINUTE;
    const asked = app.dub.asked.length;
    await ask(app, `/events/${id}`);
    expect(app.dub.asked).toHaveLength(asked);
    const { status, says } = await press(app, `/events/${id}/dub`);
    expect(status).toBe(200);
    expect(says).toContain("Dub knows the customer, and lists one lead.");
    expect(says).toMatch(/Sign Up\s+2026-03-10T12:00:00.000Z\s+https:\/\/go.example\/Xk3p\s+pn_local/);
    expect((await ask(app, `/events/${id}/dub`)).headers.get("location")).toBe(`/admin/events/${id}`);
  });

  it.each<[boolean | "over_limit", string, string]>([
    [
      false,
      "The provided key does not have the required permissions",
      "the key lacks the permission analytics.read",
    ],
    ["over_limit", "You've reached your limit of", "the Dub workspace is over its events limit"],
  ])(
    "a refusal is told by its meaning, in Dub's words (analytics.read: %s)",
    async (analytics, said, means) => {
      const app = await open({ dub: { analytics } });
      const id = await kept(app);
      await app.pump();
      const { says } = await press(app, `/events/${id}/dub`);
      expect(says).toContain(`(GET /events: 403). In its words: “${said}`);
      expect(says).toContain(`That means: ${means}`);
    },
  );

  it.each<[string, Record<string, string>, string]>([
    ["an unknown customer", {}, "Dub knows no customer with this id"],
    ["no key", { DUB_API_KEY: "" }, "the secret DUB_API_KEY is not set"],
    ["a key of the wrong kind", { DUB_API_KEY: "x" }, "Dub could not be asked: DUB_API_KEY must be"],
    [
      "a key that is refused",
      { DUB_API_KEY: "dub_wrong" },
      "Dub does not answer this to the key (GET /customers: 401)",
    ],
  ])("%s", async (_, settings, said) => {
    const app = await open({ settings });
    const id = await kept(app);
    expect((await press(app, `/events/${id}/dub`)).says).toContain(said);
  });

  it("no answer", async () => {
    const app = await open({ fetch: async () => new Response("<html>", { status: 502 }) });
    const id = await kept(app);
    expect((await press(app, `/events/${id}/dub`)).says).toContain(
      "Dub gave no answer of use (GET /customers: 502)",
    );
  });
});

it("a copy as a sample fits what the mapping file makes of it, for every sample there is", async () => {
  const app = await open();
  let checked = 0;
  for (const [provider, name, sample] of samples) {
    for (const answer of await app.send(provider, sample.webhook, { headers: sample.headers ?? {} })) {
      if (!("id" in answer)) continue;
      const { status, html } = await ask(app, `/events/${answer.id}/sample.json`);
      expect(status, `${provider}/${name}`).toBe(200);
      const made = Sample.parse(JSON.parse(html));
      const mapping = compileMapping(provider, mappings[provider as keyof typeof mappings]);
      expect(asExpected(made.expect, mapSample(mapping, made).map(resultOf)), `${provider}/${name}`).toBe(
        true,
      );
      checked++;
    }
    await db.exec("DELETE FROM events");
  }
  expect(checked).toBeGreaterThan(20);
});

it.each(["link_disabled", "dub_key_missing"] as const)(
  "a list of one reason says what it means: %s",
  async (reason) => {
    const { html, says } = await ask(await open(), `/events?reason=${reason}`);
    const { means, todo } = REASONS[reason];
    expect(html).toContain(`<a href="${reasonPage(reason)}"><code>${reason}</code></a>`);
    const words = `${means}. What to do: ${todo}.`.replaceAll("`", "");
    expect(says.replace(/ ([.;])/g, "$1").replace(/ +/g, " ")).toContain(words);
  },
);

describe("code in sentences", () => {
  /** What is shown beside code, payloads and forms. */
  const proseOf = (html: string) =>
    textOf(
      html.replace(/<(code|pre|textarea|style|script)\b.*?<\/\1>/gs, "").replace(/ data-copy="[^"]*"/g, ""),
    );

  it("no page shows a literal backtick, whatever the reason", async () => {
    const app = await open();
    expect(
      (Object.values(REASONS) as { means: string; todo: string }[]).filter(({ means, todo }) =>
        `${means}${todo}`.includes("`"),
      ).length,
    ).toBeGreaterThan(5);
    for (const [reason, { status }] of Object.entries(REASONS))
      await db
        .prepare(
          "INSERT INTO events (id, provider, event_id, type, status, reason, payload, received_at, next_attempt_at) VALUES (?1, 'clerk', ?1, 'user.created', ?2, ?1, '{}', ?3, iif(?2 = 'pending', ?3, NULL))",
        )
        .bind(reason, status, app.clock.now)
        .run();
    await db.exec("DELETE FROM transitions");
    const pages = Object.keys(REASONS).flatMap((reason) => [
      `/events/${reason}`,
      `/events/${reason}?ask=replay`,
      `/events?reason=${reason}`,
    ]);
    for (const path of [...pages, "", "/events", "/replay?status=rejected", "/replay?status=skipped,failed"])
      expect(proseOf((await ask(app, path)).html), path).not.toContain("`");
  });

  it("what the provider and the mapping file say is shown as it is", async () => {
    const rule = {
      on: { "*": "data.kind == `1` || `true`" },
      lead: { eventName: "'a`b'", customerExternalId: "data.id" },
      withoutClickId: "send",
    };
    const app = await open({
      mappings: { ...mappings, clerk: clerkWith({}, { test: "`false`", leads: [rule] }) },
    });
    const id = await kept(app, "clerk", { ...signUp("user_1"), type: "a`b`c" });
    const { says, html } = await ask(app, `/events/${id}`);
    expect(says).toContain("of type “a`b`c”");
    expect(says).toContain("on * if data.kind == `1` || `true`.");
    expect(says).toContain("the lead “a`b” of it");
    expect(html).not.toContain("<code>b</code>");
    const api = await app.fetch(
      new Request(`${ORIGIN}/api/events/${id}`, { headers: { authorization: `Bearer ${TOKEN}` } }),
    );
    const { story } = await api.json<{ story: { says: string }[] }>();
    expect(story.map(({ says }) => says).join("")).toMatch(/^\P{Cc}+$/u);
  });
});

/** Letters that take more than a byte in the body. */
const LONG: Record<string, number> = { '"': 550, 漢: 370, "\u0001": 180 };

describe("hostile content", () => {
  const EVIL = `</pre></textarea></script><script>alert(1)</script><img src=x onerror=alert(1)>"'&`;

  it("a customer named <script> is text, on every page", async () => {
    const app = await open();
    const webhook = signUp("user_1") as { data: Record<string, unknown> };
    Object.assign(webhook.data, { first_name: EVIL, last_name: null, [EVIL]: EVIL, id: EVIL.slice(0, 90) });
    const id = await kept(app, "clerk", webhook);
    await app.pump();
    for (const { html } of [
      await ask(app, `/events/${id}`),
      await ask(app, `/events/${id}?ask=replay`),
      await ask(app, `/events/${id}/sample`),
      await press(app, `/events/${id}/dub`),
    ]) {
      expect(html).toContain("&lt;script&gt;alert(1)");
      expect(html.match(/<script/g)).toEqual(["<script"]);
      expect(html).not.toMatch(/<img|<\/pre><\/textarea>/);
    }
  });

  it("a type of 255 strange characters is shown without those that deceive", async () => {
    const type = `<script>\u202e\u0000\ud800${"🧨\u200b\"'&".repeat(60)}`.slice(0, 255);
    const app = await open({ mappings: anything({ eventName: "'x'", customerExternalId: "data.id" }) });
    const id = await kept(app, "clerk", { ...signUp("user_1"), type });
    const { html, status, size } = await ask(app, `/events/${id}`);
    expect(status).toBe(200);
    expect(html).not.toMatch(/\u202e|\u200b|[^\n\P{Cc}]/u);
    expect(html.match(/<script/g)).toHaveLength(1);
    expect(size).toBeLessThan(LIMIT);
  });

  it.each([
    ["letters", "x"],
    ["quotes", '"'],
    ["signs of HTML", "&"],
    ["Chinese", "漢"],
    ["controls", "\u0001"],
  ])("stays below 30 kB with everything as large as can be: %s", async (_, letter) => {
    const fill = (length: number) => letter.repeat(length);
    const files = anything({
      clickId: "data.click",
      eventName: "data.text",
      customerExternalId: "data.text",
      customerName: "data.text",
      customerEmail: "data.email",
      customerAvatar: "data.text",
      metadata: "data.metadata",
    });
    const app = await open({ mappings: files });
    const room = letter === '"' ? 4900 : letter === "\u0001" ? 1600 : 9900;
    const webhook = {
      type: fill(255),
      timestamp: 1773144000000,
      data: {
        text: fill(100),
        click: fill(200),
        email: `${"m".repeat(40)}@example.com`,
        metadata: { [fill(20)]: fill(room / 2), b: fill(room / 2 - 100) },
        deep: JSON.parse(`${"[".repeat(90)}${"]".repeat(90)}`),
        // Nearly 1 MiB, the most that is taken.
        long: Array.from({ length: 900 }, () => fill(LONG[letter] ?? 1100)),
      },
    };
    const id = await kept(app, "clerk", webhook);
    await app.pump();
    for (let i = 0; i < 11; i++)
      await kept(app, "clerk", { ...webhook, type: fill(255), data: { ...webhook.data, long: [] } });
    const text = fill(300);
    for (let i = 0; i < 40; i++)
      await db
        .prepare("INSERT INTO attempts VALUES (?1, ?2, 'record', 500, 'dub_error', ?3, 12)")
        .bind(id, app.clock.now + i + 1, text)
        .run();
    await db
      .prepare("UPDATE events SET detail = ?1, warnings = ?2")
      .bind(
        fill(3000),
        JSON.stringify(Array.from({ length: 30 }, () => ({ field: "metadata", did: fill(300) }))),
      )
      .run();
    for (const page of [
      await ask(app, `/events/${id}`),
      await ask(app, `/events/${id}?ask=replay`),
      await ask(app, `/events/${id}/sample`),
      await press(app, `/events/${id}/dub`),
    ]) {
      expect(page.status).toBe(200);
      expect(page.size).toBeLessThan(LIMIT);
    }
    const { says } = await ask(app, `/events/${id}`);
    expect(says).toContain("It is longer: the download has all of it.");
    expect(says).toContain("older attempts are left out");
  });

  it("any payload is shown as its own JSON", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = [...linesOf(value)].map((line) => line.text).join("\n");
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(text).not.toMatch(/[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/);
      }),
    );
  });
});
