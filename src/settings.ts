/** Settings and secrets of the Worker, parsed with a clear sentence for each wrong value. */
import * as z from "zod/mini";
import { hash } from "./hash.ts";

const wholeNumber = (min: number, max: number) =>
  z.pipe(
    z.string().check(
      z.regex(/^\d+$/),
      z.refine((s) => Number(s) >= min && Number(s) <= max),
    ),
    z.transform(Number),
  );

const SETTINGS = {
  DUB_API_KEY: {
    schema: z.optional(z.string().check(z.regex(/^dub_(?!pk_)\S+$/))),
    is: "an API key of a Dub workspace: it starts with dub_ and not with dub_pk_ (a publishable key)",
  },
  DUB_API_URL: {
    schema: z._default(
      z.pipe(
        z.string().check(z.regex(/^https?:\/\/[^\s/?#]+[^\s?#]*$/), z.refine(URL.canParse)),
        z.transform((s) => s.replace(/\/+$/, "")),
      ),
      "https://api.dub.co",
    ),
    is: "an http(s) address without query, such as https://api.dub.co",
  },
  DUB_DELIVERY: {
    schema: z._default(z.enum(["register-then-record", "single"]), "register-then-record"),
    is: "register-then-record or single",
  },
  RETRY_SCHEDULE: {
    schema: z._default(
      z.pipe(
        z.string().check(z.regex(/^\s*[1-9]\d{0,6}(\s*,\s*[1-9]\d{0,6})*\s*$/)),
        z.transform((s) => s.split(",").map(Number)),
      ),
      [30, 120, 600, 1800, 3600, 7200, 14400, 28800, 57600, 86400],
    ),
    is: "seconds between attempts, whole numbers separated by commas, such as 30,120,600",
  },
  RETENTION_DAYS: {
    schema: z._default(wholeNumber(1, 3650), 30),
    is: "a whole number of days from 1 to 3650",
  },
  ACCEPT_TEST_EVENTS: {
    schema: z._default(
      z.pipe(
        z.enum(["true", "false"]),
        z.transform((s) => s === "true"),
      ),
      false,
    ),
    is: "true or false",
  },
  ALERT_WEBHOOK_URL: {
    schema: z.optional(z.string().check(z.regex(/^https?:\/\//), z.refine(URL.canParse))),
    is: "an http(s) address that takes Slack's JSON",
  },
  MAX_BODY_BYTES: {
    schema: z._default(wholeNumber(1024, 1024 * 1024), 1024 * 1024),
    is: "a whole number of bytes from 1024 to 1048576",
  },
};

export type Settings = { [K in keyof typeof SETTINGS]: z.infer<(typeof SETTINGS)[K]["schema"]> };

/** Settings that can't be used; the message names each wrong one and what it must be, never its value. */
export class SettingsError extends Error {}

/** What the webhook endpoint needs. A mistake in the others stops delivery, and every webhook is still kept. */
export const ENDPOINT = ["MAX_BODY_BYTES", "ACCEPT_TEST_EVENTS"] as const satisfies (keyof Settings)[];

/** What delivery needs. */
export const DELIVERY = [
  "DUB_API_KEY",
  "DUB_API_URL",
  "DUB_DELIVERY",
  "RETRY_SCHEDULE",
] as const satisfies (keyof Settings)[];
export type DeliverySettings = Pick<Settings, (typeof DELIVERY)[number]>;

/** A short hash of the settings that a pause may be about: with other ones, delivery is tried at once. */
export function fingerprintOf({ DUB_API_KEY = "", DUB_API_URL }: DeliverySettings): Promise<string> {
  return hash(DUB_API_URL, DUB_API_KEY);
}

/** Parses the settings, or those named; an empty string counts as not set. Throws SettingsError naming everything wrong at once. */
export function parseSettings<K extends keyof Settings = keyof Settings>(
  env: Record<string, unknown>,
  names: readonly K[] = Object.keys(SETTINGS) as K[],
): Pick<Settings, K> {
  const wrong: string[] = [];
  const settings: Record<string, unknown> = {};
  for (const name of names) {
    const { schema, is } = SETTINGS[name];
    const given = env[name];
    const parsed = schema.safeParse(
      given === "" ? undefined : typeof given === "string" ? given.trim() : given,
    );
    if (parsed.success) settings[name] = parsed.data;
    else wrong.push(`${name} must be ${is}`);
  }
  if (wrong.length > 0) throw new SettingsError(`${wrong.join("; ")}.`);
  return settings as Pick<Settings, K>;
}

/** Settings and secrets that each provider has: `auth0-logs` and `WEBHOOK_SECRET` → `AUTH0_LOGS_WEBHOOK_SECRET`. */
const ofProvider = (provider: string, name: string) =>
  `${provider.toUpperCase().replaceAll("-", "_")}_${name}`;

/** Name of the Worker secret of a provider: `auth0-logs` → `AUTH0_LOGS_WEBHOOK_SECRET`. */
export function secretName(provider: string): string {
  return ofProvider(provider, "WEBHOOK_SECRET");
}

/** The secret text of a provider, or undefined when the provider is off. */
export function providerSecret(env: Record<string, unknown>, provider: string): string | undefined {
  const value = env[secretName(provider)];
  return typeof value === "string" && value.trim() !== "" ? value : undefined;
}

/** Who issues the session tokens of a provider, where its keys are if not at the usual place, and for whom they must be. */
export type Issuer = { issuers: string[]; keysUrl: string | undefined; audience: string[] | undefined };

/** Names of the settings of a provider's session tokens. */
export const sessionSettings = (provider: string) => ({
  issuer: ofProvider(provider, "ISSUER"),
  keys: ofProvider(provider, "JWKS_URL"),
  audience: ofProvider(provider, "AUDIENCE"),
});

/** The issuer of a provider's session tokens, or undefined when none is set. Throws a SettingsError for a wrong value. */
export function issuerOf(env: Record<string, unknown>, provider: string): Issuer | undefined {
  const names = sessionSettings(provider);
  const words = (name: string) => {
    const value = env[name];
    return typeof value === "string" ? value.split(/\s+/).filter((word) => word !== "") : [];
  };
  const issuers = words(names.issuer);
  if (issuers.length === 0) return undefined;
  const [keysUrl, ...others] = words(names.keys);
  if (!issuers.every(isHttps))
    throw new SettingsError(`${names.issuer} must be the https address that the tokens have as iss.`);
  if (keysUrl !== undefined && (others.length > 0 || !isHttps(keysUrl)))
    throw new SettingsError(`${names.keys} must be the https address of the key set.`);
  const audience = words(names.audience);
  return { issuers, keysUrl, audience: audience.length > 0 ? audience : undefined };
}

/** Or http on this machine. */
const isHttps = (text: string) =>
  /^(https:\/\/|http:\/\/(localhost|127\.0\.0\.1)[:/])[^\s?#]+$/.test(text) && URL.canParse(text);
