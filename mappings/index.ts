/** Every mapping file. To add a provider: its JSON file beside this one, and one line here. */
import auth0 from "./auth0.json" with { type: "json" };
import auth0Logs from "./auth0-logs.json" with { type: "json" };
import clerk from "./clerk.json" with { type: "json" };
import stripe from "./stripe.json" with { type: "json" };

export const mappings: Record<string, unknown> = {
  auth0,
  "auth0-logs": auth0Logs,
  clerk,
  stripe,
};
