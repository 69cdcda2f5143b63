/** Click memory: a click that is told makes a lead of a sign-up without one, whichever comes first. */
import { beforeAll, describe, expect, it } from "vitest";
import { answerOf, createTestApp, HOUR, SECOND, START, signUp } from "../support/app.ts";
import { createIssuer, ISSUER } from "../support/tokens.ts";

const CLICKS_TOKEN = "a-token-of-the-site-for-clicks";
const CLICK = "Yb7nT2kLq9WsXe4D";

let issuer: Awaited<ReturnType<typeof createIssuer>>;
beforeAll(async () => {
  issuer = await createIssuer();
});

async function open(options: Parameters<typeof createTestApp>[0] = {}) {
  const app = await createTestApp({
    settings: { CLICKS_TOKEN, CLERK_ISSUER: ISSUER },
    fetch: async (request) => (await issuer.fetch(request)) ?? answerOf(app.dub.app, request),
    ...options,
  });
  const tell = (authorization: string, body: unknown) =>
    app.fetch(
      new Request("https://leads.example/clicks", {
        method: "POST",
        headers: { authorization: `Bearer ${authorization}` },
        body: JSON.stringify(body),
      }),
    );
  return {
    ...app,
    /** The customer's own word. */
    session: async (user: string, body: object = {}) =>
      tell(await issuer.token(user, {}, "key_1", app.clock.now), { clickId: CLICK, ...body }),
    /** The site's word. */
    site: (body: object) => tell(CLICKS_TOKEN, { clickId: CLICK, ...body }),
    credited: () => app.dub.recorded.map(({ customerExternalId, clickId }) => [customerExternalId, clickId]),
  };
}

describe("a click told by the customer's session", () => {
  it("makes a lead of a sign-up that came before", async () => {
    const app = await open();
    await app.send("clerk", signUp("user_1", null));
    expect(await app.row()).toMatchObject({ status: "skipped", reason: "no_click_id" });
    const answer = await app.session("user_1", { clickedAt: START - HOUR });
    expect([answer.status, await answer.json()]).toEqual([200, { events: 1 }]);
    expect(await app.row()).toMatchObject({ status: "pending", reason: "new", click_by: "session" });
    await app.sweep();
    expect(app.credited()).toEqual([["user_1", CLICK]]);
  });

  it("makes a lead of a sign-up that comes after", async () => {
    const app = await open();
    const answer = await app.session("user_1", { clickedAt: START - HOUR });
    expect(await answer.json()).toEqual({ events: 0 });
    app.clock.now += 5 * SECOND;
    expect(await app.send("clerk", signUp("user_1", null))).toMatchObject([
      { status: "pending", reason: "new" },
    ]);
    await app.sweep();
    expect(app.credited()).toEqual([["user_1", CLICK]]);
  });
});
