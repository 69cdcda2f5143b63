import { Hono } from "hono";
import { getCookie } from "hono/cookie";
import type Stripe from "stripe";
import { clickId } from "../click-id.ts";

/** The form has no `action`: it is sent to the page's own address, with `?dub_id=` if the address has it. */
const PAGE = `<!doctype html>
<title>Sign up</title>
<script src="https://www.dubcdn.com/analytics/script.js" defer></script>
<form method="post">
  <input name="email" type="email" placeholder="E-mail address" required>
  <button type="submit">Start your subscription</button>
</form>`;

/** A page that starts a subscription. `price`: the id of a recurring price in Stripe. */
export function createApp(stripe: Stripe, price: string): Hono {
  const app = new Hono();
  app.get("/", (context) => context.html(PAGE));
  app.post("/", async (context) => {
    const { email } = await context.req.parseBody();
    const user = createUser(String(email));
    const dubClickId = clickId(context.req.query("dub_id"), getCookie(context, "dub_id"));
    const metadata = { dubCustomerExternalId: user.id, ...(dubClickId && { dubClickId }) };
    const session = await stripe.checkout.sessions.create({
      mode: "subscription",
      customer_email: user.email,
      line_items: [{ price, quantity: 1 }],
      success_url: new URL("/welcome", context.req.url).href,
      metadata,
      subscription_data: { metadata },
    });
    return context.redirect(session.url ?? "/", 303);
  });
  app.get("/welcome", (context) => context.text("Welcome."));
  return app;
}

/** Stands for your own database. */
function createUser(email: string) {
  return { id: crypto.randomUUID(), email };
}
