/** Click memory in tests: who tells clicks, and sign-ups at any moment. */
import { TOKEN } from "./admin.ts";
import { answerOf, createTestApp, db, signUp, type TestAppOptions } from "./app.ts";
import { type createIssuer, ISSUER } from "./tokens.ts";

export const CLICKS_TOKEN = "a-token-of-the-site-for-clicks";
export const CLICK = "Yb7nT2kLq9WsXe4D";
export const OTHER = "Qm5rV8cJz1HdUo3F";
/** The address of every sign-up. */
export const EMAIL = "mira@orchard.example";

type Issuer = Awaited<ReturnType<typeof createIssuer>>;

/** An app with click memory on: clicks told by sessions of `issuer`, or by the site. */
export async function openClicks(issuer: Issuer, options: TestAppOptions = {}) {
  const app = await createTestApp({
    settings: { CLICKS_TOKEN, CLERK_ISSUER: ISSUER, ADMIN_TOKEN: TOKEN },
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
    /** A sign-up at this moment, or `ago` before it. */
    signsUp: (user: string, { ago = 0, clickId = null as string | null, type = "user.created" } = {}) => {
      const webhook = signUp(user, clickId) as { data: Record<string, unknown>; type: string };
      const at = app.clock.now - ago;
      Object.assign(webhook.data, { created_at: at, updated_at: at });
      return app.send("clerk", { ...webhook, type, timestamp: at });
    },
    remembered: async () =>
      (
        await db
          .prepare("SELECT click_id, proof, clicked_at, told_at FROM clicks ORDER BY click_id")
          .all<{ click_id: string }>()
      ).results,
    credited: () => app.dub.recorded.map(({ customerExternalId, clickId }) => [customerExternalId, clickId]),
  };
}
