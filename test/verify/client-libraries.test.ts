/** The providers' own libraries: what they sign is accepted, what is corrupted is not, what we sign they accept. */
import { Webhook as StandardWebhook } from "standardwebhooks";
import Stripe from "stripe";
import { Webhook as SvixWebhook } from "svix";
import { describe, expect, it } from "vitest";
import { createTestApp, sampleOf, signUp } from "../support/app.ts";

describe("Standard Webhooks and Svix", () => {
  it.each([
    ["standardwebhooks", "webhook", StandardWebhook],
    ["svix", "svix", SvixWebhook],
  ] as const)(
    "%s signs, and the endpoint accepts it; a changed byte is refused",
    async (_, prefix, Library) => {
      const app = await createTestApp();
      const body = JSON.stringify(signUp("user_1"));
      const at = new Date(app.clock.now);
      const signature = new Library(app.secretOf("clerk")).sign("msg_1", at, body);
      const headers = {
        [`${prefix}-id`]: "msg_1",
        [`${prefix}-timestamp`]: String(at.getTime() / 1000),
        [`${prefix}-signature`]: `v1,AAAA ${signature}`,
      };
      const post = (text: string) =>
        app.fetch(new Request("https://x/webhooks/clerk", { method: "POST", body: text, headers }));
      expect((await post(body)).status).toBe(200);
      expect((await post(`${body} `)).status).toBe(401);
      expect((await app.row()).event_id).toBe("msg_1");
    },
  );

  it("what we sign, standardwebhooks accepts", async () => {
    const app = await createTestApp();
    const request = await app.request("clerk", signUp("user_1"), { at: Date.now() });
    const headers = Object.fromEntries(request.headers);
    expect(new StandardWebhook(app.secretOf("clerk")).verify(await request.text(), headers)).toMatchObject({
      type: "user.created",
    });
  });
});

describe("Stripe", () => {
  const stripe = new Stripe("sk_test_none");

  it("a header made by its SDK is accepted; a changed byte is refused", async () => {
    const app = await createTestApp();
    const payload = JSON.stringify(sampleOf("stripe").webhook);
    const signature = await stripe.webhooks.generateTestHeaderStringAsync({
      payload,
      secret: app.secretOf("stripe"),
      timestamp: app.clock.now / 1000,
    });
    const post = (body: string) =>
      app.fetch(
        new Request("https://x/webhooks/stripe", {
          method: "POST",
          body,
          headers: { "stripe-signature": `${signature},v0=00` },
        }),
      );
    expect((await post(payload)).status).toBe(200);
    expect((await post(`${payload} `)).status).toBe(401);
  });

  it("what we sign, its SDK accepts", async () => {
    const app = await createTestApp();
    const request = await app.request("stripe", sampleOf("stripe").webhook, { at: Date.now() });
    const event = await stripe.webhooks.constructEventAsync(
      await request.text(),
      request.headers.get("stripe-signature") ?? "",
      app.secretOf("stripe"),
    );
    expect(event.type).toBe("customer.created");
  });
});
