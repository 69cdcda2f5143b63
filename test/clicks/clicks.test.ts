/** Click memory: a click that is told makes a lead of a sign-up without one, whichever comes first. */
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { shipped as mappings } from "../../mappings/index.ts";
import { ANSWERS } from "../../src/clicks/answers.ts";
import { post, TOKEN } from "../support/admin.ts";
import { DAY, db, HOUR, MINUTE, SECOND, START, sampleOf } from "../support/app.ts";
import { CLICK, CLICKS_TOKEN, EMAIL, OTHER, openClicks } from "../support/clicks.ts";
import { createIssuer, ISSUER } from "../support/tokens.ts";

let issuer: Awaited<ReturnType<typeof createIssuer>>;
beforeAll(async () => {
  issuer = await createIssuer();
});

afterEach(() => void vi.restoreAllMocks());

const open = (options?: Parameters<typeof openClicks>[1]) => openClicks(issuer, options);

describe("whichever comes first", () => {
  it("the sign-up: it is skipped, and the click makes it a lead", async () => {
    const app = await open();
    expect(await app.signsUp("user_1")).toMatchObject([{ status: "skipped", reason: "no_click_id" }]);
    app.clock.now += 14 * SECOND;
    const answer = await app.session("user_1", { clickedAt: START - HOUR });
    expect([answer.status, await answer.json()]).toEqual([200, { events: 1 }]);
    expect(await app.row()).toMatchObject({
      status: "pending",
      reason: "new",
      click_by: "session",
      click_told_at: START + 14 * SECOND,
    });
    await app.sweep();
    expect(app.credited()).toEqual([["user_1", CLICK]]);
    expect(await app.row()).toMatchObject({ status: "delivered", reason: "recorded" });
  });

  it("the click: the sign-up is a lead at once", async () => {
    const app = await open();
    const answer = await app.session("user_1", { clickedAt: START - HOUR });
    expect(await answer.json()).toEqual({ events: 0 });
    app.clock.now += 5 * SECOND;
    expect(await app.signsUp("user_1")).toMatchObject([{ status: "pending", reason: "new" }]);
    await app.sweep();
    expect(app.credited()).toEqual([["user_1", CLICK]]);
  });

  it("the click, while the ledger is down: what the queue carries is joined, too", async () => {
    const app = await open();
    await app.site({ customerExternalId: "user_1", clickedAt: START - HOUR });
    app.down.ledger = true;
    await app.signsUp("user_1");
    app.down.ledger = false;
    await app.pass(2 * MINUTE);
    expect(app.credited()).toEqual([["user_1", CLICK]]);
  });

  it("neither sent again nor updated, a sign-up counts twice", async () => {
    const app = await open();
    await app.signsUp("user_1");
    await app.session("user_1", { clickedAt: START - HOUR });
    await app.sweep();
    await app.signsUp("user_1");
    await app.signsUp("user_1", { type: "user.updated", clickId: OTHER });
    await app.session("user_1", { clickedAt: START - HOUR });
    await app.session("user_1", { clickId: OTHER, clickedAt: START - MINUTE });
    await app.pass(HOUR);
    expect(app.credited()).toEqual([["user_1", CLICK]]);
  });
});

it("the first claims of an isolate, at once, are all taken", async () => {
  const app = await open();
  const answers = await Promise.all(["user_1", "user_2", "user_3"].map((user) => app.session(user)));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
});

describe("which click counts", () => {
  type Told = { clickId?: string; clickedAt?: number; at?: number };
  const rows: [string, Told[], string | null][] = [
    ["none is told", [], null],
    ["told six days after the sign-up", [{ at: 6 * DAY, clickedAt: -HOUR }], CLICK],
    ["told eight days after the sign-up", [{ at: 8 * DAY, clickedAt: -HOUR }], null],
    ["told without its time, 14 minutes after the sign-up", [{ at: 14 * MINUTE }], CLICK],
    ["told without its time, 16 minutes after the sign-up", [{ at: 16 * MINUTE }], null],
    ["told without its time, a day before the sign-up", [{ at: -DAY }], CLICK],
    ["first seen after the sign-up", [{ at: MINUTE, clickedAt: SECOND }], null],
    ["first seen 89 days before", [{ at: MINUTE, clickedAt: -89 * DAY }], CLICK],
    ["first seen 91 days before", [{ at: MINUTE, clickedAt: -91 * DAY }], null],
    [
      "the last one before the sign-up, of several",
      [
        { at: -3 * DAY, clickId: "Ab1cD2eF3gH4iJ5k", clickedAt: -4 * DAY },
        { at: -DAY, clickedAt: -2 * DAY },
        { at: MINUTE, clickId: OTHER, clickedAt: 30 * SECOND },
      ],
      CLICK,
    ],
    [
      "the last one told, while the lead was not tried yet",
      [
        { at: MINUTE, clickId: OTHER, clickedAt: -2 * DAY },
        { at: MINUTE, clickedAt: -DAY },
      ],
      CLICK,
    ],
    [
      "the same click told again with an earlier time",
      [
        { at: MINUTE, clickedAt: 30 * SECOND },
        { at: 2 * MINUTE, clickedAt: -HOUR },
      ],
      CLICK,
    ],
  ];

  it.each(rows)("%s", async (_, told, credited) => {
    const app = await open();
    const before = told.filter(({ at = 0 }) => at < 0);
    const signedUpAt = START + 10 * DAY;
    const tell = async ({ at = 0, clickId = CLICK, clickedAt }: Told) => {
      app.clock.now = signedUpAt + at;
      const body = { customerExternalId: "user_1", clickId };
      await app.site(clickedAt === undefined ? body : { ...body, clickedAt: signedUpAt + clickedAt });
    };
    for (const one of before) await tell(one);
    app.clock.now = signedUpAt;
    await app.signsUp("user_1");
    for (const one of told.filter((one) => !before.includes(one))) await tell(one);
    await app.sweep();
    expect(app.credited()).toEqual(credited === null ? [] : [["user_1", credited]]);
  });

  it("a webhook that comes late does not make a later click count", async () => {
    const app = await open();
    await app.session("user_1", { clickedAt: START });
    app.clock.now += 3 * HOUR;
    expect(await app.signsUp("user_1", { ago: 3 * HOUR + MINUTE })).toMatchObject([
      { reason: "no_click_id" },
    ]);
  });

  it("the webhook's own click id stays", async () => {
    const app = await open();
    await app.session("user_1", { clickedAt: START - HOUR });
    await app.signsUp("user_1", { clickId: OTHER });
    await app.pump();
    expect(app.credited()).toEqual([["user_1", OTHER]]);
  });

  it("a clock that is wrong is corrected by its time of sending", async () => {
    const app = await open();
    await app.signsUp("user_1");
    const ahead = 5 * HOUR;
    app.clock.now += MINUTE;
    await app.session("user_1", { clickedAt: START - HOUR + ahead, sentAt: app.clock.now + ahead });
    expect(await app.remembered()).toMatchObject([{ clicked_at: START - HOUR }]);
    expect(await app.row()).toMatchObject({ reason: "new" });
  });

  it("twenty clicks of a customer are remembered, the last ones", async () => {
    const app = await open();
    const ids = Array.from({ length: 25 }, (_, i) => `Click${String(i).padStart(11, "0")}`);
    for (const [i, clickId] of ids.entries())
      await app.site({ customerExternalId: "user_1", clickId, clickedAt: START - (50 - i) * MINUTE });
    expect((await app.remembered()).map(({ click_id }) => click_id)).toEqual(ids.slice(5));
  });
});

describe("a customer with a lead", () => {
  const TRIAL = {
    ...(mappings.clerk as object),
    leads: [
      {
        on: ["user.created"],
        lead: {
          clickId: "data.unsafe_metadata.dubClickId",
          eventName: "'Sign Up'",
          customerExternalId: "data.id",
        },
      },
      {
        on: ["user.updated"],
        lead: {
          clickId: "data.unsafe_metadata.dubClickId",
          eventName: "'Trial'",
          customerExternalId: "data.id",
        },
      },
    ],
  };

  it("is not bound to another click by a second lead", async () => {
    const app = await open({ mappings: { clerk: TRIAL } });
    await app.signsUp("user_1", { clickId: OTHER });
    await app.pump();
    await app.signsUp("user_1", { type: "user.updated" });
    expect(await (await app.session("user_1", { clickedAt: START - HOUR })).json()).toEqual({ events: 0 });
    expect(await (await app.session("user_1", { clickId: OTHER, clickedAt: START - HOUR })).json()).toEqual({
      events: 1,
    });
  });

  it("of two sign-ups that wait, one becomes a lead", async () => {
    const app = await open({ mappings: { clerk: { ...TRIAL, leads: [{ ...TRIAL.leads[0], on: ["*"] }] } } });
    await app.signsUp("user_1");
    await app.signsUp("user_1", { type: "user.updated" });
    expect(await (await app.session("user_1", { clickedAt: START - HOUR })).json()).toEqual({ events: 1 });
    expect((await app.rows()).map(({ status }) => status)).toEqual(["pending", "skipped"]);
  });
});

describe("a click told by e-mail address", () => {
  it("waits an hour for the customer's own word", async () => {
    const app = await open();
    await app.signsUp("user_1");
    await app.site({ customerEmail: EMAIL.toUpperCase(), clickedAt: START - DAY });
    expect(await app.row()).toMatchObject({ click_by: "email", next_attempt_at: START + HOUR });
    await app.pass(50 * MINUTE);
    expect(app.credited()).toEqual([]);
    await app.session("user_1", { clickId: OTHER, clickedAt: START - 2 * DAY });
    await app.sweep();
    expect(app.credited()).toEqual([["user_1", OTHER]]);
  });

  it("is sent when nothing else is told, and stays then", async () => {
    const app = await open();
    await app.site({ customerEmail: EMAIL, clickedAt: START - DAY });
    await app.signsUp("user_1");
    await app.pass(2 * HOUR);
    await app.session("user_1", { clickId: OTHER, clickedAt: START - HOUR });
    await app.pass(2 * HOUR);
    expect(app.credited()).toEqual([["user_1", CLICK]]);
  });

  it("does not replace the customer's own word", async () => {
    const app = await open();
    await app.signsUp("user_1");
    await app.session("user_1", { clickedAt: START - DAY });
    await app.site({ customerEmail: EMAIL, clickId: OTHER, clickedAt: START - HOUR });
    await app.sweep();
    expect(app.credited()).toEqual([["user_1", CLICK]]);
  });

  it("makes one customer only", async () => {
    const app = await open();
    await app.signsUp("user_1", { clickId: CLICK });
    await app.signsUp("user_2");
    await app.site({ customerEmail: EMAIL, clickedAt: START - DAY });
    expect((await app.rows()).map(({ status }) => status)).toEqual(["pending", "skipped"]);
  });

  it.each(["before", "after"])("makes a lead of a waitlist entry, told %s Dub was asked", async (when) => {
    const app = await open();
    const email = "ines@orchard.example";
    if (when === "before") await app.site({ customerEmail: email, clickedAt: START - DAY });
    await app.send("clerk", sampleOf("clerk", "waitlist").webhook);
    await app.pass(30 * MINUTE);
    if (when === "after") {
      expect(await app.row()).toMatchObject({ reason: "unknown_customer" });
      await app.site({ customerEmail: email, clickedAt: START - DAY });
    }
    expect(await app.row()).toMatchObject({ status: "pending", click_by: "email" });
    await app.pass(2 * HOUR);
    expect(app.credited()).toEqual([[email, CLICK]]);
  });
});

describe("a replay", () => {
  it("gives the click again, and says so before", async () => {
    const app = await open();
    const clickId = "disabledClick001";
    await app.signsUp("user_1");
    await app.session("user_1", { clickId, clickedAt: START - HOUR });
    await app.sweep();
    expect(await app.row()).toMatchObject({ status: "rejected", reason: "link_disabled" });
    const became = [{ status: "pending", reason: "new", events: 1 }];
    expect((await post(app, "/api/replay", { status: ["rejected"], dryRun: true })).body.became).toEqual(
      became,
    );
    expect((await post(app, "/api/replay", { status: ["rejected"] })).body.became).toEqual(became);
    expect(await app.row()).toMatchObject({ click_by: "session" });
    expect(JSON.parse((await app.row()).lead ?? "")).toMatchObject({ clickId });
  });
});

describe("forgetting", () => {
  it("clicks go after ninety days", async () => {
    const app = await open();
    await app.session("user_1", { clickedAt: START - HOUR });
    app.clock.now += 90 * DAY - MINUTE;
    await app.sweep();
    expect(await app.remembered()).toHaveLength(1);
    app.clock.now += 2 * MINUTE;
    await app.sweep();
    expect(await app.remembered()).toEqual([]);
  });

  it("neither ledger nor log has the customer's id, address or token", async () => {
    const lines: string[] = [];
    for (const level of ["info", "warn", "error"] as const)
      vi.spyOn(console, level).mockImplementation((line) => void lines.push(line));
    const app = await open();
    await app.session("user_1", { clickedAt: START - HOUR });
    await app.site({ customerEmail: EMAIL, customerExternalId: "user_1" });
    await app.session("user_1", { customerEmail: EMAIL });
    const kept = JSON.stringify((await db.prepare("SELECT * FROM clicks").all()).results);
    for (const secret of ["user_1", EMAIL, CLICKS_TOKEN, "eyJ"]) {
      expect(kept).not.toContain(secret);
      expect(lines.join("\n")).not.toContain(secret);
    }
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { level: "info", code: "click", by: "session", provider: "clerk", events: 0 },
      { level: "info", code: "click", by: "site", events: 0 },
      expect.objectContaining({ code: "click_refused", reason: "not_yours" }),
    ]);
  });
});

describe("what is not taken", () => {
  const OFF = { settings: { ADMIN_TOKEN: TOKEN } };
  type App = Awaited<ReturnType<typeof open>>;
  const rows: [keyof typeof ANSWERS, string, (app: App) => Promise<Response>, object?][] = [
    ["no_click_id", "clickId: missing", (app) => app.session("user_1", { clickId: undefined })],
    ["no_click_id", "clickId: a placeholder", (app) => app.session("user_1", { clickId: "{{dub_id}}" })],
    ["bad_claim", "clickedAt: must be", (app) => app.session("user_1", { clickedAt: START / 1000 })],
    ["bad_claim", "sentAt: must be", (app) => app.session("user_1", { sentAt: "now" })],
    ["bad_claim", "customerExternalId or customerEmail", (app) => app.site({})],
    ["bad_claim", "customerEmail: is no", (app) => app.site({ customerEmail: "mira" })],
    ["bad_claim", "customerExternalId: must be", (app) => app.site({ customerExternalId: "undefined" })],
    ["not_yours", "its own customer only", (app) => app.session("user_1", { customerExternalId: "user_2" })],
    ["not_yours", "its own customer only", (app) => app.session("user_1", { customerEmail: EMAIL })],
    ["unauthorized", "could not be verified", (app) => app.fetch(told("", {}))],
    ["unauthorized", "could not be verified", (app) => app.fetch(told("Bearer a.b.c", {}))],
    ["unauthorized", "could not be verified", (app) => app.fetch(told("Bearer another-token-of-a-site", {}))],
    ["clicks_off", "CLICKS_TOKEN", (app) => app.site({ customerExternalId: "user_1" }), OFF],
    ["too_large", "4096 bytes", (app) => app.site({ customerExternalId: "user_1", pad: "x".repeat(4096) })],
    ["method_not_allowed", "by POST", (app) => app.fetch(new Request("https://leads.example/clicks"))],
    [
      "misconfigured",
      "its log says why",
      (app) => app.site({ customerExternalId: "user_1" }),
      { settings: { CLICKS_TOKEN: "short" } },
    ],
    [
      "misconfigured",
      "its log says why",
      (app) => app.site({ customerExternalId: "user_1" }),
      { settings: { CLICKS_TOKEN, STRIPE_ISSUER: ISSUER } },
    ],
    [
      "unavailable",
      "can't be checked at the moment",
      (app) => app.session("user_1"),
      { fetch: async () => new Response(null, { status: 500 }) },
    ],
    [
      "not_kept",
      "Send it again later",
      (app) => {
        app.down.ledger = true;
        return app.session("user_1");
      },
    ],
  ];
  const told = (authorization: string, body: object) =>
    new Request("https://leads.example/clicks", {
      method: "POST",
      headers: authorization === "" ? {} : { authorization },
      body: JSON.stringify({ clickId: CLICK, ...body }),
    });

  it.each(rows)("%s: %s", async (code, message, call, options) => {
    const app = await open(options);
    const answer = await call(app);
    app.down.ledger = false;
    expect(answer.status).toBe(ANSWERS[code].status);
    expect(await answer.json()).toEqual({ error: code, message: expect.stringContaining(message) });
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
    expect(await app.remembered()).toEqual([]);
    // What could not be written is counted with the next refusal.
    if (code === "not_kept") await app.fetch(told("", {}));
    expect(await app.refusals()).toContainEqual(
      expect.objectContaining({ provider: "clicks", reason: code, count: 1 }),
    );
  });

  it("every answer is in the table above", () => {
    expect(new Set(rows.map(([code]) => code))).toEqual(new Set(Object.keys(ANSWERS)));
  });

  it("a browser on another origin may ask first", async () => {
    const app = await open();
    const answer = await app.fetch(
      new Request("https://leads.example/clicks", {
        method: "OPTIONS",
        headers: {
          origin: "https://www.orchard.example",
          "access-control-request-method": "POST",
          "access-control-request-headers": "authorization,content-type",
        },
      }),
    );
    expect(answer.status).toBe(204);
    expect(answer.headers.get("access-control-allow-headers")).toBe("authorization,content-type");
    expect(answer.headers.has("access-control-allow-credentials")).toBe(false);
  });
});
