/** The steps of a deployment, each a run of wrangler: look at what is there, create, migrate, deploy. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WranglerError, wrangler, wranglerAsking } from "../process/wrangler.ts";
import { UserError } from "../user-error.ts";
import type { Target } from "./target.ts";

/** Flags of wrangler: `all` for every run of it, `deploy` for `wrangler deploy`. */
export type Flags = { all: string[]; deploy: string[] };

/** What must be created first. */
export type Missing = { database: boolean; queues: string[] };

/** Builds the Worker and lets wrangler check flags and wrangler.toml. No request, no login. Answers what it printed. */
export async function dryRun({ all, deploy }: Flags): Promise<string> {
  const output = await wrangler(["deploy", "--dry-run", ...all, ...deploy]);
  if (!output.includes("--dry-run: exiting now"))
    throw new UserError(`wrangler deploy --dry-run did not end as expected:\n${output.trim()}`);
  return output;
}

/** Looks at the account, and changes nothing. Throws a UserError without a login, or when no account is chosen. */
export async function look(target: Target, { all }: Flags): Promise<Missing> {
  const listed = await chosenAccount(() => wrangler(["d1", "list", "--json", ...all]), all);
  const databases = namesIn(listed);
  const queues: string[] = [];
  for (const queue of target.queues) if (!(await queueExists(queue, all))) queues.push(queue);
  return { database: !target.created && !databases.has(target.database), queues };
}

/** Tries a first request. Of several accounts the person chooses one, which wrangler then remembers. */
async function chosenAccount(request: () => Promise<string>, all: string[]): Promise<string> {
  try {
    return await request();
  } catch (error) {
    if (!(error instanceof WranglerError)) throw error;
    if (/necessary to set a CLOUDFLARE_API_TOKEN|not logged in/i.test(error.output))
      throw new UserError(
        'Not logged in to Cloudflare. Run "npx wrangler login", or set CLOUDFLARE_API_TOKEN. Nothing was changed.',
      );
    if (!/more than one account/i.test(error.output)) throw error;
    if (!(process.stdin.isTTY && process.stderr.isTTY))
      throw new UserError(
        `Your login has several accounts. Set CLOUDFLARE_ACCOUNT_ID, or account_id in wrangler.toml. Nothing was changed.\n${accountsIn(error.output)}`,
      );
    console.error("Your login has several accounts. Choose one; wrangler then lists its databases.");
    await wranglerAsking(["d1", "list", ...all]);
    return request();
  }
}

/** The lines of wrangler's message that name the accounts. */
function accountsIn(output: string): string {
  return (output.match(/^ +`.*`: `.*`$/gm) ?? []).join("\n");
}

async function queueExists(queue: string, all: string[]): Promise<boolean> {
  try {
    await wrangler(["queues", "info", queue, ...all]);
    return true;
  } catch (error) {
    if (error instanceof WranglerError && error.output.includes("does not exist")) return false;
    throw error;
  }
}

/** Creates what is missing, then migrates, so that the new Worker finds all that it needs. */
export async function prepare({ database, queues }: Missing, target: Target, { all }: Flags): Promise<void> {
  if (database) {
    await wrangler(["d1", "create", target.database, ...all]);
    console.error(`Created the database ${target.database}.`);
  }
  for (const queue of queues) {
    await wrangler(["queues", "create", queue, ...all]);
    console.error(`Created the queue ${queue}.`);
  }
  // By its binding: a database may have been given another name.
  const migrated = await wrangler(["d1", "migrations", "apply", "DB", "--remote", ...all]);
  const applied = [...new Set(migrated.match(/\b\d{4}_\w+\.sql\b/g))];
  console.error(applied.length > 0 ? `Applied ${applied.join(", ")}.` : "No new migrations.");
}

/** Where the Worker is: its name, and the hosts at which it takes webhooks, one of your own before workers.dev. */
export type Deployed = { worker: string; hosts: string[] };

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Deploys, with the secrets given. Answers undefined when the person said no to a question of wrangler. */
export async function deployWorker(
  { all, deploy }: Flags,
  secrets?: Record<string, string>,
): Promise<Deployed | undefined> {
  const folder = mkdtempSync(join(tmpdir(), "deploy-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.once("exit", remove);
  // wrangler ends first, since it may still write there; the second time it is not waited for.
  let stopped = false;
  const stop = () => {
    if (stopped) process.exit(130);
    stopped = true;
  };
  for (const signal of SIGNALS) process.on(signal, stop);
  try {
    const said = join(folder, "output");
    // As JSON: in a file of lines, wrangler would expand $ and prefer this process's environment.
    const file = join(folder, "secrets.json");
    if (secrets) writeFileSync(file, JSON.stringify(secrets), { mode: 0o600 });
    const flags = secrets ? [`--secrets-file=${file}`] : [];
    await wranglerAsking(["deploy", ...all, ...deploy, ...flags], { WRANGLER_OUTPUT_FILE_PATH: said });
    return deployedIn(readFileSync(said, "utf8"));
  } finally {
    if (stopped) process.exit(130);
    remove();
    process.off("exit", remove);
    for (const signal of SIGNALS) process.off(signal, stop);
  }
}

/** Reads wrangler's own record of the deployment, a JSON object a line. */
function deployedIn(record: string): Deployed | undefined {
  const entries = record
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as { type: string } & Record<string, unknown>);
  const deployed = entries.find(({ type }) => type === "deploy");
  if (!deployed?.version_id) return undefined;
  const targets = (deployed.targets ?? []) as string[];
  const hosts = [...new Set(targets.flatMap(hostOf))];
  const own = hosts.filter((host) => !host.endsWith(".workers.dev"));
  return { worker: String(deployed.worker_name), hosts: [...new Set([...own, ...hosts])] };
}

/**
 * The host of a target: a workers.dev address, a custom domain, or a route that covers `/webhooks/`. Other targets
 * (`schedule: …`, `Consumer for …`) and hosts with a wildcard have none.
 */
export function hostOf(target: string): string[] {
  const [, host, path = ""] = /^(?:https?:\/\/)?([\w.-]+\.[a-z][\w-]*)(\/\S*)?(?= \(|$)/.exec(target) ?? [];
  return host !== undefined && ["", "/", "/*", "/webhooks/*"].includes(path) ? [host] : [];
}

/** The names of the Worker's secrets. */
export async function secretNames({ all }: Flags): Promise<Set<string>> {
  return namesIn(await wrangler(["secret", "list", ...all]));
}

/** The names in a list that wrangler printed as JSON. It can print warnings about wrangler.toml before it. */
export function namesIn(output: string): Set<string> {
  const listed = JSON.parse(output.slice(output.search(/^\[/m))) as { name: string }[];
  return new Set(listed.map(({ name }) => name));
}
