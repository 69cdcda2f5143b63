/** What comes after a deployment: addresses to paste, secrets that are missing, and the command that proves it. */
import { ADMIN_TOKEN } from "../../admin/auth.ts";
import { CLICKS_TOKEN } from "../../clicks/proof.ts";
import { secretName } from "../../settings.ts";
import { table } from "../print.ts";
import type { Deployed } from "./steps.ts";

const OTHERS: [name: string, what: string][] = [
  ["DUB_API_KEY", "Dub: Settings → API Keys. Until then leads are kept, and none is delivered"],
  [ADMIN_TOKEN, "for the admin pages, npm run doctor, why, events and replay: openssl rand -hex 32"],
  ["ALERT_WEBHOOK_URL", "optional: an incoming webhook of Slack or the like"],
  [CLICKS_TOKEN, "optional: your site's server tells clicks with it: openssl rand -hex 32"],
];

/** The text for the person. `secrets`: names of those that are set. `flags`: those that name the environment. */
export function nextSteps(
  { worker, hosts }: Deployed,
  providers: string[],
  secrets: Set<string>,
  flags: string[],
): string {
  const [host = "<host>"] = hosts;
  const rows = providers.map((provider) => [
    provider,
    `https://${host}/webhooks/${provider}`,
    secrets.has(secretName(provider)) ? "set" : "missing: off",
  ]);
  const all: [string, string][] = [
    ...OTHERS.slice(0, 1),
    ...providers.map((provider): [string, string] => [secretName(provider), `if you use ${provider}`]),
    ...OTHERS.slice(1),
  ];
  const missing = all.filter(([name]) => !secrets.has(name));
  const more = flags.map((flag) => ` ${flag}`).join("");
  const width = Math.max(0, ...missing.map(([name]) => name.length));
  return [
    `Deployed ${worker}${hosts.length > 0 ? ` at ${hosts.map((one) => `https://${one}`).join(", ")}` : ""}.`,
    ...(hosts.length === 0
      ? [
          "wrangler named no address: put the Worker's host in place of <host>. workers_dev, routes and domains are off.",
        ]
      : []),
    "",
    table(["provider", "address to paste there", "its secret"], rows),
    "",
    ...(missing.length > 0
      ? [
          "Secrets that are missing:",
          ...missing.map(
            ([name, what]) => `  npx wrangler secret put ${name.padEnd(width)}${more}   # ${what}`,
          ),
          `Or several at once, as NAME=value lines in .prod.vars: npm run deploy --${more} --secrets-file .prod.vars`,
          "",
        ]
      : []),
    `Then check it: npm run doctor -- --to https://${host}`,
  ].join("\n");
}
