/** What the admin pages and the API say of click memory: who told a click, why one does not count, and how many. */
import { beforeAll, describe, expect, it } from "vitest";
import type { ApiEventWhole } from "../../src/admin/schema.ts";
import { TOKEN } from "../support/admin.ts";
import { answerOf, createTestApp, DAY, HOUR, MINUTE, SECOND, signUp } from "../support/app.ts";
import { createIssuer, ISSUER } from "../support/tokens.ts";

const CLICKS_TOKEN = "a-token-of-the-site-for-clicks";
const CLICK = "Yb7nT2kLq9WsXe4D";
const EMAIL = "mira@orchard.example";

let issuer: Awaited<ReturnType<typeof createIssuer>>;
beforeAll(async () => {
  issuer = await createIssuer();
});

async function open(settings: Record<string, string> = { CLICKS_TOKEN, CLERK_ISSUER: ISSUER }) {
  const app = await createTestApp({
    settings: { ADMIN_TOKEN: TOKEN, ...settings },
    fetch: async (request) => (await issuer.fetch(request)) ?? answerOf(app.dub.app, request),
  });
  const get = (path: string) =>
    app.fetch(
      new Request(`https://leads.example${path}`, {
        headers: { authorization: `Basic ${btoa(`me:${TOKEN}`)}` },
      }),
    );
  const tell = async (bearer: string, body: object) => {
    const answer = await app.fetch(
      new Request("https://leads.example/clicks", {
        method: "POST",
        headers: { authorization: `Bearer ${bearer}` },
        body: JSON.stringify({ clickId: CLICK, ...body }),
      }),
    );
    expect(answer.status).toBe(200);
  };
  return {
    ...app,
    page: async (path: string) => {
      const html = await (await get(`/admin${path}`)).text();
      expect(new TextEncoder().encode(html).length).toBeLessThan(30_000);
      return html
        .replace(/<[^>]*>/g, " ")
        .replaceAll("&#39;", "'")
        .replace(/\s+/g, " ");
    },
    json: async <T>(path: string) => (await get(`/api${path}`)).json<T>(),
    whole: async (id?: string) =>
      (await get(`/api/events/${id ?? (await app.row()).id}`)).json<ApiEventWhole>(),
    /** The customer's own word. */
    session: async (user: string, body: object = {}) =>
      tell(await issuer.token(user, {}, "key_1", app.clock.now), body),
    /** The site's word. */
    site: (body: object) => tell(CLICKS_TOKEN, body),
    signsUp: async (user: string, clickId: string | null = null) => {
      const webhook = signUp(user, clickId) as { data: object };
      Object.assign(webhook.data, { created_at: app.clock.now, updated_at: app.clock.now });
      await app.send("clerk", { ...webhook, timestamp: app.clock.now });
    },
  };
}

const says = ({ story }: ApiEventWhole) => story.map((step) => step.says).join("\n");

describe("a lead by click memory", () => {
  it("says who told the click and when, and that the payload did not", async () => {
    const app = await open();
    await app.signsUp("user_1");
    const { now } = app.clock;
    app.clock.now += 14 * SECOND;
    await app.session("user_1", { clickedAt: now - 2 * DAY });
    await app.sweep();
    const whole = await app.whole();
    expect(whole).toMatchObject({
      status: "delivered",
      clickBy: "session",
      clickToldAt: new Date(now + 14 * SECOND).toISOString(),
      clicks: [
        {
          clickId: CLICK,
          by: "session",
          clickedAt: new Date(now - 2 * DAY).toISOString(),
          toldAt: new Date(now + 14 * SECOND).toISOString(),
          whyNot: null,
        },
      ],
    });
    expect(says(whole)).toContain(
      "The click was told by the customer's session, 14 seconds after the sign-up; the site first saw it 2 days before the sign-up.",
    );
    expect(says(whole)).toContain("without a click id in the webhook");
    const page = await app.page(`/events/${whole.id}`);
    expect(page).toContain(
      `${CLICK} from click memory, not from the payload: told by the customer's session`,
    );
    expect(page).not.toContain("would give another lead by now");
    expect(await app.page("/events")).toContain(", click told");
  });

  it.each<[string, (app: Awaited<ReturnType<typeof open>>) => Promise<void>, RegExp]>([
    [
      "the site's server, before the sign-up",
      (app) => app.site({ customerExternalId: "user_1" }),
      /told by your site's server, 1 hour before the sign-up; when the site first saw it was not told\./,
    ],
    [
      "the site's server, by e-mail address",
      (app) => app.site({ customerEmail: EMAIL, clickedAt: app.clock.now - DAY }),
      /told by your site's server, for the customer's e-mail address, 1 hour before the sign-up; the site first saw it 1 day before the sign-up\. It waited an hour/,
    ],
  ])("told by %s", async (_, told, expected) => {
    const app = await open();
    await told(app);
    app.clock.now += HOUR;
    await app.signsUp("user_1");
    expect(says(await app.whole())).toMatch(expected);
  });

  it("keeps who told it when the click is not remembered any more", async () => {
    const app = await open();
    await app.site({ customerExternalId: "user_1" });
    await app.signsUp("user_1");
    await app.env.DB.exec("DELETE FROM clicks");
    expect(says(await app.whole())).toContain(
      "The click was told by your site's server, and is not remembered any more.",
    );
  });

  it("is shown by the preview of a replay", async () => {
    const app = await open();
    await app.signsUp("user_1");
    const { id } = await app.row();
    await app.env.DB.exec("UPDATE events SET waits_key = NULL");
    await app.session("user_1", { clickedAt: app.clock.now - HOUR });
    expect(says(await app.whole())).toContain(
      "the event came before click memory was there, and a replay gives it the click",
    );
    expect(await app.page(`/events/${id}?ask=replay`)).toMatch(
      new RegExp(`It would be a lead.* Then clickId ${CLICK}`),
    );
  });
});

describe("a sign-up without a click", () => {
  type Told = [name: string, at: number, clickedAt: number | undefined, why: string];
  it.each<Told>([
    ["first seen after the sign-up", MINUTE, 30 * SECOND, "it was first seen 30 seconds after the sign-up"],
    ["seen long before", MINUTE, -91 * DAY, "it was first seen more than 90 days before the sign-up"],
    ["told late", 8 * DAY, -HOUR, "it was told more than 7 days after the sign-up"],
    [
      "told without its time",
      HOUR,
      undefined,
      "it was told without the time when it was first seen, and more than 15 minutes after the sign-up",
    ],
  ])("says why a click does not count: %s", async (_, at, clickedAt, why) => {
    const app = await open();
    await app.signsUp("user_1");
    const { now } = app.clock;
    app.clock.now += at;
    await app.session("user_1", clickedAt === undefined ? {} : { clickedAt: now + clickedAt });
    const whole = await app.whole();
    expect(whole).toMatchObject({ reason: "no_click_id", clickBy: null, clicks: [{ whyNot: why }] });
    expect(says(whole)).toContain(`A click was told by the customer's session, and does not count: ${why}.`);
  });

  it("says that the customer has a lead already", async () => {
    const app = await open();
    await app.signsUp("user_1", "Qm5rV8cJz1HdUo3F");
    await app.pump();
    app.clock.now += MINUTE;
    await app.signsUp("user_1");
    await app.session("user_1", { clickedAt: app.clock.now - HOUR });
    const second = (await app.rows()).at(-1);
    expect(second?.reason).toBe("no_click_id");
    expect(says(await app.whole(second?.id))).toContain("the customer has a lead by another event");
  });

  it.each<[string, Record<string, string> | undefined, string]>([
    ["is on", undefined, "No click is remembered for the customer."],
    ["is off", {}, "Click memory is off, so only the webhook can tell a click"],
  ])("says that none is remembered, when click memory %s", async (_, settings, expected) => {
    const app = await open(settings);
    await app.signsUp("user_1");
    expect(says(await app.whole())).toContain(expected);
  });

  it("nothing is said of click memory for a lead whose webhook has the click", async () => {
    const app = await open();
    await app.signsUp("user_1", CLICK);
    expect(await app.whole()).toMatchObject({ clickBy: null, clicks: [] });
    expect(says(await app.whole())).not.toMatch(/told|memory/i);
  });
});

describe("the overview", () => {
  it("has the sign-ups by webhook, by memory and by neither, and what was told and refused", async () => {
    const app = await open();
    await app.signsUp("user_1", "Qm5rV8cJz1HdUo3F");
    for (const user of ["user_2", "user_3"]) {
      await app.signsUp(user);
      await app.session(user, { clickedAt: app.clock.now - HOUR });
    }
    for (const user of ["user_4", "user_5"]) await app.signsUp(user);
    await app.sweep();
    const text = await app.page("");
    expect(text).toContain(
      "Sign-ups whose click is known: 3 of 5 (60 %): 1 by the webhook (below), 2 by click memory (above), 2 by neither",
    );
    expect(text).toMatch(/By webhook By memory By neither Clerk 5 3 2 1 2 2 /);
    expect(text).toContain("Click memory on last new click told 2026-03-10");
    expect(text).toContain("2 clicks are remembered.");
    const { hours } = await app.json<{ hours: object[] }>("/hours");
    expect(hours).toContainEqual(expect.objectContaining({ reason: "recorded", events: 3, byMemory: 2 }));
  });

  it("has a banner when a setting is wrong, and when all clicks are refused", async () => {
    const wrong = await open({ CLERK_ISSUER: "clerk.example" });
    expect(await wrong.page("")).toContain("Click memory – CLERK_ISSUER must be the https address");
    const app = await open();
    await app.fetch(new Request("https://leads.example/clicks", { method: "POST", body: "{}" }));
    await app.wake(true);
    expect(await app.page("")).toMatch(/no click was told since the last one was refused at .*unauthorized/);
  });
});
