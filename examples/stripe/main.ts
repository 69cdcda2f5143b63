/** STRIPE_SECRET_KEY=sk_test_… STRIPE_PRICE=price_… npm run dev */
import { serve } from "@hono/node-server";
import Stripe from "stripe";
import { createApp } from "./app.ts";

const { STRIPE_SECRET_KEY = "", STRIPE_PRICE = "" } = process.env;
serve({ fetch: createApp(new Stripe(STRIPE_SECRET_KEY), STRIPE_PRICE).fetch, port: 3000 }, ({ port }) =>
  console.log(`http://localhost:${port}`),
);
