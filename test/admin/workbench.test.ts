/** The workbench: what it shows of a mapping file and a webhook, and that nothing else happens. */
import { describe, expect, it, vi } from "vitest";
import { shipped } from "../../mappings/index.ts";
import type { Tried } from "../../src/admin/workbench.ts";
import { clerkWith, open, post, type TestApp, TOKEN } from "../support/admin.ts";
import { createTestApp, sampleOf, samples, signUp } from "../support/app.ts";

const PAGE = 30 * 1024;
const json = (value: unknown) => JSON.stringify(value, null, 2);
const CLERK = json(shipped.clerk);
const SIGN_UP = json(sampleOf("clerk").webhook);

async function page(app: TestApp, path = "/admin/workbench", form?: Record<string, string>) {
  const body = form && new FormData();
  for (const [name, value] of Object.entries(form ?? {})) body?.set(name, value);
  const response = await app.fetch(
    new Request(`https://leads.example${path}`, {
      headers: { authorization: `Basic ${btoa(`anyone:${TOKEN}`)}` },
      ...(body && { method: "POST", body }),
    }),
  );
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, says: said(text) };
}

/** What a person reads: the text of the result, without tags. */
function said(html: string): string {
  const result = html.split('id="result"')[1] ?? html;
  return result
    .replace(/<[^>]*>/g, " ")
    .replace(/&quot;/g, '"')
    .replace(/&#39;/g, "'")
    .replace(/&lt;/g, "<")
    .replace(/&gt;/g, ">")
    .replace(/&amp;/g, "&")
    .replace(/[ \n]+/g, " ");
}

/** What stands in a text area, as a browser reads it. */
function typedIn(html: string, name: string): string {
  const [, text = ""] = new RegExp(`<textarea id="${name}"[^>]*>\n([^<]*)</textarea>`).exec(html) ?? [];
  return text
    .replace(/&quot;/g, '"')
    .replace(/&#39;/g, "'")
    .replace(/&lt;/g, "<")
    .replace(/&gt;/g, ">")
    .replace(/&amp;/g, "&");
}

const tryIt = (app: TestApp, mapping: string, webhook = SIGN_UP, more: Record<string, string> = {}) =>
  page(app, "/admin/workbench", { provider: "clerk", mapping, webhook, ...more });

describe("what it begins with", () => {
  it("is off without a token, and closed without the password", async () => {
    const off = await createTestApp();
    expect((await off.fetch(new Request("https://leads.example/admin/workbench"))).status).toBe(404);
    const app = await open();
    for (const path of ["/admin/workbench", "/admin/workbench/mapping.json", "/api/workbench"]) {
      const request = new Request(`https://leads.example${path}`, { method: "POST", body: "{}" });
      expect([path, (await app.fetch(request)).status]).toEqual([path, 401]);
    }
  });

  it.each(Object.keys(shipped))("the mapping file of %s, of which nothing is wrong", async (provider) => {
    const app = await open();
    const { status, text, says } = await page(app, `/admin/workbench?provider=${provider}`);
    expect(status).toBe(200);
    expect(JSON.parse(typedIn(text, "mapping"))).toEqual(shipped[provider]);
    expect(text).toContain(`mappings/own/${provider}/mapping.json`);
    expect(says).toContain("Paste a webhook, and press Try.");
  });

  it("a mapping file to begin with for a provider that has none", async () => {
    const app = await open();
    for (const provider of ["new", "toString", "../x"]) {
      const { text, says } = await page(app, `/admin/workbench?provider=${encodeURIComponent(provider)}`);
      expect(JSON.parse(typedIn(text, "mapping"))).toMatchObject({ type: "type" });
      expect(says).toContain("Paste a webhook");
    }
  });

  it("a kept event, its payload and what becomes of it today; the newest are listed", async () => {
    const app = await open({
      mappings: { ...shipped, clerk: clerkWith({ customerExternalId: "data.nothing" }) },
    });
    const [kept] = await app.send("clerk", signUp("user_1"));
    await app.send("stripe", sampleOf("stripe").webhook);
    const id = kept && "id" in kept ? kept.id : "";
    const { text, says } = await page(app, `/admin/workbench?event=${id}`);
    expect(JSON.parse(typedIn(text, "webhook"))).toEqual(signUp("user_1"));
    expect(says).toContain("rejected: kept, and not sent to Dub no_customer_id");
    expect(says).toContain("lead.customerExternalId gave no value");
    expect(text.match(/href="\/admin\/workbench\?event=/g)).toHaveLength(1);

    expect((await page(app, "/admin/workbench?event=none")).says).toContain(
      "There is no event with the id none.",
    );
    await app.env.DB.prepare("UPDATE events SET payload = NULL").run();
    expect((await page(app, `/admin/workbench?event=${id}`)).says).toContain("is not kept any more");
  });

  it("credentials in the payload of a kept event are not shown", async () => {
    const app = await open();
    const [kept] = await app.send("clerk", { ...signUp("user_1"), password: "hunter2" });
    const { text } = await page(app, `/admin/workbench?event=${kept && "id" in kept ? kept.id : ""}`);
    expect(text).not.toContain("hunter2");
    expect(text).toContain("are left out");
  });

  it("a kept event of a batch is mapped as the event that it is", async () => {
    const [, , sample] = samples.find(([, name]) => name === "sign-up") ?? [];
    expect(sample).toBeDefined();
    const batch = {
      ...clerkWith({}),
      each: "events",
      type: { header: "x-type" },
      leads: [{ on: ["*"], lead: { eventName: "'X'", customerExternalId: "id" }, withoutClickId: "send" }],
    };
    const app = await open({ mappings: { clerk: batch } });
    const [kept] = await app.send(
      "clerk",
      { events: [{ id: "one" }, { id: "two" }] },
      { headers: { "x-type": "made" } },
    );
    const { text, says } = await page(app, `/admin/workbench?event=${kept && "id" in kept ? kept.id : ""}`);
    expect(text).toContain('name="header:x-type" value="made"');
    expect(text).toMatch(/name="isEvent" checked/);
    expect(says).toContain('"customerExternalId": "one"');
  });
});

describe("a webhook by a mapping file", () => {
  it("the lead, the rule, and each expression with its value, its line, and what it is made of", async () => {
    const app = await open();
    const { status, says, text } = await tryIt(app, CLERK);
    expect(status).toBe(200);
    for (const part of [
      "a lead type user.created, taken by rule 1 (leads[0])",
      '"customerExternalId": "user_31QhMira0Solberg000000001"',
      `lead.clickId "Xk3pQ9vLm2RtYw7B" data.unsafe_metadata.dubClickId $clickId 33`,
      `lead.customerName "Mira Solberg" data.first_name data.last_name $fullName || data.username 36`,
      "let.isOldUser false data.created_at timestamp",
    ])
      expect(says).toContain(part);
    expect(CLERK.split("\n")[32]).toContain("clickId");
    expect([typedIn(text, "mapping"), typedIn(text, "webhook")]).toEqual([CLERK, SIGN_UP]);
  });

  it.each(samples.map(([provider, name, sample]) => [provider, name, sample] as const))(
    "%s/%s becomes what the sample says",
    async (provider, _name, { webhook, headers = {}, expect: expected }) => {
      const app = await open();
      const { body } = await post(app, "/api/workbench", {
        provider,
        mapping: shipped[provider],
        webhook,
        headers,
      });
      const { mistakes, events } = body as unknown as Tried;
      expect(mistakes).toEqual([]);
      expect(
        events.map(({ becomes, reason, detail, lead, warnings }) =>
          becomes === "lead"
            ? {
                lead,
                ...(warnings.length > 0 && {
                  warnings: warnings.map(({ field, did }) => `${field}: ${did}`),
                }),
              }
            : becomes === "ignored"
              ? { ignored: true }
              : {
                  [becomes]: expected.some((one) => Object.values(one).includes(reason))
                    ? reason
                    : `${reason} (${detail})`,
                },
        ),
      ).toEqual(expected);
    },
  );

  it("why no rule takes it: none is for the type, or a condition is not met", async () => {
    const app = await open();
    const other = json(sampleOf("clerk", "other-event").webhook);
    expect((await tryIt(app, CLERK, other)).says).toContain(
      "ignored type session.created No rule takes the event: it is answered, and not kept. In detail: the rules are for user.created, user.updated, waitlistEntry.created.",
    );
    const old = await tryIt(app, CLERK, json(sampleOf("clerk", "imported-old-user").webhook));
    expect(old.says).toContain("a rule is for its type, and its condition is not met.");
    expect(old.says).toContain('leads[0].on["user.created"] false data.created_at timestamp !$isOldUser');
  });

  it("a webhook of another provider", async () => {
    const app = await open();
    const { says } = await tryIt(app, json(shipped["auth0-logs"]), SIGN_UP);
    expect(says).toContain("rejected: kept, and not sent to Dub no_event_type");
    expect(says).toContain("it looks like a webhook of auth0 (type user.created)");
  });

  it("a batch: the first ten events, and how many there are", async () => {
    const app = await open();
    const logs = Array.from({ length: 14 }, (_, i) => ({
      log_id: `log_${i}`,
      data: { type: i === 1 ? "s" : "ss" },
    }));
    const { says, text } = await tryIt(app, json(shipped["auth0-logs"]), json(logs));
    expect(says).toContain("Event 2: ignored");
    expect(says).toContain("Event 10: skipped: kept, and not sent to Dub no_click_id");
    expect(says).not.toContain("Event 11");
    expect(says).toContain("and 4 more events");
    expect(text).toContain("How the webhook is split");
    expect((await tryIt(app, json(shipped["auth0-logs"]), "[]")).says).toContain("it holds no event");
  });

  it("type and id from headers", async () => {
    const app = await open();
    const mapping = json({ ...clerkWith({}), type: { header: "X-Type" }, id: { header: "x-id" } });
    const without = await tryIt(app, mapping);
    expect(without.says).toContain("header X-Type is missing");
    expect(without.text).toContain('name="header:X-Type"');
    const given = await tryIt(app, mapping, SIGN_UP, {
      "header:X-Type": "user.created",
      "header:x-id": "evt_1",
    });
    expect(given.says).toContain("a lead");
    expect(given.text).toContain('name="header:x-id" value="evt_1"');
    const broken = await tryIt(app, "{", SIGN_UP, { "header:X-Type": "user.created" });
    expect(broken.text).toContain('name="header:X-Type" value="user.created"');
  });

  it("test events, as ACCEPT_TEST_EVENTS says", async () => {
    const test = json(sampleOf("auth0", "test-event").webhook);
    const auth0 = json(shipped.auth0);
    expect((await tryIt(await open(), auth0, test)).says).toContain("test_event");
    const accepting = await open({ settings: { ACCEPT_TEST_EVENTS: "true" } });
    expect((await tryIt(accepting, auth0, test)).says).toContain("a lead");
    const wrong = await open({ settings: { ACCEPT_TEST_EVENTS: "perhaps" } });
    expect((await tryIt(wrong, auth0, test)).says).toContain("test_event");
  });
});

describe("mistakes", () => {
  it.each<[string, string, string[]]>([
    [
      "no JSON",
      CLERK.replace('"name": "Clerk",', '"name": "Clerk"'),
      ["Mapping file, line 3, column 18", '"," or "}" is missing here'],
    ],
    ["nothing", "", ["Mapping file, line 1, column 1", "the file ends before it is complete"]],
    ["too deep", "[".repeat(101), ["it is nested more than 100 levels deep"]],
    ["a key twice", '{"name": "a", "name": "b"}', ["line 1, column 15", '"name" is there twice']],
    ["a list", "[]", ["Mapping file, line 1, column 1: (file)", "expected object"]],
    [
      "several at once, each with its place",
      CLERK.replace('"data.id"', '"uper(data.id)"')
        .replace('"data.first_name', '"data.first')
        .replace('$primaryEmail"', '$primaryMail"')
        .replace('"docs"', '"docz"'),
      ["line 1, column 1: docs expected string", "line 4, column 3: docz unknown key"],
    ],
    [
      "an unknown function",
      CLERK.replace('"data.id"', '"data.x || uper(data.id)"'),
      [
        "line 35, column 42: leads[0].lead.customerExternalId",
        "Unknown function: uper()",
        "data.x || uper(data.id)\n          ^",
      ],
    ],
    [
      "two expressions",
      CLERK.replace('"data.id"', '"uper(data.id)"').replace('"$primaryEmail"', '"$primaryMail"'),
      ["Unknown function: uper()", "Unknown name: $primaryMail. There are: $clickId,"],
    ],
    [
      "a long expression, around its mistake",
      CLERK.replace('"data.id"', `"${"data.abcdefghij || ".repeat(20)}uper(data.id)"`),
      [
        "Unknown function: uper()",
        `…defghij || data.abcdefghij || uper(data.id)
${" ".repeat(31)}^`,
      ],
    ],
  ])("in the mapping file: %s", async (_name, mapping, parts) => {
    const app = await open();
    const { status, text, says } = await tryIt(app, mapping);
    expect(status).toBe(200);
    for (const part of parts) expect(part.includes("\n") ? text : says).toContain(part);
    expect(typedIn(text, "mapping")).toBe(mapping);
    expect(text.length - mapping.length).toBeLessThan(PAGE);
  });

  it.each<[string, string, string[]]>([
    [
      "no JSON",
      '{"type": "user.created",\n "data": {,}}',
      ["Webhook, line 2, column 11", "in double quotes is missing here"],
    ],
    ["words", "hello", ["Webhook, line 1, column 1", "hello is no JSON"]],
    ["too deep", `{"a":${"[".repeat(200)}`, ["it is nested more than 100 levels deep"]],
    ["too much", `"${"a".repeat(256 * 1024)}"`, ["The webhook may have 256 kB"]],
  ])("in the webhook: %s", async (_name, webhook, parts) => {
    const app = await open();
    const { says } = await tryIt(app, CLERK, webhook);
    for (const part of parts) expect(says).toContain(part);
  });

  it("an expression that fails on this webhook: where, at which column, also inside of a name", async () => {
    const app = await open();
    const own = await tryIt(app, CLERK.replace('"data.id"', '"data.x || lower(data.created_at)"'));
    expect(own.says).toContain("rejected: kept, and not sent to Dub expression_failed");
    expect(own.text).toContain("data.x || lower(data.created_at)\n          ^");
    expect(own.says).toContain("error Invalid type: lower() expected argument 1 to be type (string)");

    const name = await tryIt(
      app,
      CLERK.replace("[data.first_name, data.last_name][?@]", "[data.created_at]"),
    );
    expect(name.says).toContain("a lead");
    expect(name.says).toContain(
      "Warning: customerName : dropped: leads[0].lead.customerName: Invalid type: join()",
    );
    expect(name.says).toMatch(
      / lead\.customerName error Invalid type: join.*? let\.fullName join\(' ', \[data\.created_at\]\) \^/,
    );
  });

  it("an expression that runs wild, and one that comes after it", async () => {
    const app = await open();
    const wild = "map(&map(&map(&map(&@, $.l), $.l), $.l), $.l)";
    const mapping = CLERK.replace('"$primaryEmail"', `"${wild}"`);
    const webhook = json({
      ...(sampleOf("clerk").webhook as object),
      l: Array.from({ length: 500 }, (_, i) => i),
    });
    const { says } = await tryIt(app, mapping, webhook);
    expect(says).toContain(
      "customerEmail : dropped: leads[0].lead.customerEmail: it takes more than 1,000,000 steps: simplify it",
    );
    expect(says).toContain("a lead");
    expect(says).toContain(
      `lead.customerEmail error it takes more than 1,000,000 steps: simplify it ${wild}`,
    );
    expect(says).toContain(`lead.customerAvatar "https://img.clerk.com/mira"`);

    const many = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`k${i}`, wild]));
    const all = json({
      ...clerkWith({ customerName: wild }),
      let: { ...(shipped.clerk as { let: object }).let, ...many },
    });
    const exhausted = await tryIt(app, all, webhook, { part: "result" });
    expect(exhausted.text.length).toBeLessThan(PAGE - 5000);
    expect(exhausted.says).toContain("not evaluated: the steps for all expressions are used up");
  });

  it("more than is taken", async () => {
    const app = await open();
    const { status, says } = await tryIt(app, CLERK, "a".repeat(500_000));
    expect([status, says]).toEqual([
      400,
      expect.stringContaining("The webhook may have 256 kB, and the mapping file 64 kB."),
    ]);
    expect((await tryIt(app, `"${"a".repeat(70_000)}"`)).says).toContain("the mapping file 64 kB");
    expect((await page(app, "/admin/workbench/mapping.json", { mapping: "a".repeat(500_000) })).status).toBe(
      400,
    );
  });
});

it("nothing is written, sent or logged", async () => {
  const calls: string[] = [];
  const app = await open({
    fetch: async ({ url }) => {
      calls.push(url);
      return new Response();
    },
  });
  const { DB, EVENTS } = app.env;
  let written = 0;
  const measured = (statement: D1PreparedStatement): D1PreparedStatement =>
    new Proxy(statement, {
      get(target, key) {
        if (key === "bind") return (...values: unknown[]) => measured(target.bind(...values));
        const value = Reflect.get(target, key) as (...args: unknown[]) => unknown;
        if (key !== "all" && key !== "run") return value.bind(target);
        return async () => {
          const result = await target[key]();
          written += result.meta.rows_written;
          return result;
        };
      },
    });
  const refuse = () => {
    throw new Error("not from the workbench");
  };
  Object.assign(app.env, {
    DB: {
      prepare: (sql: string) => measured(DB.prepare(sql) as unknown as D1PreparedStatement),
      batch: refuse,
    },
    EVENTS: { ...EVENTS, sendBatch: refuse },
  });
  const logged = vi.spyOn(console, "info");
  for (const log of ["warn", "error", "log"] as const) vi.spyOn(console, log).mockImplementation(logged);

  expect((await page(app)).status).toBe(200);
  for (const part of [{}, { part: "result" }] as Record<string, string>[])
    expect((await tryIt(app, CLERK, SIGN_UP, part)).says).toContain("a lead");
  const answer = await post(app, "/api/workbench", {
    mapping: shipped.clerk,
    webhook: sampleOf("clerk").webhook,
  });
  expect(answer.status).toBe(200);
  expect([written, calls, logged.mock.calls, app.waiting]).toEqual([0, [], [], []]);
  expect(await app.rows()).toEqual([]);
  vi.restoreAllMocks();
});

it("what is typed can't become a part of the page", async () => {
  const app = await open();
  const evil = `</textarea><script>alert(1)</script>"'><img src=x onerror=alert(1)>`;
  const strange = Array.from({ length: 255 }, (_, i) => String.fromCodePoint(i * 37 + 1)).join("");
  const mapping = json({
    ...clerkWith({ customerName: "evil", metadata: { [evil]: "evil" } }),
    type: "kind",
    id: { header: "x-y" },
    leads: [
      {
        on: ["*"],
        lead: {
          eventName: "kind",
          customerExternalId: "id",
          customerName: "evil",
          metadata: { [evil]: "evil" },
        },
        withoutClickId: "send",
      },
    ],
  });
  for (const kind of [evil, strange]) {
    const webhook = json({ kind, id: evil, evil, [evil]: evil });
    const { text } = await tryIt(app, mapping, webhook, { provider: evil, "header:x-y": evil });
    expect(text).not.toMatch(/<script>|<img|<\/textarea><script/);
    expect(text.match(/<\/textarea>/g)).toHaveLength(2);
    expect(text.match(/<script/g)).toHaveLength(1);
  }
  const broken = await tryIt(app, `{"${evil.replaceAll('"', '\\"')}": }`, evil);
  expect(broken.text.match(/<script/g)).toHaveLength(1);
});

it("a page has less than 30 kB beside what was typed", async () => {
  const app = await open();
  const long = (i: number) => `${i}`.padEnd(2000, "<&\"'");
  const logs = Array.from({ length: 40 }, (_, i) => ({
    log_id: long(i),
    data: {
      type: "ss",
      user_id: long(i),
      strategy: long(i),
      details: { body: { email: long(i), name: long(i), user_metadata: long(i) } },
    },
  }));
  for (const [mapping, webhook] of [
    [json(shipped["auth0-logs"]), json(logs)],
    [json(shipped.stripe), json(sampleOf("stripe").webhook)],
    [CLERK.replaceAll("data.", `data.${"x".repeat(500)}.`), SIGN_UP],
    [CLERK.replaceAll('"$', '"$nothing'), SIGN_UP],
    [CLERK.replaceAll('"$', `"${"<".repeat(500)}`), SIGN_UP],
  ] as const) {
    const whole = await tryIt(app, mapping, webhook);
    const result = await tryIt(app, mapping, webhook, { part: "result" });
    expect(result.text.length).toBeLessThan(PAGE - 5000);
    expect(whole.text).toContain("Workbench");
  }
});

it("the result alone, for the script", async () => {
  const app = await open();
  const { text, headers } = await tryIt(app, CLERK, SIGN_UP, { part: "result" });
  expect(headers.get("content-type")).toContain("text/html");
  expect(text).not.toMatch(/<html|<textarea/);
  expect(said(text)).toContain("a lead");
});

it("the mapping file is given back as it was typed", async () => {
  const app = await open();
  const { headers, text } = await page(app, "/admin/workbench/mapping.json", {
    mapping: CLERK.replaceAll("\n", "\r\n"),
  });
  expect(headers.get("content-disposition")).toBe('attachment; filename="mapping.json"');
  expect(text).toBe(`${CLERK}\n`);
});

describe("as JSON", () => {
  it("texts are taken as they are, with their lines", async () => {
    const app = await open();
    const { body } = await post(app, "/api/workbench", {
      provider: "clerk",
      mapping: CLERK,
      webhook: SIGN_UP,
    });
    const { events } = body as unknown as Tried;
    expect(events[0]?.steps.find(({ field }) => field === "customerEmail")).toEqual({
      path: "leads[0].lead.customerEmail",
      field: "customerEmail",
      source: "$primaryEmail",
      value: "mira@orchard.example",
      reads: ["data.email_addresses[1].email_address"],
      line: 37,
    });
  });

  it.each([
    ["no JSON", "{"],
    ["a list", []],
    ["null", "null"],
    ["no webhook", { mapping: {} }],
    ["a header that is no text", { mapping: {}, webhook: {}, headers: { a: 1 } }],
    ["isEvent that is no boolean", { mapping: {}, webhook: {}, isEvent: "yes" }],
    ["too large", { mapping: {}, webhook: "a".repeat(500_000) }],
  ])("%s is refused", async (_name, given) => {
    const app = await open();
    const { status, body } = await post(app, "/api/workbench", given);
    expect([status, body]).toEqual([400, { error: "bad_request", message: expect.any(String) }]);
  });
});

it("a reason's words show code as code", async () => {
  const app = await open();
  const noName = await tryIt(app, json(clerkWith({ eventName: "''" })));
  expect(noName.text).toContain("correct <code>lead.eventName</code> in the mapping file");
  const unsplit = await tryIt(app, json({ ...clerkWith({}), each: "nothing.here" }));
  expect(unsplit.text).toContain("<code>each</code> of the mapping file failed");
});
