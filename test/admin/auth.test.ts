/** Authentication of the admin API. */
import { describe, expect, it } from "vitest";
import { open, post, TOKEN } from "../support/admin.ts";
import { createTestApp } from "../support/app.ts";

describe("authentication", () => {
  it.each(["/api/replay", "/api/events/x/replay", "/api/else"])(
    "without ADMIN_TOKEN there is no %s",
    async (path) => {
      const app = await createTestApp();
      const { status, body } = await post(app, path);
      expect([status, body]).toEqual([
        404,
        { error: "not_found", message: "Webhooks go to POST /webhooks/<provider>." },
      ]);
    },
  );

  it("a token that is too short turns it off", async () => {
    const app = await createTestApp({ settings: { ADMIN_TOKEN: "short" } });
    const { status, body } = await post(app, "/api/replay", {}, { authorization: "Bearer short" });
    expect([status, body]).toEqual([
      503,
      {
        error: "misconfigured",
        message: "The Worker secret ADMIN_TOKEN can't be used; the log says why.",
      },
    ]);
  });

  const basic = (credentials: string) => `Basic ${btoa(credentials)}`;
  it.each([
    ["Bearer", `Bearer ${TOKEN}`, 200],
    ["bearer in small letters", `bearer  ${TOKEN}`, 200],
    ["the password of Basic", basic(`anyone:${TOKEN}`), 200],
    ["Basic without a user", basic(`:${TOKEN}`), 200],
    ["nothing", "", 401],
    ["another token", `Bearer ${TOKEN}x`, 401],
    ["the beginning of the token", `Bearer ${TOKEN.slice(0, -1)}`, 401],
    ["the token bare", TOKEN, 401],
    ["the token as the user of Basic", basic(`${TOKEN}:`), 401],
    ["Basic that is no base64", "Basic ****", 401],
    ["Bearer with nothing", "Bearer ", 401],
  ])("%s", async (_, authorization, expected) => {
    const app = await open();
    const { status, headers } = await post(app, "/api/replay", { status: "failed" }, { authorization });
    expect(status).toBe(expected);
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("www-authenticate")).toBe(
      expected === 401 ? 'Basic realm="webhook-to-lead", charset="UTF-8"' : null,
    );
  });

  it("takes the old and the new token while it is rotated", async () => {
    const app = await open({ settings: { ADMIN_TOKEN: `another-token-of-this-app ${TOKEN}` } });
    expect((await post(app, "/api/replay", { status: "failed" })).status).toBe(200);
  });

  it("a page of another site can't use the password that a browser remembers", async () => {
    const app = await open();
    const from = async (origin: string) =>
      (await post(app, "/api/replay", { status: "failed" }, { origin })).status;
    expect([
      await from("https://evil.example"),
      await from("null"),
      await from("https://leads.example"),
    ]).toEqual([403, 403, 200]);
  });
});
