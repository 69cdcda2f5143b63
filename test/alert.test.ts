/** Alerts: one line and one message for each kind and hour, and never more. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createWorker } from "../src/app.ts";
import { LOCAL_KEY } from "../src/dev/stand-in/dub.ts";
import {
  answerOf,
  createTestApp,
  DAY,
  HOUR,
  MINUTE,
  SECOND,
  START,
  signUp,
  type TestAppOptions,
} from "./support/app.ts";

const ADDRESS = "https://hooks.example/services/T0/B0/secret-path";
let lines: { level: string; code: string; message?: string; provider?: string }[];

beforeEach(() => {
  lines = [];
  for (const level of ["info", "warn", "error"] as const)
    vi.spyOn(console, level).mockImplementation((line) => void lines.push(JSON.parse(line)));
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** An app whose messages are collected. */
async function open(options: TestAppOptions = {}, receiver = async () => new Response("ok")) {
  const messages: string[] = [];
  const app = await createTestApp({
    ...options,
    settings: { ALERT_WEBHOOK_URL: ADDRESS, ...options.settings },
    fetch: async (request) => {
      if (request.url !== ADDRESS) return answerOf(app.dub.app, request);
      messages.push((await request.json<{ text: string }>()).text);
      return receiver();
    },
  });
  const errors = (code: string) => lines.filter((line) => line.level === "error" && line.code === code);
  return { ...app, messages, errors };
}

/** A webhook that is signed, but by somebody else. */
async function forge(app: Awaited<ReturnType<typeof open>>) {
  const secret = "whsec_YW5vdGhlci1zZWNyZXQtb2Ytc29tZWJvZHktZWxzZQ==";
  return (await app.fetch(await app.request("clerk", signUp("user_1"), { secret }))).status;
}

describe("one line and one message an hour", () => {
  it.each([
    ["dub_key_refused", { DUB_API_KEY: "dub_other" }, {}, "Dub refuses the API key (401)"],
    [
      "dub_plan_or_role",
      {},
      { keys: { [LOCAL_KEY]: "low_plan" as const } },
      "the Dub plan is below Business",
    ],
    ["dub_workspace", {}, { keys: { [LOCAL_KEY]: "removed" as const } }, "the key belongs to no workspace"],
    ["dub_address", { DUB_API_URL: "https://dub.example/wrong" }, {}, "what answers is not Dub's API"],
    ["dub_key_missing", { DUB_API_KEY: "" }, {}, "`DUB_API_KEY` is not set"],
    ["misconfigured", { RETRY_SCHEDULE: "soon" }, {}, "RETRY_SCHEDULE must be seconds between attempts"],
    [
      "retries_exhausted",
      { RETRY_SCHEDULE: "1" },
      { fault: () => "bad_gateway" as const },
      "tried to the end",
    ],
  ])("%s", async (code, settings, dub, said) => {
    const app = await open({ settings, dub });
    for (let i = 0; i < 30; i++) await app.send("clerk", signUp(`user_${i}`));
    await app.pump();
    await app.pass(50 * MINUTE);
    const sent = () => app.messages.filter((message) => message.includes(`, as ${code}.`));
    expect(sent()).toEqual([expect.stringContaining(said)]);
    expect(sent()[0]).toMatch(/^webhook-to-lead: .*\nWhat to do: .*\n.* once an hour, as /);
    expect(app.errors(code)).toHaveLength(1);

    await app.pass(10 * MINUTE);
    await app.send("clerk", signUp("user_late"));
    await app.pass(2 * HOUR);
    expect(sent().length).toBeGreaterThan(1);
    expect(sent().length).toBeLessThanOrEqual(4);
    expect(app.errors(code)).toHaveLength(sent().length);
  });

  it("a lead that is possibly lost", async () => {
    const app = await open({
      settings: { DUB_DELIVERY: "single" },
      dub: { fault: () => (app.dub.calls.length === 0 ? "reset_after" : undefined), analytics: false },
    });
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    await app.pass(5 * MINUTE);
    expect(app.messages.filter((text) => !text.includes("as list_refused."))).toEqual([
      expect.stringContaining("as possibly_lost."),
    ]);
  });

  it("leads of which nobody knows whether Dub has them, each hour until they are replayed", async () => {
    const app = await open({
      dub: { fault: () => (app.dub.calls.length === 1 ? "reset_after" : undefined), analytics: false },
    });
    await app.send("clerk", signUp("user_1"));
    await app.pass(5 * MINUTE);
    expect(await app.row()).toMatchObject({ reason: "recorded_unconfirmed" });
    await app.pass(3 * HOUR + 5 * MINUTE);
    expect(app.messages.length).toBeGreaterThanOrEqual(3);
    expect(app.messages.length).toBeLessThanOrEqual(4);
    expect(app.messages.at(-1)).toMatch(
      /^webhook-to-lead: 1 event\(s\): the answer to the recording call was lost.*analytics\.read.*as recorded_unconfirmed\.$/s,
    );
  });

  it("a provider's webhooks that the secret does not fit", async () => {
    const app = await open();
    for (let i = 0; i < 20; i++) {
      expect(await forge(app)).toBe(401);
      app.clock.now += SECOND;
    }
    expect(app.messages).toEqual([
      expect.stringMatching(
        /^webhook-to-lead \(clerk\): the signature does not match the secret in CLERK_WEBHOOK_SECRET/,
      ),
    ]);
    expect(app.errors("secret_mismatch")).toMatchObject([{ provider: "clerk" }]);
    app.clock.now += HOUR;
    await forge(app);
    expect(app.messages).toHaveLength(2);
  });

  it.each([
    ["a header that does not come", "missing_header", { body: "{}" }, "header stripe-signature is missing"],
    ["a body too large", "too_large", { body: "x".repeat(1025) }, "The body is larger than 1024 bytes"],
  ])("%s, once an hour for each provider", async (_, code, init, said) => {
    const app = await open({ settings: { MAX_BODY_BYTES: "1024" } });
    for (let i = 0; i < 20; i++) {
      await app.fetch(new Request("https://x/webhooks/stripe", { method: "POST", ...init }));
      app.clock.now += MINUTE;
    }
    expect(app.messages).toEqual([expect.stringContaining(`webhook-to-lead (stripe): ${said}`)]);
    expect(app.errors(code)).toHaveLength(1);
  });

  it.each([
    ["unreadable_body", "half a document"],
    ["no_event_type", '{"event":"user.created"}'],
  ])("%s: a genuine webhook that is not understood", async (code, body) => {
    const app = await open();
    for (let i = 0; i < 3; i++)
      await app.fetch(await app.request("clerk", new TextEncoder().encode(body), { id: `msg_${i}` }));
    expect(app.messages).toHaveLength(1);
    expect(app.errors(code)).toMatchObject([{ provider: "clerk" }]);
  });

  it("a secret that can't be used, and each provider apart", async () => {
    const app = await open({
      settings: { CLERK_WEBHOOK_SECRET: "whsec_!!", AUTH0_WEBHOOK_SECRET: "short" },
    });
    for (const provider of ["clerk", "auth0", "clerk", "auth0"])
      await app.fetch(new Request(`https://x/webhooks/${provider}`, { method: "POST", body: "{}" }));
    expect(app.messages).toEqual([
      expect.stringContaining("(clerk): CLERK_WEBHOOK_SECRET is not base64"),
      expect.stringContaining("(auth0): AUTH0_WEBHOOK_SECRET must have at least 16 characters"),
    ]);
  });

  it("a wrong setting of the webhook endpoint, whatever paths strangers make up", async () => {
    const app = await open({ settings: { MAX_BODY_BYTES: "1 MB" } });
    for (const path of ["clerk", "stripe", "visit-evil.example-1", "visit-evil.example-2"])
      await app.fetch(new Request(`https://x/webhooks/${path}`, { method: "POST", body: "{}" }));
    expect(app.messages).toEqual([
      expect.stringMatching(/^webhook-to-lead: MAX_BODY_BYTES must be a whole number/),
    ]);
  });

  it("a wrong RETENTION_DAYS stops the purge and nothing else", async () => {
    const app = await open({ settings: { RETENTION_DAYS: "forever" } });
    await app.send("clerk", signUp("user_1"));
    await app.pass(10 * MINUTE);
    expect(app.dub.recorded).toHaveLength(1);
    expect(app.messages).toEqual([expect.stringContaining("RETENTION_DAYS must be a whole number of days")]);
  });

  it("many isolates send one alert together", async () => {
    const app = await open();
    for (let i = 0; i < 5; i++) {
      const isolate = createWorker(app.deps);
      const secret = "whsec_YW5vdGhlci1zZWNyZXQtb2Ytc29tZWJvZHktZWxzZQ==";
      const waiting: Promise<unknown>[] = [];
      const ctx = { waitUntil: (promise: Promise<unknown>) => void waiting.push(promise) };
      const request = await app.request("clerk", signUp("user_1"), { secret });
      await isolate.fetch(request, app.env, ctx as unknown as ExecutionContext);
      await Promise.all(waiting);
    }
    expect(app.messages).toHaveLength(1);
    expect(app.errors("secret_mismatch")).toHaveLength(1);
  });
});

describe("silence", () => {
  it("for what needs no operator, for what is normal, and for strangers at addresses that are none", async () => {
    const app = await open({
      dub: { fault: () => (app.clock.now < START + HOUR ? "bad_gateway" : undefined) },
    });
    await app.send("clerk", signUp("user_1"));
    await app.send("clerk", signUp("user_2", null));
    await app.send("clerk", signUp("user_3", "unknown-click"));
    await app.send("clerk", signUp("user_4", "foreignClick0001"));
    for (const provider of ["nobody", "clerk/more", ""])
      await app.fetch(new Request(`https://x/webhooks/${provider}`, { method: "POST", body: "{}" }));
    await app.pump();
    await app.pass(DAY, 10 * MINUTE);
    expect((await app.rows()).some(({ status }) => status === "pending")).toBe(false);
    expect(app.messages).toEqual([]);
    expect(lines.filter(({ level }) => level === "error")).toEqual([]);
  });

  it("without ALERT_WEBHOOK_URL there is only the log line", async () => {
    const app = await open({ settings: { ALERT_WEBHOOK_URL: "", DUB_API_KEY: "dub_other" } });
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    expect(app.messages).toEqual([]);
    expect(app.errors("dub_key_refused")).toHaveLength(1);
  });

  it("with the ledger down the isolate's own memory limits it to one an hour", async () => {
    const app = await open();
    app.down.ledger = true;
    for (let i = 0; i < 20; i++) await forge(app);
    expect(app.messages).toEqual([expect.stringContaining("as secret_mismatch.")]);
    expect(app.errors("secret_mismatch")).toHaveLength(1);
  });
});

describe("a receiver of messages that fails", () => {
  it.each<[string, () => Promise<Response>, string]>([
    ["500", async () => new Response("no", { status: 500 }), "ALERT_WEBHOOK_URL: 500"],
    ["a redirect", async () => Response.redirect("https://elsewhere.example/"), "ALERT_WEBHOOK_URL: 302"],
    ["no connection", () => Promise.reject(new TypeError(`lost ${ADDRESS}`)), "ALERT_WEBHOOK_URL: no answer"],
  ])(
    "%s: said in the log without the address, tried once an hour, and no lead waits for it",
    async (_, receiver, said) => {
      const app = await open({}, receiver);
      await forge(app);
      await forge(app);
      await app.send("clerk", signUp("user_1"));
      await app.pump();
      expect(app.dub.recorded).toHaveLength(1);
      expect(app.messages).toHaveLength(1);
      expect(app.errors("alert_failed")).toMatchObject([{ message: said }]);
      expect(JSON.stringify(lines)).not.toContain("secret-path");
    },
  );

  it.each(["hooks.example", "https://[x", "http://hooks.example:99999999/"])(
    "the address %s is said to be none, and no lead waits for it",
    async (address) => {
      const app = await open({ settings: { ALERT_WEBHOOK_URL: address } });
      await forge(app);
      await app.send("clerk", signUp("user_1"));
      await app.pump();
      expect(app.dub.recorded).toHaveLength(1);
      expect(app.errors("misconfigured")).toMatchObject([
        { message: "ALERT_WEBHOOK_URL must be an http(s) address that takes Slack's JSON." },
      ]);
    },
  );
});

it("a message holds no customer, no secret, and nothing that Slack would read as markup", async () => {
  const error = { code: "unprocessable_entity", message: "<!channel> mira@orchard.example & user_1" };
  const messages: string[] = [];
  const app = await createTestApp({
    settings: { ALERT_WEBHOOK_URL: ADDRESS, AUTH0_WEBHOOK_SECRET: "<!here>" },
    fetch: async (request) => {
      if (request.url !== ADDRESS) return Response.json({ error }, { status: 422 });
      messages.push(await request.text());
      return new Response("ok");
    },
  });
  await app.send("clerk", signUp("user_1"));
  await app.pump();
  await app.fetch(new Request("https://x/webhooks/auth0", { method: "POST", body: "{}" }));
  expect(messages).toHaveLength(2);
  expect(messages.join()).toContain("Dub refused the lead's content");
  expect(messages.join()).not.toMatch(/mira|orchard|user_1|<|dub_local|!here/);
});
