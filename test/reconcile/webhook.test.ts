/** Dub's own webhook: leads in doubt end within seconds, and a click made after the sign-up is told. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DUB_SCHEME } from "../../src/reconcile/webhook.ts";
import { createSigner } from "../../src/verify/schemes.ts";
import { CLICK, plan } from "../support/admin.ts";
import { createTestApp, DAY, db, HOUR, MINUTE, START, signUp, type TestAppOptions } from "../support/app.ts";

const SECRET = "whsec_abcdefgh12345678";
const URL_OF = "https://leads.example/webhooks/dub";

const open = (options: TestAppOptions = {}) =>
  createTestApp({ ...options, settings: { DUB_WEBHOOK_SECRET: SECRET, ...options.settings } });
type App = Awaited<ReturnType<typeof open>>;

const leadCreated = (customer: string, data: object = {}, more: object = {}) => ({
  id: "evt_1",
  event: "lead.created",
  createdAt: new Date(START).toISOString(),
  ...more,
  data: {
    eventName: "Sign Up",
    customer: { id: "cus_1", externalId: customer, name: "x" },
    click: { id: CLICK, timestamp: new Date(START - HOUR).toISOString() },
    link: { id: "link_Xk3p", shortLink: "https://go.example/Xk3p", partnerId: null },
    metadata: null,
    ...data,
  },
});

async function post(app: App, webhook: unknown, secret = SECRET, headers: Record<string, string> = {}) {
  const text = typeof webhook === "string" ? webhook : JSON.stringify(webhook);
  const body = new TextEncoder().encode(text);
  const signer = await createSigner(DUB_SCHEME, "DUB_WEBHOOK_SECRET", secret);
  const signed = await signer({ url: URL_OF, body, id: "1", now: app.clock.now });
  const request = new Request(URL_OF, { method: "POST", body, headers: { ...signed, ...headers } });
  const response = await app.fetch(request);
  return [response.status, await response.json()];
}

it("ends a lead whose answer was lost at once, without asking Dub and without the permission", async () => {
  const app = await open({ dub: { ...plan(["hang_after"]), analytics: false, listedAfter: DAY } });
  await app.send("clerk", signUp("user_1"));
  await app.pump();
  expect(await app.row()).toMatchObject({ status: "pending", doubt: "unknown" });
  const calls = app.dub.calls.length;
  expect(await post(app, leadCreated("user_1"))).toEqual([200, { events: 1 }]);
  expect(await app.row()).toMatchObject({
    status: "delivered",
    reason: "recorded",
    doubt: null,
    at_dub: "listed",
    link: expect.stringContaining("https://go.example/Xk3p"),
  });
  await app.pass(2 * MINUTE);
  expect(app.dub.calls).toHaveLength(calls);
  expect(app.dub.recorded).toHaveLength(1);
});

it("that comes while the call is still on its way ends the lead once the answer is known to be lost", async () => {
  const app: App = await open({
    dub: { listedAfter: DAY },
    fetch: async (request) => {
      const response = await app.dub.app.fetch(request);
      if (request.method === "POST" && app.dub.recorded.length === 1 && !told++) {
        await post(app, leadCreated("user_1"));
        throw new DOMException("timed out", "TimeoutError");
      }
      return response;
    },
  });
  let told = 0;
  await app.send("clerk", signUp("user_1"));
  await app.pump();
  expect(await app.row()).toMatchObject({ status: "delivered", reason: "recorded", doubt: null });
  expect(app.dub.recorded).toHaveLength(1);
});

it("makes no event of another sender's lead, of Dub's test event, or of another kind of webhook", async () => {
  const app = await open();
  for (const webhook of [
    leadCreated("stranger"),
    leadCreated("user_1", {}, { event: "link.clicked" }),
    { event: "lead.created", data: {} },
    [],
    null,
  ])
    expect(await post(app, webhook)).toEqual([200, { events: 0 }]);
  expect(await app.rows()).toEqual([]);
  expect(app.dub.asked).toEqual([]);
});

it("tells the click's own time, also of a lead that is recorded already; again it tells the same", async () => {
  const app = await open();
  await app.send("clerk", signUp("user_1"));
  await app.pump();
  const late = { click: { id: CLICK, timestamp: new Date(START + HOUR).toISOString() } };
  for (let i = 0; i < 2; i++) {
    expect(await post(app, leadCreated("user_1", late))).toEqual([200, { events: 1 }]);
    expect(await app.row()).toMatchObject({ reason: "recorded", clicked_at: START + HOUR, dub_click: null });
  }
});

describe("is refused and counted", () => {
  it.each<[string, (app: App) => Promise<unknown[]>, number, string]>([
    [
      "another secret",
      (app) => post(app, leadCreated("user_1"), "whsec_another_secret"),
      401,
      "signature_mismatch",
    ],
    [
      "no signature",
      async (app) => {
        const response = await app.fetch(new Request(URL_OF, { method: "POST", body: "{}" }));
        return [response.status, await response.json()];
      },
      401,
      "missing_header",
    ],
    ["no JSON", (app) => post(app, "x"), 400, "not_json"],
    ["a large body", (app) => post(app, "x".repeat(1025)), 413, "too_large"],
  ])("%s", async (_, send, status, reason) => {
    const app = await open({ settings: { MAX_BODY_BYTES: "1024" } });
    expect((await send(app))[0]).toBe(status);
    expect(await app.refusals()).toMatchObject([{ provider: "dub", reason, count: 1 }]);
  });

  it("while the secret is not set, or can't be used", async () => {
    for (const [secret, status] of [
      ["", 404],
      ["short", 503],
    ] as const) {
      const app = await open({ settings: { DUB_WEBHOOK_SECRET: secret } });
      expect((await post(app, leadCreated("user_1")))[0]).toBe(status);
    }
  });

  it("while the ledger is down, so that Dub sends it again", async () => {
    const app = await open();
    app.down.ledger = true;
    expect((await post(app, leadCreated("user_1")))[0]).toBe(503);
    app.down.ledger = false;
  });
});

it("takes any JSON that is genuine, and changes nothing by it", async () => {
  const app = await open();
  await app.send("clerk", signUp("user_1"));
  await app.pump();
  await fc.assert(
    fc.asyncProperty(fc.json({ maxDepth: 3 }), async (text) => {
      expect(await post(app, text)).toEqual([200, { events: 0 }]);
    }),
    { numRuns: 50 },
  );
  expect(await db.prepare("SELECT at_dub FROM events").first("at_dub")).toBeNull();
});
