/** What the admin API says of the Worker's state, and what the operator should do. */
import { describe, expect, it } from "vitest";
import type { Check } from "../../src/admin/checks.ts";
import { lastClickRefusal } from "../../src/admin/click-status.ts";
import type { Status } from "../../src/admin/status.ts";
import { open, type TestApp, TOKEN } from "../support/admin.ts";
import { db, HOUR, sampleOf } from "../support/app.ts";

async function statusOf(app: TestApp, query = ""): Promise<Status> {
  const response = await app.fetch(
    new Request(`https://leads.example/api/status${query}`, {
      headers: { authorization: `Bearer ${TOKEN}` },
    }),
  );
  return response.json<Status>();
}

const problems = ({ checks }: Status): Check[] => checks.filter(({ state }) => state === "problem");

it("has no problem when all is well", async () => {
  const app = await open();
  await app.pass(60_000);
  await app.send("clerk", sampleOf("clerk").webhook);
  await app.pump();
  const status = await statusOf(app, "?ask=dub");
  expect(problems(status)).toEqual([]);
  expect(status.checks).toContainEqual({
    what: "Dub takes leads with the key",
    state: "ok",
    says: "yes; 1200 calls a minute (Business)",
  });
  expect(status.events).toEqual({ delivered: 1 });
  expect(status.providers.find(({ provider }) => provider === "clerk")).toMatchObject({
    state: "on",
    address: "https://leads.example/webhooks/clerk",
    secret: "CLERK_WEBHOOK_SECRET",
    lastEventAt: expect.stringMatching(/^2026-03-10T/),
  });
});

it.each([
  ["no key", { DUB_API_KEY: "" }, "", "DUB_API_KEY", "is not set"],
  ["a publishable key", { DUB_API_KEY: "dub_pk_x" }, "", "DUB_API_KEY", "publishable key"],
  ["a wrong setting", { RETRY_SCHEDULE: "x" }, "", "settings to deliver", "RETRY_SCHEDULE must be"],
  [
    "a wrong setting to receive",
    { MAX_BODY_BYTES: "x" },
    "",
    "settings to receive",
    "MAX_BODY_BYTES must be",
  ],
  [
    "a wrong address for alerts",
    { ALERT_WEBHOOK_URL: "x" },
    "",
    "ALERT_WEBHOOK_URL",
    "ALERT_WEBHOOK_URL must be",
  ],
  [
    "a key that Dub refuses",
    { DUB_API_KEY: "dub_other" },
    "?ask=dub",
    "Dub takes leads with the key",
    "refuses the API key",
  ],
])("%s is a problem, without the value", async (_, settings, query, what, said) => {
  const app = await open({ settings });
  const found = problems(await statusOf(app, query)).find((one) => one.what === what);
  expect(found?.says).toContain(said);
  expect(found?.todo).not.toBe("");
  expect(JSON.stringify(found)).not.toMatch(/dub_pk_x|dub_other/);
});

it.each<[boolean | "over_limit", string, string]>([
  [false, "the key lacks the permission analytics.read (The provided key", "give the key the permission"],
  ["over_limit", "the Dub workspace is over its events limit", "upgrade the plan in Dub"],
])("says in Dub's words why the key may not list leads (%s)", async (analytics, says, todo) => {
  const app = await open({ dub: { analytics } });
  expect(problems(await statusOf(app, "?ask=dub"))).toContainEqual(
    expect.objectContaining({
      what: "Dub lists leads to the key",
      says: expect.stringContaining(says),
      todo: expect.stringContaining(todo),
    }),
  );
});

it("asks Dub without recording anything, and only when told to", async () => {
  const app = await open();
  await statusOf(app);
  expect(app.dub.calls).toHaveLength(0);
  await statusOf(app, "?ask=dub");
  expect(app.dub.recorded).toHaveLength(0);
  expect(app.dub.customers.size).toBe(0);
});

it("a secret that can't be used is a problem of its provider only", async () => {
  const app = await open({
    settings: { CLERK_WEBHOOK_SECRET: "sk_live_1234567890abcdef", STRIPE_WEBHOOK_SECRET: "" },
  });
  const { providers } = await statusOf(app);
  expect(Object.fromEntries(providers.map(({ provider, state }) => [provider, state]))).toMatchObject({
    clerk: "problem",
    stripe: "off",
    auth0: "on",
  });
  const says = providers.find(({ provider }) => provider === "clerk")?.says;
  expect(says).toContain("CLERK_WEBHOOK_SECRET");
  expect(says).not.toContain("1234567890");
});

it("a cron trigger and deliveries that stand still are problems", async () => {
  const app = await open();
  await db.exec(`UPDATE marks SET at = 0 WHERE name = 'cron'`);
  await db.exec(
    `INSERT INTO pauses (name, until, reason) VALUES ('setting', ${app.clock.now + HOUR}, 'dub_plan_or_role')`,
  );
  const found = problems(await statusOf(app));
  expect(found.map(({ what }) => what)).toEqual(["cron trigger", "delivery"]);
  expect(found[1]?.says).toContain("below Business");
});

it("a missing migration is said, whatever else can be read", async () => {
  const app = await open();
  await db.exec("ALTER TABLE events RENAME COLUMN email TO email_elsewhere");
  try {
    expect(await statusOf(app)).toMatchObject({ error: "ledger_not_migrated" });
  } finally {
    await db.exec("ALTER TABLE events RENAME COLUMN email_elsewhere TO email");
  }
});

it("names refusals and ignored types with what to do", async () => {
  const app = await open();
  const { webhook } = sampleOf("clerk", "other-event");
  await app.send("clerk", webhook);
  await app.fetch(new Request("https://leads.example/webhooks/clerk", { method: "POST", body: "{}" }));
  await app.fetch(new Request("https://leads.example/webhook/clerk", { method: "POST", body: "{}" }));
  await app.wake(true);
  const status = await statusOf(app);
  const clerk = status.providers.find(({ provider }) => provider === "clerk");
  expect(clerk?.ignored).toMatchObject([{ type: (webhook as { type: string }).type, count: 1 }]);
  expect(clerk?.refusals).toMatchObject([
    { reason: "missing_header", count: 1, todo: expect.stringContaining("header") },
  ]);
  expect(status.refusals).toMatchObject([{ reason: "not_found", count: 1 }]);
});

describe("click memory", () => {
  const ISSUER = "https://clerk.example.com";
  const CLICKS_TOKEN = "a-token-of-the-site-for-clicks";
  const tell = (app: TestApp, token: string) =>
    app.fetch(
      new Request("https://leads.example/clicks", {
        method: "POST",
        headers: { authorization: `Bearer ${token}` },
        body: JSON.stringify({ clickId: "Yb7nT2kLq9WsXe4D", customerExternalId: "user_1" }),
      }),
    );

  it.each<[string, Record<string, string>, object]>([
    ["nothing is set", {}, { state: "off", says: "is off", providers: [], byToken: false }],
    [
      "a token is set",
      { CLICKS_TOKEN },
      { state: "on", says: "clicks are told by CLICKS_TOKEN", providers: [], byToken: true },
    ],
    [
      "issuers and a token are set",
      { CLERK_ISSUER: ISSUER, AUTH0_ISSUER: "https://tenant.example/", CLICKS_TOKEN },
      {
        state: "on",
        says: "clicks are told by the session tokens of auth0, clerk and by CLICKS_TOKEN",
        providers: ["auth0", "clerk"],
      },
    ],
    [
      "an issuer is no address",
      { CLERK_ISSUER: "clerk.example" },
      { state: "problem", says: expect.stringMatching(/^CLERK_ISSUER must be/) },
    ],
    [
      "the provider has no sessions",
      { STRIPE_ISSUER: ISSUER },
      { state: "problem", says: expect.stringMatching(/mapping file of stripe has no "session"/) },
    ],
    [
      "an audience stands alone",
      { CLERK_AUDIENCE: "client_1", CLICKS_TOKEN },
      { state: "problem", says: "CLERK_AUDIENCE is set and has no effect, since CLERK_ISSUER is not set" },
    ],
    [
      "the token is too short",
      { CLICKS_TOKEN: "short" },
      { state: "problem", says: expect.stringMatching(/^CLICKS_TOKEN must have/) },
    ],
  ])("when %s", async (_, settings, expected) => {
    const app = await open({ settings });
    expect((await statusOf(app)).clicks).toMatchObject({
      ...expected,
      remembered: 0,
      lastToldAt: null,
      refusals: [],
    });
  });

  it("what is told and what is refused, and under no provider", async () => {
    const app = await open({ settings: { CLICKS_TOKEN } });
    await tell(app, "another-token-of-the-site");
    app.clock.now += 60_000;
    await tell(app, CLICKS_TOKEN);
    await app.wake(true);
    const { clicks, providers, refusals } = await statusOf(app);
    expect(clicks).toMatchObject({
      remembered: 1,
      lastToldAt: "2026-03-10T12:01:00.000Z",
      refusals: [
        {
          reason: "unauthorized",
          count: 1,
          evidence: "What came is no session token, and not the CLICKS_TOKEN.",
          todo: expect.stringContaining("expired tokens are normal"),
        },
      ],
    });
    expect(refusals).toEqual([]);
    expect(providers.map(({ provider }) => provider)).not.toContain("clicks");
    expect(providers.every(({ refusals: own }) => own.length === 0)).toBe(true);
  });

  it.each<[string, boolean, string, string | null]>([
    ["an expired token, before any click", true, "unauthorized", null],
    ["an expired token, after a click", false, "unauthorized", "2026-03-10T11:00:00.000Z"],
    ["no key set since the last click", true, "unavailable", "2026-03-10T11:00:00.000Z"],
    ["no key set, and a click after it", false, "unavailable", "2026-03-10T13:00:00.000Z"],
    ["calls while it was off", false, "clicks_off", null],
  ])("%s: needs the operator: %s", (_, needs, reason, lastToldAt) => {
    const refusal = { reason, count: 1, lastAt: "2026-03-10T12:00:00.000Z", evidence: "", todo: "" };
    const status = { state: "on", says: "", providers: [], byToken: true, remembered: 0 } as const;
    const found = lastClickRefusal({ ...status, providers: [], lastToldAt, refusals: [refusal] });
    expect(found !== undefined).toBe(needs);
  });
});
