/** Standard Webhooks (standardwebhooks.com) and Svix, which differ only in the headers' names. */
import { preset } from "./hmac.ts";

export const standardWebhooks = preset(
  "standard-webhooks",
  "standardwebhooks.com and Svix: webhook-* or svix-* headers.",
  {
    scheme: "hmac",
    signature: { header: ["webhook-signature", "svix-signature"], split: " ", kv: ",", key: "v1" },
    encoding: "base64",
    payload: "{id}.{timestamp}.{body}",
    id: ["webhook-id", "svix-id"],
    timestamp: { header: ["webhook-timestamp", "svix-timestamp"], unit: "s", tolerance: 300 },
    secret: { strip: ["v1,whsec_", "whsec_"], encoding: ["base64"], minBytes: 16 },
  },
);
