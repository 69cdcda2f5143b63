/** The flags of `wrangler deploy`: which steps of `npm run deploy` each concerns, and which are refused and why. */
import { Option } from "@commander-js/extra-typings";
import { UserError } from "../user-error.ts";
import { readVars } from "../vars.ts";

/** `steps`: every run of wrangler, the deploy alone, or none, when it is for us. `value`: as commander writes it. */
type Flag =
  | { steps: "all" | "deploy" | "none"; short?: string; value?: "<text>" | "<text...>"; is: string }
  | { refused: string };

const NOT_USED = "this Worker has no use for it";

export const FLAGS: Record<string, Flag> = {
  env: { steps: "all", short: "e", value: "<text>", is: "an environment of wrangler.toml, such as staging" },
  config: { steps: "all", short: "c", value: "<text>", is: "another wrangler.toml" },
  "env-file": { steps: "all", value: "<text...>", is: "a file with CLOUDFLARE_API_TOKEN and the like" },
  profile: { steps: "all", value: "<text>", is: "a profile of wrangler's login" },
  "dry-run": { steps: "none", is: "check and build only: nothing is changed, and no login is needed" },
  "secrets-file": {
    steps: "none",
    value: "<text>",
    is: "NAME=value lines: the secrets to set with this deployment; others stay as they are",
  },
  var: { steps: "deploy", value: "<text...>", is: "a setting, as NAME:value" },
  "keep-vars": { steps: "deploy", is: "keep the settings made in the dashboard" },
  "compatibility-date": { steps: "deploy", value: "<text>", is: "instead of that of wrangler.toml" },
  "compatibility-flags": { steps: "deploy", value: "<text...>", is: "instead of those of wrangler.toml" },
  latest: { steps: "deploy", is: "the newest compatibility date" },
  routes: { steps: "deploy", value: "<text...>", is: "instead of those of wrangler.toml" },
  domains: { steps: "deploy", value: "<text...>", is: "custom domains" },
  tag: { steps: "deploy", value: "<text>", is: "a tag of this version" },
  message: { steps: "deploy", value: "<text>", is: "a description of this version" },
  strict: { steps: "deploy", is: "stop when the Worker was changed elsewhere" },
  minify: { steps: "deploy", is: "minify the Worker" },
  "upload-source-maps": { steps: "deploy", is: "upload source maps" },
  logpush: { steps: "deploy", is: "send the log to Workers Logpush" },
  outdir: { steps: "deploy", value: "<text>", is: "folder for the built Worker" },
  outfile: { steps: "deploy", value: "<text>", is: "file for the upload" },
  metafile: { steps: "deploy", value: "<text>", is: "file for esbuild's metadata" },

  name: {
    refused:
      "a second Worker would use the database and the queues of the first. Rename it in wrangler.toml, or add an environment: docs/deploy.md says how",
  },
  triggers: { refused: "the Worker needs the cron trigger of wrangler.toml: due leads are sent by it" },
  cwd: { refused: "it deploys this project only" },
  "no-bundle": { refused: "the Worker is TypeScript and must be bundled" },
  define: { refused: NOT_USED },
  alias: { refused: NOT_USED },
  tsconfig: { refused: NOT_USED },
  assets: { refused: NOT_USED },
  "jsx-factory": { refused: NOT_USED },
  "jsx-fragment": { refused: NOT_USED },
  "durable-objects-code-update-mode": { refused: NOT_USED },
  "old-asset-ttl": { refused: NOT_USED },
  "dispatch-namespace": { refused: NOT_USED },
  "containers-rollout": { refused: NOT_USED },
  autoconfig: { refused: NOT_USED },
  "install-skills": { refused: NOT_USED },
  "experimental-route-zones": { refused: "name the zone of a route in wrangler.toml" },
  zone: { refused: "name the zone of a route in wrangler.toml" },
  "zone-id": { refused: "name the zone of a route in wrangler.toml" },
};

/** What was given, by the flag's name in camel case, as commander has it. */
export type Given = Record<string, string | string[] | boolean | undefined>;

/** Those that can be given are listed in the help; those that are refused are known, so that the refusal says why. */
export function options(): Option[] {
  return Object.entries(FLAGS).map(([name, flag]) => {
    if ("refused" in flag)
      return new Option(name.startsWith("no-") ? `--${name}` : `--${name} [text...]`).hideHelp();
    const { short, value, is } = flag;
    return new Option(`${short ? `-${short}, ` : ""}--${name}${value ? ` ${value}` : ""}`, is);
  });
}

/** Throws a UserError for the first flag that can't be followed. */
export function refuseFlags(given: Given): void {
  for (const [name, flag] of Object.entries(FLAGS))
    if ("refused" in flag && isGiven(name, given[attribute(name)]))
      throw new UserError(`--${name} is refused: ${flag.refused}. Nothing was changed.`);
}

function isGiven(name: string, value: Given[string]): boolean {
  return name.startsWith("no-") ? value === false : value !== undefined;
}

/** The flags for wrangler: those that every run of it takes, and those that only `wrangler deploy` takes. */
export function flagsFor(given: Given): { all: string[]; deploy: string[] } {
  const flags: { all: string[]; deploy: string[] } = { all: [], deploy: [] };
  for (const [name, flag] of Object.entries(FLAGS)) {
    const value = given[attribute(name)];
    // The environment is always said, so that wrangler does not choose one itself; see `environment`.
    if ("refused" in flag || flag.steps === "none" || value === undefined || name === "env") continue;
    const written = value === true ? [`--${name}`] : [value].flat().map((one) => `--${name}=${String(one)}`);
    flags[flag.steps].push(...written);
  }
  flags.all.unshift(`--env=${environment(given)}`);
  return flags;
}

/**
 * The environment of wrangler.toml that is meant; "" is the top level. As in wrangler, CLOUDFLARE_ENV counts, too, also
 * in a file of variables.
 */
export function environment({ env, envFile }: Given): string {
  const files = (envFile as string[] | undefined) ?? [".env", ".env.local"];
  const inFiles = files.map((file) => readVars(file).values.CLOUDFLARE_ENV).findLast(Boolean);
  return String(env ?? process.env.CLOUDFLARE_ENV ?? inFiles ?? "");
}

/** The name under which commander has a flag; `--no-bundle` is `bundle`, false. */
function attribute(name: string): string {
  return name.replace(/^no-/, "").replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}
