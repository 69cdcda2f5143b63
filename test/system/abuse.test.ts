/** What is forged, replayed, misdirected or malformed: answered plainly, nothing kept of it, nothing told. */
import { describe, expect, it, vi } from "vitest";
import { shipped as mappings } from "../../mappings/index.ts";
import { sampleBody } from "../../src/dev/samples/sign.ts";
import {
  createTestApp,
  DAY,
  MINUTE,
  SECOND,
  sampleOf,
  samples,
  signUp,
  type TestAppOptions,
} from "../support/app.ts";

const providers = Object.keys(mappings);
const CLICK = "Xk3pQ9vLm2RtYw7B";

/** Every log line and every answer of this file; the last test reads them. */
const lines: string[] = [];
const answers: string[] = [];
for (const level of ["debug", "info", "log", "warn", "error"] as const)
  vi.spyOn(console, level).mockImplementation((...parts) => void lines.push(parts.join(" ")));

async function openOverheard(options?: TestAppOptions) {
  const app = await createTestApp(options);
  const { fetch } = app.worker;
  app.worker.fetch = async (...args) => {
    const response = await fetch(...args);
    answers.push(await response.clone().text());
    return response;
  };
  return app;
}
type Overheard = Awaited<ReturnType<typeof openOverheard>>;

const utf8 = (text: string) => new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>;

/** The same request with other headers. */
function withHeaders(request: Request, headers: Record<string, string>): Request {
  const changed = new Request(request);
  for (const [name, value] of Object.entries(headers)) changed.headers.set(name, value);
  return changed;
}

async function expectRefused(app: Overheard, request: Request, reason: string) {
  expect((await app.fetch(request)).status).toBe(401);
  expect(await app.rows()).toEqual([]);
  expect(app.waiting).toEqual([]);
  expect(await app.refusals()).toMatchObject([{ reason }]);
}

async function expectPlain(
  app: Overheard,
  request: Request,
  [status, error]: [status: number, error: string],
) {
  const response = await app.fetch(request);
  expect([response.status, await response.json()]).toEqual([status, expect.objectContaining({ error })]);
  expect(await app.rows()).toEqual([]);
}

describe("forged signatures", () => {
  const wrong = (count: number) =>
    Array.from({ length: count }, (_, i) => `v1,${btoa(String(i).padStart(32, "0"))}`);

  it.each([
    ["v1a,", "malformed_header"],
    ["v2,", "malformed_header"],
    ["none,", "malformed_header"],
    ["V1,", "malformed_header"],
    [",", "malformed_header"],
    [`${wrong(1)} v1a,`, "signature_mismatch"],
  ])("refuses Clerk's own signature under %s", async (version, reason) => {
    const app = await openOverheard();
    const request = await app.request("clerk", signUp("user_1"));
    const forged = request.headers.get("webhook-signature")?.replace("v1,", version) ?? "";
    await expectRefused(app, withHeaders(request, { "webhook-signature": forged }), reason);
  });

  it.each([
    ["v0=", "malformed_header"],
    ["v2=", "malformed_header"],
    ["V1=", "malformed_header"],
    ["v1=v1=", "malformed_header"],
    [`v1=${"ab".repeat(32)},v0=`, "signature_mismatch"],
  ])("refuses Stripe's own signature under %s", async (version, reason) => {
    const app = await openOverheard();
    const request = await app.request("stripe", sampleOf("stripe").webhook);
    const forged = request.headers.get("stripe-signature")?.replace("v1=", version) ?? "";
    await expectRefused(app, withHeaders(request, { "stripe-signature": forged }), reason);
  });

  it("takes hex in capitals, which are the same bytes", async () => {
    const app = await openOverheard();
    const request = await app.request("stripe", sampleOf("stripe").webhook);
    const [t, v1] = (request.headers.get("stripe-signature") ?? "").split(",v1=");
    const capitals = withHeaders(request, { "stripe-signature": `${t},v1=${v1?.toUpperCase()}` });
    expect((await app.fetch(capitals)).status).toBe(200);
  });

  it("finds the good one as the 20th signature, and looks at no 21st", async () => {
    const app = await openOverheard();
    const request = await app.request("clerk", signUp("user_1"));
    const among = (count: number) => ({
      "webhook-signature": [...wrong(count), request.headers.get("webhook-signature")].join(" "),
    });
    await expectRefused(app, withHeaders(request.clone(), among(20)), "signature_mismatch");
    expect((await app.fetch(withHeaders(request, among(19)))).status).toBe(200);
  });
});

describe("timestamps and replays", () => {
  const moved = (request: Request, seconds: number) => {
    const stripe = request.headers.get("stripe-signature")?.replace(/t=\d+/, `t=${seconds}`);
    return withHeaders(
      request,
      stripe ? { "stripe-signature": stripe } : { "webhook-timestamp": String(seconds) },
    );
  };

  it.each(["clerk", "stripe"])(
    "%s: an old signature under a new timestamp is no signature",
    async (provider) => {
      const app = await openOverheard();
      const request = await app.request(provider, sampleOf(provider).webhook);
      app.clock.now += 10 * MINUTE;
      await expectRefused(app, moved(request, app.clock.now / SECOND), "signature_mismatch");
    },
  );

  it.each(["clerk", "stripe"])(
    "%s: a replay is the same event, and after five minutes nothing",
    async (provider) => {
      const app = await openOverheard();
      const request = await app.request(provider, sampleOf(provider).webhook);
      for (const wait of [0, MINUTE, 4 * MINUTE]) {
        app.clock.now += wait;
        expect((await app.fetch(request.clone())).status).toBe(200);
        await app.pump();
      }
      const before = await app.row();
      app.clock.now += SECOND;
      expect((await app.fetch(request)).status).toBe(401);
      expect(await app.refusals()).toMatchObject([{ reason: "timestamp_too_old" }]);
      await app.pump();
      expect(await app.row()).toEqual(before);
      expect(app.dub.recorded).toHaveLength(1);
    },
  );

  it.each(["auth0", "auth0-logs"])("%s: a replay is the same event at any time", async (provider) => {
    const app = await openOverheard();
    const request = await app.request(provider, sampleBody(sampleOf(provider)));
    await app.fetch(request.clone());
    await app.pump();
    for (const wait of [MINUTE, DAY, 40 * DAY]) {
      await app.pass(wait, DAY);
      const response = await app.fetch(request.clone());
      const { events } = (await response.json()) as { events: unknown[] };
      expect(events[0]).toMatchObject({ status: "delivered", reason: "recorded" });
      await app.pump();
    }
    await app.row();
    expect(app.dub.recorded).toHaveLength(1);
  });
});

it.each(providers.flatMap((from) => providers.filter((to) => to !== from).map((to) => [from, to] as const)))(
  "what is genuine for %s is not for %s",
  async (from, to) => {
    const app = await openOverheard();
    const genuine = await app.request(from, sampleBody(sampleOf(from)));
    const response = await app.fetch(new Request(`https://leads.example/webhooks/${to}`, genuine));
    expect(response.status).toBe(401);
    expect(await app.rows()).toEqual([]);
    expect(await app.refusals()).toMatchObject([{ provider: to }]);
  },
);

describe("paths", () => {
  const paths = [
    "%2e%2e%2fclerk",
    "clerk//",
    "clerk/x",
    "clerk/..",
    "../clerk",
    "clerk%2f..%2fstripe",
    "/clerk",
    "//clerk",
    "clerk;x=1",
    "clerk%3fx=1",
    "%20clerk",
    "clerk%0a",
    "hasOwnProperty",
    "%5f%5fproto%5f%5f",
    "%zz",
    "%ff",
    "clerk%",
    "%",
    "x".repeat(8000),
  ];
  it.each(paths.map((path) => [path.slice(0, 20), path]))(
    "a genuine webhook to /webhooks/%s finds nobody",
    async (_, path) => {
      const app = await openOverheard();
      const genuine = await app.request("clerk", signUp("user_1"));
      const response = await app.fetch(new Request(`https://leads.example/webhooks/${path}`, genuine));
      expect(response.status).toBe(404);
      expect((await response.text()).length).toBeLessThan(300);
      expect(await app.rows()).toEqual([]);
      const [refusal, ...others] = (await app.refusals()) as { reason: string; evidence: string }[];
      expect(refusal).toMatchObject({
        provider: "-",
        reason: expect.stringMatching(/^(not_found|unknown_provider)$/),
      });
      expect(refusal?.evidence).toMatch(/^POST \/\P{Cc}{0,100}$/u);
      expect(others).toEqual([]);
    },
  );

  it.each(["?x=../../", "?", "#stripe", "?provider=stripe&provider=auth0"])(
    "what follows the path changes nothing: %s",
    async (more) => {
      const app = await openOverheard();
      const genuine = await app.request("clerk", signUp("user_1"));
      expect((await app.fetch(new Request(`${genuine.url}${more}`, genuine))).status).toBe(200);
      expect(await app.row()).toMatchObject({ provider: "clerk", status: "pending" });
    },
  );
});

describe("ids and types from outside", () => {
  const texts: [string, string][] = [
    ["10,000 letters", "x".repeat(10_000)],
    ["newlines", 'evt_1\r\n{"level":"error","code":"forged"}\n'],
    ["ANSI escapes", "\u001b[2J\u001b[31mevt\u009b0m\u0007"],
    ["NUL and DEL", "evt\u0000_\u007f"],
    ["lone surrogates", "evt_\ud800_\udc00"],
    ["a character cut in half", `${"x".repeat(254)}🌱`],
    ["line separators", "evt\u2028\u2029"],
  ];
  const shown = (text: string) => {
    expect(text.length).toBeLessThanOrEqual(255);
    expect(text).not.toMatch(/\p{Cc}/u);
    expect(text.isWellFormed()).toBe(true);
  };
  const linesOf = async (run: () => Promise<void>) => {
    const begun = lines.length;
    await run();
    for (const line of lines.slice(begun)) {
      expect(line).not.toMatch(/\p{Cc}/u);
      expect(JSON.parse(line)).toMatchObject({ level: expect.any(String), code: expect.any(String) });
    }
    expect(lines.length).toBeGreaterThan(begun);
  };

  it.each(texts)("ids in the body: %s", async (_, id) => {
    const app = await openOverheard();
    const auth0 = { ...(sampleOf("auth0").webhook as object), id };
    const [log] = sampleOf("auth0-logs").webhook as [object];
    const stripe = { ...(sampleOf("stripe").webhook as object), id };
    await linesOf(async () => {
      await app.send("auth0", auth0);
      await app.send("auth0-logs", [{ ...log, log_id: id }]);
      await app.send("stripe", stripe);
      await app.pump();
    });
    const rows = await app.rows();
    expect(rows.map(({ status }) => status)).toEqual(["delivered", "delivered", "delivered"]);
    for (const row of rows) shown(row.event_id);
    expect(await app.send("stripe", stripe)).toMatchObject([{ status: "delivered" }]);
    expect(app.dub.recorded).toHaveLength(3);
  });

  it.each(texts)("types in the body: %s", async (_, type) => {
    const app = await openOverheard();
    const thin = {
      ...(sampleOf("stripe", "thin-event").webhook as object),
      type: `v1.customer.${type}`,
    };
    await linesOf(async () => {
      expect(await app.send("stripe", thin)).toMatchObject([{ status: "rejected", reason: "thin_event" }]);
      expect(await app.send("clerk", { ...signUp("user_1"), type })).toMatchObject([{ status: "ignored" }]);
    });
    shown((await app.row()).type);
  });

  it.each([
    ["10,000 letters", "x".repeat(10_000)],
    ["escapes", "msg\u001b[31m\u0007\u007f"],
    ["quotes", `msg"}\\{"`],
  ])("ids in the header: %s", async (_, id) => {
    const app = await openOverheard();
    const ids = [id, `${id}.`];
    await linesOf(async () => {
      for (const [i, one] of ids.entries()) await app.send("clerk", signUp(`user_${i}`), { id: one });
      await app.pump();
    });
    expect(app.dub.recorded).toHaveLength(2);
    for (const row of await app.rows()) shown(row.event_id);
  });

  it.each(texts.filter(([, text]) => text.length <= 100))("customers and click ids: %s", async (_, text) => {
    const app = await openOverheard();
    await linesOf(async () => {
      await app.send("clerk", signUp(text));
      await app.send("clerk", signUp("user_2", text));
      await app.pump();
    });
    const [customer, click] = await app.rows();
    expect(app.dub.recorded).toMatchObject([{ customerExternalId: text.trim() }]);
    expect(customer).toMatchObject({ status: "delivered", reason: "recorded" });
    // No letters and digits: no click id. White space at the end is cut off.
    expect(["no_click_id", "click_not_found_yet"]).toContain(click?.reason);
    shown(click?.detail ?? "");
  });
});

describe("bodies", () => {
  it.each(providers)("%s: a gzip body, signed as it is, is called compressed", async (provider) => {
    const app = await openOverheard();
    const stream = new Blob([sampleBody(sampleOf(provider))]).stream();
    const zipped = await new Response(stream.pipeThrough(new CompressionStream("gzip"))).arrayBuffer();
    const headers = { "content-encoding": "gzip" };
    const request = await app.request(provider, new Uint8Array(zipped), { headers });
    await expectPlain(app, request, [400, "not_utf8"]);
    expect(answers.at(-1)).toContain("compressed");
  });

  it.each([
    ["a stray byte", [0x80]],
    ["half a character", [0xf0, 0x9f, 0x8c]],
    ["a slash written too long", [0xc0, 0xaf]],
    ["a lone surrogate", [0xed, 0xa0, 0x80]],
    ["latin-1", [0xe9]],
  ])("text that is not UTF-8 in the middle: %s", async (_, bytes) => {
    const app = await openOverheard();
    const [before = "", after = ""] = JSON.stringify(signUp("user_1")).split("Mira");
    const body = new Uint8Array([...utf8(before), ...bytes, ...utf8(after)]);
    await expectPlain(app, await app.request("clerk", body), [400, "not_utf8"]);
  });

  it.each(providers)(
    "%s: of duplicate keys the last counts, and the text is kept as it came",
    async (provider) => {
      const app = await openOverheard();
      const text = new TextDecoder().decode(sampleBody(sampleOf(provider)));
      const twice = text.replace(/"(type|id|log_id)":/, '"$1":"first",$&');
      await app.send(provider, utf8(twice));
      const [row] = await app.rows();
      expect(row).toMatchObject({ status: "pending", event_id: expect.not.stringContaining("first") });
      // An array's events are written anew.
      expect(row?.payload?.includes('"first"')).toBe(!twice.startsWith("["));
    },
  );

  it.each([
    ["a click id in __proto__", '{"__proto__":{"dubClickId":"CLICK"}}', "no_click_id"],
    ["a click id in constructor", '{"constructor":{"prototype":{"dubClickId":"CLICK"}}}', "no_click_id"],
    [
      "a click id beside them",
      '{"__proto__":null,"toString":1,"hasOwnProperty":2,"dubClickId":"CLICK"}',
      "new",
    ],
    ["a click id of two keys", '{"dubClickId":{"toString":"CLICK"},"dub_id":"CLICK"}', "new"],
  ])("carriers: %s", async (_, carrier, reason) => {
    const app = await openOverheard();
    const json = carrier.replaceAll("CLICK", CLICK);
    const text = JSON.stringify(signUp("user_1", "here")).replace('{"dubClickId":"here"}', json);
    expect(await app.send("clerk", utf8(text))).toMatchObject([{ reason }]);
    const auth0 = sampleOf("auth0").webhook as { data: { object: Record<string, unknown> } };
    auth0.data.object.user_metadata = json;
    expect(await app.send("auth0", auth0)).toMatchObject([{ reason }]);
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect("dubClickId" in {}).toBe(false);
  });

  it("metadata keeps its names, whatever they are", async () => {
    const clerk = structuredClone(mappings.clerk) as { leads: [{ lead: Record<string, unknown> }] };
    clerk.leads[0].lead.metadata = "data.public_metadata";
    const app = await openOverheard({ mappings: { clerk } });
    const metadata = '{"__proto__":{"polluted":1},"constructor":{"polluted":1},"toString":"x","plain":1}';
    const text = JSON.stringify(signUp("user_1")).replace(
      '"public_metadata":{}',
      `"public_metadata":${metadata}`,
    );
    await app.send("clerk", utf8(text));
    expect(JSON.stringify(JSON.parse((await app.row()).lead ?? "").metadata)).toBe(metadata);
    await app.pump();
    expect(app.dub.recorded).toHaveLength(1);
    expect("polluted" in {}).toBe(false);
  });

  it.each([
    ["1e400", 100],
    ["-1e400", 1],
    ["-0", 1],
    ["1e-400", 1],
    ["9007199254740993", 100],
    ['"1e400"', 100],
    ['{"toString":1}', undefined],
    ['[{"valueOf":1,"toString":null}]', undefined],
    ["[7]", undefined],
    ["{}", undefined],
  ])("a quantity of %s makes a valid lead with a warning", async (quantity, expected) => {
    const app = await openOverheard();
    const text = JSON.stringify(sampleOf("stripe", "trial-of-many-seats").webhook);
    await app.send("stripe", utf8(text.replace('"quantity":250', `"quantity":${quantity}`)));
    await app.pump();
    const row = await app.row();
    expect(row).toMatchObject({ status: "delivered", warnings: expect.stringContaining("eventQuantity") });
    expect(JSON.parse(row.lead ?? "").eventQuantity).toBe(expected);
  });

  it.each(["NaN", "Infinity", "0x10", "1.", "+1"])("a quantity of %s is no JSON", async (quantity) => {
    const app = await openOverheard();
    const text = JSON.stringify(sampleOf("stripe", "trial-of-many-seats").webhook);
    const body = utf8(text.replace('"quantity":250', `"quantity":${quantity}`));
    await expectPlain(app, await app.request("stripe", body), [400, "not_json"]);
  });

  it.each(samples.filter(([, name]) => /^(sign-up|trial|checkout|waitlist)/.test(name)))(
    "%s/%s: an object with toString in the place of any value is answered with 200",
    async (provider, _, sample) => {
      const app = await openOverheard();
      const odd =
        '{"toString":1,"valueOf":null,"constructor":{"prototype":null},"__proto__":null,"length":-1}';
      const text = new TextDecoder().decode(sampleBody(sample));
      for (const { index, 0: found } of text.matchAll(/(?<=:)("[^"]*"|[\d.]+|true|false|null)(?=[,}])/g)) {
        const body = text.slice(0, index) + odd + text.slice(index + found.length);
        expect((await app.fetch(await app.request(provider, utf8(body)))).status, body).toBe(200);
      }
    },
  );
});

it("a flood of every kind to everybody writes once in ten seconds and keeps a row for each reason", async () => {
  const app = await openOverheard({ settings: { MAX_BODY_BYTES: "1024" } });
  const { DB } = app.env;
  let statements = 0;
  Object.assign(app.env, {
    DB: { prepare: (sql: string) => ++statements && DB.prepare(sql) },
  });
  const begun = app.clock.now;
  const kinds: ((provider: string, seconds: number) => RequestInit)[] = [
    () => ({}),
    () => ({ body: "x".repeat(1025) }),
    ...["v1,AAAA", "v1", ""].map((signature) => (_: string, seconds: number) => ({
      headers: { "webhook-id": "msg", "webhook-timestamp": String(seconds), "webhook-signature": signature },
    })),
    ...[0, -3600, 3600].map((off) => (_: string, seconds: number) => ({
      headers: {
        "stripe-signature": `t=${seconds + off},v1=${"ab".repeat(32)}`,
        "svix-id": "msg",
        "svix-timestamp": String(seconds + off),
        "svix-signature": "v1,AAAA",
      },
    })),
    (provider) => ({ headers: { authorization: `Bearer ${provider}-mira@orchard.example` } }),
  ];
  const post = (provider: string, init: RequestInit) =>
    app.fetch(new Request(`https://leads.example/webhooks/${provider}`, { method: "POST", ...init }));
  let sent = 0;
  for (let round = 0; round < 12; round++)
    for (const provider of providers)
      for (const kind of kinds) {
        app.clock.now += 100;
        expect([401, 413]).toContain(
          (await post(provider, kind(provider, Math.floor(app.clock.now / SECOND)))).status,
        );
        expect((await post(`nobody-${sent++}`, {})).status).toBe(404);
      }
  app.clock.now += 10 * SECOND;
  await post("clerk", {});
  const alerts = 3 * providers.length;
  expect(statements).toBeLessThanOrEqual(alerts + 1 + (app.clock.now - begun) / (10 * SECOND));
  Object.assign(app.env, { DB });
  const refusals = (await app.refusals()) as { provider: string; reason: string; count: number }[];
  const stale = ["timestamp_in_future", "timestamp_too_old"];
  const signed = ["malformed_header", "missing_header", "signature_mismatch", ...stale, "too_large"];
  const token = ["missing_header", "token_mismatch", "too_large"];
  for (const [provider, reasons] of [
    ["auth0", token],
    ["auth0-logs", token],
    ["clerk", signed],
    ["stripe", signed.slice(1)],
  ] as const) {
    const own = refusals.filter((row) => row.provider === provider);
    expect(own.map(({ reason }) => reason)).toEqual(reasons);
    const last = provider === "clerk" ? 1 : 0;
    expect(own.reduce((sum, { count }) => sum + count, 0)).toBe(sent / providers.length + last);
  }
  expect(await app.rows()).toEqual([]);
  expect(app.waiting).toEqual([]);
});

it("none of all this has told a secret, an e-mail address or a name", async () => {
  const app = await openOverheard();
  expect(Math.min(lines.length, answers.length)).toBeGreaterThan(100);
  const secrets = [...providers.map(app.secretOf), app.env.DUB_API_KEY];
  const telling = [...lines, ...answers].filter(
    (text) =>
      /\bmira\b|solberg|orchard\.example/i.test(text) ||
      secrets.some((secret) => text.includes(String(secret))),
  );
  expect(telling).toEqual([]);
});
