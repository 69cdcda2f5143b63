/** Who counts as the same customer, from the webhook to Dub. */
import { describe, expect, it } from "vitest";
import { createTestApp, sampleOf } from "../support/app.ts";

type Stripe = { id: string; data: { object: Record<string, unknown> } };

/** A Stripe sample with other values of its object. */
function stripe(name: string, id: string, change: Record<string, unknown>): Stripe {
  const webhook = sampleOf("stripe", name).webhook as Stripe;
  return { ...webhook, id, data: { object: { ...webhook.data.object, ...change } } };
}

async function leadsOf(webhooks: Stripe[]) {
  const app = await createTestApp({ dub: { click: (id) => ({ id: `link_${id}`, state: "ours" }) } });
  for (const webhook of webhooks) {
    await app.send("stripe", webhook);
    // The provider delivers it twice.
    await app.send("stripe", webhook);
  }
  await app.pump();
  const rows = await app.rows();
  return {
    customers: app.dub.recorded.map(({ customerExternalId }) => customerExternalId),
    reasons: rows.map(({ reason }) => reason),
    rows,
  };
}

describe("Stripe", () => {
  it.each(["undefined", "null", "[object Object]", "missing-id", " ", "{{user.id}}", "anonymous"])(
    "two customers whose app wrote %j as their id are two leads",
    async (dubCustomerExternalId) => {
      const webhooks = ["A1", "B2"].map((one) =>
        stripe("sign-up", `evt_${one}`, {
          id: `cus_${one}`,
          metadata: { dubCustomerExternalId, dubClickId: `${one}3dE6gH9jK2mN5` },
        }),
      );
      expect((await leadsOf(webhooks)).customers).toEqual(["cus_A1", "cus_B2"]);
    },
  );

  it("a placeholder without any other id is rejected and kept", async () => {
    const metadata = { dubCustomerExternalId: "undefined", dubClickId: "Ab3dE6gH9jK2mN5p" };
    const { customers, reasons } = await leadsOf([stripe("sign-up", "evt_1", { id: null, metadata })]);
    expect([customers, reasons]).toEqual([[], ["no_customer_id"]]);
  });

  it("a guest who buys twice is one lead", async () => {
    const webhooks = ["Ada@orchard.example", "ada@Orchard.example"].map((email, i) =>
      stripe("payment-link-guest", `evt_${i}`, { id: `cs_${i}`, customer_details: { email, name: "Ada" } }),
    );
    expect(await leadsOf(webhooks)).toMatchObject({
      customers: ["ada@orchard.example"],
      reasons: ["recorded", "duplicate_here"],
    });
  });

  it("one person with two Stripe customers is two leads, of which the second says so; one with the app's id", async () => {
    const webhooks = (metadata: object) => [
      stripe("sign-up", "evt_1", {
        id: "cus_App",
        metadata: { ...metadata, dubClickId: "Ab3dE6gH9jK2mN5p" },
      }),
      stripe("payment-link", "evt_2", {
        customer: "cus_Link",
        customer_email: "Mira@orchard.example",
        client_reference_id: "dub_id_Ab3dE6gH9jK2mN5p",
        metadata,
      }),
    ];
    const { customers, rows } = await leadsOf(webhooks({}));
    expect(customers).toEqual(["cus_App", "cus_Link"]);
    expect(rows.map(({ warnings }) => JSON.parse(warnings ?? "[]"))).toEqual([
      [],
      [
        {
          field: "customerExternalId",
          did: `kept: another customer has the same click and e-mail address, event ${rows[0]?.id}. If it is one person, map the same id for both`,
        },
      ],
    ]);
    const same = await leadsOf(webhooks({ dubCustomerExternalId: "user_1" }));
    expect(same.customers).toEqual(["user_1"]);
    expect(same.rows.map(({ warnings }) => warnings)).toEqual([null, null]);
  });
});
