/** Stripe-Signature (docs.stripe.com/webhooks/signature). The whole secret, `whsec_` included, is the key. */
import { preset } from "./hmac.ts";

export const stripe = preset("stripe", "Stripe-Signature: t=…,v1=….", {
  scheme: "hmac",
  signature: { header: "stripe-signature", split: ",", kv: "=", key: "v1" },
  encoding: "hex",
  payload: "{timestamp}.{body}",
  timestamp: { field: "t", unit: "s", tolerance: 300 },
  secret: { begins: "whsec_", encoding: ["utf8"], minBytes: 16 },
});
