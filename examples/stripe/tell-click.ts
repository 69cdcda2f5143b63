import type Stripe from "stripe";

const WORKER = "https://leads.example.com";

/**
 * For checkouts that can't carry the click id, such as a pricing table: on the page that Stripe sends the customer to,
 * tells the click of the cookie `dub_id` and, of the cookie `dub_at`, when it was first seen. `id`: the checkout
 * session's, from `success_url: "https://example.com/welcome?session={CHECKOUT_SESSION_ID}"`.
 */
export async function tellClick(stripe: Stripe, id: string, clickId: string, dubAt = "") {
  const { metadata, customer, customer_details } = await stripe.checkout.sessions.retrieve(id);
  const email = customer_details?.email?.toLowerCase();
  const customerExternalId = metadata?.dubCustomerExternalId ?? customer ?? email;
  const [seenAt, clickOf] = dubAt.split(".");
  const clickedAt = clickOf === clickId ? Number(seenAt) || undefined : undefined;
  await fetch(`${WORKER}/clicks`, {
    method: "POST",
    headers: { authorization: `Bearer ${process.env.CLICKS_TOKEN}`, "content-type": "application/json" },
    body: JSON.stringify({ clickId, clickedAt, customerExternalId }),
  });
}
