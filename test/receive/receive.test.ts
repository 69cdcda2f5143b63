/** What the webhook endpoint accepts, refuses and answers; the numbered must-have cases run over every provider. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { shipped as mappings } from "../../mappings/index.ts";
import { sampleBody } from "../../src/dev/samples/sign.ts";
import { MappingFile } from "../../src/mapping/schema.ts";
import { secretName } from "../../src/settings.ts";
import { secretFrom } from "../../src/verify/schemes.ts";
import { createTestApp, MINUTE, SECOND, sampleOf, signUp, withText } from "../support/app.ts";

const schemeOf = (provider: string) => MappingFile.parse(mappings[provider]).verify;
/** A usable secret for a provider that is not its own. */
const otherSecret = (provider: string) => secretFrom(schemeOf(provider), "another-secret-of-somebody-else");

afterEach(() => {
  vi.restoreAllMocks();
});

/** The refusal's reason in the ledger, after a 401 that does not tell it. */
async function expectRefused(
  app: Awaited<ReturnType<typeof createTestApp>>,
  request: Request,
  reason: string,
) {
  const response = await app.fetch(request);
  expect(response.status).toBe(401);
  expect(await response.json()).toEqual({
    error: "unauthorized",
    message: "The webhook could not be verified.",
  });
  expect(await app.rows()).toEqual([]);
  expect(await app.refusals()).toMatchObject([{ reason }]);
}

describe.each(Object.keys(mappings))("%s: must-have cases", (provider) => {
  const body = sampleBody(sampleOf(provider));
  const scheme = schemeOf(provider);
  const signed = scheme.scheme !== "token";
  const tolerance = scheme.scheme === "hmac" ? scheme.timestamp?.tolerance : signed ? 300 : undefined;
  const wrong = otherSecret(provider);
  const flush = 11 * SECOND;

  it("P1 takes what is genuine", async () => {
    const app = await createTestApp();
    const [answer] = await app.send(provider, body);
    expect(answer).toMatchObject({ status: "pending", reason: "new" });
    expect((await app.rows())[0]).toMatchObject({ provider, status: "pending" });
  });

  // A token does not cover the body.
  if (signed)
    it("P2 refuses a tampered body", async () => {
      const app = await createTestApp();
      const genuine = await app.request(provider, body);
      const tampered = new Request(genuine, { method: "POST", body: new Uint8Array([...body, 32]) });
      await expectRefused(app, tampered, "signature_mismatch");
    });

  it("P3 refuses a wrong secret", async () => {
    const app = await createTestApp();
    await expectRefused(
      app,
      await app.request(provider, body, { secret: wrong }),
      signed ? "signature_mismatch" : "token_mismatch",
    );
  });

  it("P4 refuses when any header of the scheme is missing", async () => {
    const app = await createTestApp();
    const genuine = await app.request(provider, body);
    for (const name of [...genuine.headers.keys()].filter((header) => header !== "content-type")) {
      app.clock.now += flush;
      const without = await app.request(provider, body);
      without.headers.delete(name);
      expect((await app.fetch(without)).status).toBe(401);
    }
    expect(await app.rows()).toEqual([]);
    const reasons = (await app.refusals()).map(({ reason }) => reason);
    expect(reasons).toEqual(["missing_header"]);
  });

  it("P5 answers an empty body with 400, signed or not at all with 401", async () => {
    const app = await createTestApp();
    const empty = await app.fetch(await app.request(provider, new Uint8Array()));
    expect([empty.status, await empty.json()]).toEqual([
      400,
      { error: "not_json", message: "The body is not JSON." },
    ]);
    expect((await app.fetch(new Request(`https://x/webhooks/${provider}`, { method: "POST" }))).status).toBe(
      401,
    );
  });

  it("P6 takes a body of many-byte characters", async () => {
    const app = await createTestApp();
    const manyByte = "Zoë 🌱 美羅";
    const { sample, changed } = withText(sampleOf(provider), manyByte);
    await app.send(provider, sampleBody(sample));
    const leads = (await app.rows()).map(({ lead }) => lead);
    expect(changed).toBeGreaterThan(0);
    expect(leads.join()).toContain(manyByte);
  });

  it("P7 answers bytes that are not UTF-8 with 400", async () => {
    const app = await createTestApp();
    const response = await app.fetch(await app.request(provider, new Uint8Array([0x7b, 0xff, 0xfe, 0x7d])));
    expect([response.status, ((await response.json()) as { error: string }).error]).toEqual([
      400,
      "not_utf8",
    ]);
  });

  if (tolerance)
    it("T1–T3 takes a timestamp at the tolerance and refuses one past it, in both directions", async () => {
      const app = await createTestApp();
      for (const direction of [-1, 1]) {
        const at = app.clock.now + direction * tolerance * SECOND;
        expect((await app.fetch(await app.request(provider, body, { at }))).status).toBe(200);
      }
      app.clock.now += flush;
      const old = await app.fetch(
        await app.request(provider, body, { at: app.clock.now - (tolerance + 1) * SECOND }),
      );
      app.clock.now += flush;
      const future = await app.fetch(
        await app.request(provider, body, { at: app.clock.now + (tolerance + 1) * SECOND }),
      );
      expect([old.status, future.status]).toEqual([401, 401]);
      expect((await app.refusals()).map(({ reason }) => reason)).toEqual([
        "timestamp_in_future",
        "timestamp_too_old",
      ]);
    });

  it("R1 takes the old and the new secret while it is rotated", async () => {
    const app = await createTestApp();
    app.env[secretName(provider)] = `${wrong}\n ${app.secretOf(provider)}\n`;
    for (const secret of [wrong, app.secretOf(provider)])
      expect((await app.fetch(await app.request(provider, body, { secret }))).status).toBe(200);
  });

  it("R2 answers a redelivery with what became of it, and changes nothing", async () => {
    const app = await createTestApp();
    const also = { id: "msg_the_same" };
    const [first] = await app.send(provider, body, also);
    expect(first).not.toHaveProperty("redelivery");
    await app.pump();
    const before = await app.rows();
    app.clock.now += MINUTE;
    const [again] = await app.send(provider, body, also);
    await app.pump();
    expect(again).toMatchObject({ status: "delivered", reason: "recorded", redelivery: true });
    expect(await app.rows()).toEqual(before);
    expect(app.dub.calls).toHaveLength(2);
  });
});

describe("addresses and methods", () => {
  it("names the secret to set when a provider is off", async () => {
    const app = await createTestApp({ settings: { AUTH0_LOGS_WEBHOOK_SECRET: " " } });
    const response = await app.fetch(
      new Request("https://x/webhooks/auth0-logs", { method: "POST", body: "{}" }),
    );
    expect([response.status, await response.json()]).toEqual([
      404,
      {
        error: "provider_off",
        message: "This provider is off. Set the Worker secret AUTH0_LOGS_WEBHOOK_SECRET to turn it on.",
      },
    ]);
  });

  it.each(["nobody", "__proto__", "constructor", "toString", "..%2fclerk", "clerk%00", "CLERK"])(
    "answers 404 to /webhooks/%s",
    async (name) => {
      const app = await createTestApp();
      const response = await app.fetch(
        new Request(`https://x/webhooks/${name}`, { method: "POST", body: "{}" }),
      );
      expect(response.status).toBe(404);
      expect(await response.text()).toContain(`There are: ${Object.keys(mappings).join(", ")}.`);
    },
  );

  it.each(["GET", "PUT", "DELETE", "HEAD", "OPTIONS"])("answers 405 to %s", async (method) => {
    const app = await createTestApp();
    const response = await app.fetch(new Request("https://x/webhooks/clerk", { method }));
    expect([response.status, response.headers.get("allow")]).toEqual([405, "POST"]);
  });

  it("says at / what it is, and 404 elsewhere", async () => {
    const app = await createTestApp();
    expect((await app.fetch(new Request("https://x/"))).status).toBe(200);
    expect((await app.fetch(new Request("https://x/else"))).status).toBe(404);
  });
});

it("a secret that is changed counts at once, and the old one no more", async () => {
  const app = await createTestApp();
  const old = app.secretOf("clerk");
  const changed = secretFrom(schemeOf("clerk"), "the-secret-that-comes-after-it");
  const sent = async (secret: string) =>
    (await app.fetch(await app.request("clerk", signUp("user_1"), { secret }))).status;
  expect([await sent(old), await sent(changed)]).toEqual([200, 401]);
  app.env.CLERK_WEBHOOK_SECRET = changed;
  expect([await sent(old), await sent(changed)]).toEqual([401, 200]);
});

it("imports a provider's key once, not for each request", async () => {
  const app = await createTestApp();
  const secret = otherSecret("clerk");
  app.env.CLERK_WEBHOOK_SECRET = secret;
  const requests = [1, 2, 3].map((n) => app.request("clerk", signUp(`user_${n}`), { secret }));
  const [first, ...others] = await Promise.all(requests);
  const imported = vi.spyOn(crypto.subtle, "importKey");
  for (const request of [first, ...others]) expect((await app.fetch(request as Request)).status).toBe(200);
  expect(imported).toHaveBeenCalledTimes(1);
});

describe("size and form of the body", () => {
  it.each([
    ["with", true],
    ["without", false],
  ])("takes MAX_BODY_BYTES and not one more, %s content-length", async (_, declared) => {
    const app = await createTestApp({ settings: { MAX_BODY_BYTES: "2048" } });
    for (const [size, status] of [
      [2048, 200],
      [2049, 413],
    ] as const) {
      const json = new TextEncoder().encode(JSON.stringify({ type: "session.created", pad: "" }));
      const body = new Uint8Array(size).fill(32);
      body.set(json);
      const signed = await app.request("clerk", body);
      const stream = new Blob([body]).stream();
      const request = declared
        ? signed
        : new Request(signed.url, { method: "POST", headers: signed.headers, body: stream });
      expect((await app.fetch(request)).status).toBe(status);
    }
  });

  it.each([
    ["nested a hundred levels", `{"type":"x","a":${"[".repeat(99)}${"]".repeat(99)}}`, 200],
    ["nested a hundred and one levels", `{"type":"x","a":${"[".repeat(100)}${"]".repeat(100)}}`, 400],
    ["brackets inside text", `{"type":"x","a":"${'[{\\"'.repeat(200)}"}`, 200],
    ["nothing but opening brackets", "[".repeat(200_000), 400],
    ["half a document", '{"type":', 400],
    ["NaN", '{"a":NaN}', 400],
    ["JSON lines where they are not expected", '{"type":"x"}\n{"type":"y"}', 400],
    ["a gzip body", "\u001f\u008b\u0008", 400],
  ])("%s", async (_, text, status) => {
    const app = await createTestApp();
    expect((await app.fetch(await app.request("clerk", new TextEncoder().encode(text)))).status).toBe(status);
  });

  it("reads duplicate keys, __proto__ keys and numbers past all bounds plainly", async () => {
    const app = await createTestApp();
    const text = JSON.stringify(signUp("user_1")).replace(
      '"id":"user_1"',
      '"id":"user_0","__proto__":{"id":"evil"},"id":12345678901234567890,"created_at":1e400',
    );
    await app.send("clerk", new TextEncoder().encode(text));
    const row = await app.row();
    expect(JSON.parse(row.lead ?? "")).toMatchObject({ customerExternalId: "12345678901234567890" });
    expect(row.payload).toBe(text);
    expect(({} as { id?: string }).id).toBeUndefined();
  });
});

describe("Auth0 log streams", () => {
  const logs = () => sampleOf("auth0-logs").webhook as { log_id: string; data: Record<string, unknown> }[];

  it.each([
    ["array", (all: unknown[]) => JSON.stringify(all)],
    ["lines", (all: unknown[]) => `${all.map((one) => JSON.stringify(one)).join("\r\n")}\n\n`],
  ])("answers each event of a JSON %s", async (_, format) => {
    const app = await createTestApp();
    const answers = await app.send("auth0-logs", new TextEncoder().encode(format(logs())));
    expect(answers.map(({ status }) => status)).toEqual(["pending", "ignored"]);
  });

  it("takes a single JSON object", async () => {
    const app = await createTestApp();
    expect(await app.send("auth0-logs", logs()[0])).toMatchObject([{ status: "pending" }]);
  });

  const batch = (size: number) => {
    const [log] = logs();
    return Array.from({ length: size }, (_, i) => {
      const one = structuredClone(log) as { log_id: string; data: Record<string, unknown> };
      one.log_id = `log_${i}`;
      one.data.user_id = i % 10 === 7 ? null : `auth0|${i}`;
      if (i % 10 === 8) one.data.type = "s";
      if (i % 10 === 9) one.data.details = { body: { email: "jo@orchard.example" } };
      return one;
    });
  };

  it("takes a batch of 1,000, says what became of each, and makes a lead of every good one", async () => {
    const app = await createTestApp({ dub: { limit: Number.POSITIVE_INFINITY } });
    const answers = await app.send("auth0-logs", batch(1000));
    const said = answers.map((answer) => ("reason" in answer ? answer.reason : answer.status));
    const tenth = [...Array(7).fill("new"), "no_customer_id", "ignored", "no_click_id"];
    expect(said).toEqual(Array(100).fill(tenth).flat());
    await app.pump();
    expect(app.dub.recorded).toHaveLength(700);
    expect((await app.rows()).filter(({ status }) => status === "pending")).toEqual([]);
  });

  const small = (size: number) =>
    Array.from({ length: size }, (_, i) => ({
      log_id: `log_${i}`,
      data: { type: "ss", user_id: `auth0|${i}` },
    }));

  it("keeps 4,000 events of a webhook, refuses one more, and does not count what it ignores", async () => {
    const app = await createTestApp();
    const others = Array.from({ length: 5000 }, () => ({ data: { type: "s" } }));
    expect(await app.send("auth0-logs", [...small(4000), ...others])).toHaveLength(9000);
    expect(await app.rows()).toHaveLength(4000);
    const response = await app.fetch(await app.request("auth0-logs", small(4001)));
    expect([response.status, await response.json()]).toEqual([
      413,
      {
        error: "too_many_events",
        message: "The webhook holds 4001 events to keep, 4000 are taken. Send smaller batches.",
      },
    ]);
    expect(await app.rows()).toHaveLength(4000);
  });

  it("takes a batch of 1,001 of which one is bad; those past 1,000 come by the sweep", async () => {
    const app = await createTestApp({ dub: { limit: Number.POSITIVE_INFINITY } });
    const events: unknown[] = batch(1112).filter((_, i) => i % 10 < 7 || i % 10 === 9);
    events.splice(500, 1, "no object");
    const answers = await app.send("auth0-logs", events);
    expect(answers.filter(({ status }) => status === "rejected")).toHaveLength(1);
    await app.pass(3 * MINUTE);
    const good = answers.filter(({ status }) => status === "pending").length;
    expect(app.dub.recorded).toHaveLength(good);
  });

  it("a webhook of which the ledger kept a part is answered 503, and kept when it comes again", async () => {
    const app = await createTestApp();
    const { DB } = app.env;
    let batches = 0;
    const failing = {
      prepare: DB.prepare.bind(DB),
      batch: (statements: Parameters<typeof DB.batch>[0]) => {
        if (++batches === 2) throw new Error("ledger is down");
        return DB.batch(statements);
      },
    };
    Object.assign(app.env, { DB: failing });
    app.down.queue = true;
    expect((await app.fetch(await app.request("auth0-logs", small(1500)))).status).toBe(503);
    expect(await app.rows()).toHaveLength(1000);
    Object.assign(app.env, { DB });
    expect(await app.send("auth0-logs", small(1500))).toHaveLength(1500);
    expect(await app.rows()).toHaveLength(1500);
  });

  it("keeps a broken line as rejected and takes the others", async () => {
    const app = await createTestApp();
    const body = new TextEncoder().encode(`${JSON.stringify(logs()[0])}\n{"log_id": "9`);
    expect(await app.send("auth0-logs", body)).toMatchObject([
      { status: "pending" },
      { status: "rejected", reason: "not_an_object" },
    ]);
    expect((await app.rows())[1]?.payload).toBe('"{\\"log_id\\": \\"9"');
  });

  it("takes the token bare, with Bearer, and with Bearer in the secret too; not another", async () => {
    const app = await createTestApp();
    const secret = app.secretOf("auth0-logs");
    for (const [inSecret, header, status] of [
      [secret, secret, 200],
      [secret, `Bearer ${secret}`, 200],
      [`Bearer ${secret}`, `bearer ${secret}`, 200],
      [`Bearer ${secret}`, "Bearer", 401],
      [`Bearer ${secret}`, "Bearer Bearer", 401],
      [secret, secret.slice(1), 401],
    ] as const) {
      app.env.AUTH0_LOGS_WEBHOOK_SECRET = inSecret;
      expect(
        (await app.fetch(await app.request("auth0-logs", logs(), { headers: { authorization: header } })))
          .status,
      ).toBe(status);
    }
  });
});

describe("test events", () => {
  it.each([
    ["auth0", "test-event"],
    ["clerk", "dashboard-test"],
    ["stripe", "test-mode"],
  ])("%s/%s is skipped, unless ACCEPT_TEST_EVENTS is true", async (provider, name) => {
    const { webhook } = sampleOf(provider, name);
    const strict = await createTestApp();
    expect(await strict.send(provider, webhook)).toMatchObject([{ status: "skipped", reason: "test_event" }]);
    const open = await createTestApp({ settings: { ACCEPT_TEST_EVENTS: "true" } });
    const [answer] = await open.send(provider, webhook);
    expect(answer).not.toMatchObject({ reason: "test_event" });
  });
});

describe("what is wrong on our side is 503 with a sentence, so that the provider sends again", () => {
  it.each([
    [
      { MAX_BODY_BYTES: "1 MB", ACCEPT_TEST_EVENTS: "yes" },
      "MAX_BODY_BYTES must be a whole number of bytes from 1024 to 1048576; ACCEPT_TEST_EVENTS must be true or false.",
    ],
  ])("%j", async (settings, message) => {
    const app = await createTestApp({ settings });
    const response = await app.fetch(new Request("https://x/webhooks/clerk", { method: "POST", body: "{}" }));
    expect([response.status, await response.json()]).toEqual([503, { error: "misconfigured", message }]);
  });

  it.each([
    ["clerk", "whsec_c2hvcnQ=", "CLERK_WEBHOOK_SECRET decodes to 5 bytes, at least 16 are needed: "],
    ["stripe", '"whsec_kP3vX9qLm2RtYw7BnH5s"', "STRIPE_WEBHOOK_SECRET contains quotation marks: "],
    ["auth0", "fifteen-letters", "AUTH0_WEBHOOK_SECRET must have at least 16 characters: "],
  ])("a secret of %s that can't be used; how, only the log says", async (provider, secret, said) => {
    const lines = vi.spyOn(console, "error").mockImplementation(() => {});
    const name = secretName(provider);
    const app = await createTestApp({ settings: { [name]: secret } });
    const response = await app.fetch(
      new Request(`https://x/webhooks/${provider}`, { method: "POST", body: "{}" }),
    );
    expect([response.status, await response.json()]).toEqual([
      503,
      { error: "misconfigured", message: `The Worker secret ${name} can't be used; the log says why.` },
    ]);
    expect(JSON.parse(lines.mock.calls[0]?.[0])).toMatchObject({
      code: "misconfigured",
      provider,
      message: expect.stringContaining(said),
    });
  });

  it("the keys of a mapping are its own: with another scheme, other keys", async () => {
    const secret = "whsec_kP3vX9qLm2RtYw7BnH5s";
    const other = { ...(mappings.stripe as object), verify: { scheme: "token", header: "authorization" } };
    for (const files of [mappings, { stripe: other }, mappings]) {
      const app = await createTestApp({ mappings: files, settings: { STRIPE_WEBHOOK_SECRET: secret } });
      expect(
        (await app.fetch(await app.request("stripe", sampleOf("stripe").webhook, { secret }))).status,
      ).toBe(200);
    }
  });

  it("a wrong mapping file", async () => {
    const app = await createTestApp({
      mappings: { clerk: { ...(mappings.clerk as object), type: "typ e" } },
    }).catch((error: Error) => error);
    if (app instanceof Error) throw app;
    const response = await app.fetch(new Request("https://x/webhooks/clerk", { method: "POST", body: "{}" }));
    expect([response.status, await response.text()]).toEqual([
      503,
      expect.stringContaining("clerk/mapping.json: type: "),
    ]);
  });
});

describe("what the sender is told, and what the operator is told", () => {
  it("counts a flood of forged webhooks in one row with few writes", async () => {
    const app = await createTestApp();
    const prepare = vi.spyOn(Object.getPrototypeOf((await import("../support/app.ts")).db), "prepare");
    for (let i = 0; i < 500; i++) {
      app.clock.now += 40; // twenty seconds in all
      const response = await app.fetch(
        new Request("https://x/webhooks/stripe", {
          method: "POST",
          body: "{}",
          headers: { "stripe-signature": `t=${(app.clock.now / 1000) | 0},v1=${"ab".repeat(32)}` },
        }),
      );
      expect(response.status).toBe(401);
    }
    expect(prepare.mock.calls.length).toBeLessThanOrEqual(3);
    prepare.mockRestore();
    app.clock.now += 11 * SECOND;
    await app.fetch(
      new Request("https://x/webhooks/stripe", {
        method: "POST",
        body: "{}",
        headers: { "stripe-signature": `t=${(app.clock.now / 1000) | 0},v1=${"ab".repeat(32)}` },
      }),
    );
    expect(await app.refusals()).toEqual([
      {
        provider: "stripe",
        reason: "signature_mismatch",
        count: 501,
        evidence:
          "the signature does not match the secret in STRIPE_WEBHOOK_SECRET: the secret is another endpoint's, or the body was changed on its way (by a proxy or gateway that parses and rewrites JSON, or unpacks gzip)",
      },
    ]);
    expect(await app.rows()).toEqual([]);
  });

  it("takes an address out of what Dub says", async () => {
    const lines: string[] = [];
    vi.spyOn(console, "warn").mockImplementation((line) => void lines.push(line));
    const error = { code: "unprocessable_entity", message: "no customer mira@orchard.example here" };
    const app = await createTestApp({ fetch: async () => Response.json({ error }, { status: 422 }) });
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    expect(lines.join()).toContain("no customer <e-mail> here");
  });

  it("holds no secret, e-mail or name in any log line or answer", async () => {
    const lines: string[] = [];
    for (const level of ["info", "warn", "error", "log"] as const)
      vi.spyOn(console, level).mockImplementation((...parts) => void lines.push(parts.join(" ")));
    const app = await createTestApp({
      dub: { fault: ({ customerExternalId }) => (customerExternalId.length % 2 ? "bad_gateway" : undefined) },
    });
    const answers: string[] = [];
    for (const provider of Object.keys(mappings)) {
      const body = sampleBody(sampleOf(provider));
      for (const also of [
        {},
        { headers: { authorization: "Bearer mira@orchard.example-is-no-token" } },
        { at: 0 },
      ])
        answers.push(await (await app.fetch(await app.request(provider, body, also))).text());
      answers.push(await (await app.fetch(await app.request(provider, body.slice(0, -2)))).text());
    }
    await app.pump();
    await app.pass(5 * MINUTE);
    const all = [...lines, ...answers].join("\n");
    expect(lines.length).toBeGreaterThan(10);
    expect(all).not.toMatch(/\bmira\b|solberg|orchard\.example/i);
    for (const provider of Object.keys(mappings)) expect(all).not.toContain(app.secretOf(provider));
    expect(all).not.toContain(app.env.DUB_API_KEY);
  });
});
