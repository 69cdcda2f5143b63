/** `npm run deploy`: checks, creates what is missing, migrates, deploys; in this order, so that the new Worker finds all that it needs. */
import { unstable_readConfig as readConfig } from "wrangler";
import { parseSettings, SettingsError } from "../../settings.ts";
import { command, exitWith, run } from "../command.ts";
import { wrangler } from "../process/wrangler.ts";
import { UserError } from "../user-error.ts";
import { refuseWrongMappings } from "./check.ts";

/** Runs wrangler to its end: quietly, or shown to the person. Throws when it fails. */
export type RunWrangler = (args: string[], options?: { show: boolean }) => Promise<string>;
type Names = { database: string; queues: string[] };

/** Creates database and queues unless they are there, then migrates and deploys with `flags`. */
export async function deploy(run: RunWrangler, { database, queues }: Names, flags: string[]): Promise<void> {
  const show = { show: true };
  const exists = (args: string[]) =>
    run(args).then(
      () => true,
      () => false,
    );
  // whoami exits with 0 either way.
  if (/not authenticated/i.test(await run(["whoami"])))
    throw new UserError(
      'Not logged in to Cloudflare. Run "npx wrangler login", or set CLOUDFLARE_API_TOKEN.',
    );
  if (!(await exists(["d1", "info", database]))) await run(["d1", "create", database], show);
  for (const queue of queues)
    if (!(await exists(["queues", "info", queue]))) await run(["queues", "create", queue], show);
  await run(["d1", "migrations", "apply", database, "--remote"], show);
  await run(["deploy", ...flags], show);
}

/** The names of what wrangler.toml binds, and its vars checked. */
function readNames(): Names {
  const config = readConfig({ config: "wrangler.toml" });
  try {
    parseSettings(config.vars);
  } catch (error) {
    throw error instanceof SettingsError ? new UserError(`wrangler.toml, [vars]: ${error.message}`) : error;
  }
  const database = config.d1_databases[0]?.database_name;
  const queues = config.queues.consumers?.map((consumer: { queue: string }) => consumer.queue) ?? [];
  if (!database || queues.length === 0)
    throw new UserError("wrangler.toml must name a D1 database (database_name) and a queue.");
  return { database, queues };
}

export const program = command(
  "deploy",
  "Checks the mapping files, creates the database and the queues if they are missing, applies the migrations, deploys.",
)
  .argument("[flags...]", "flags of wrangler deploy")
  .allowUnknownOption()
  .action(
    exitWith(async (flags) => {
      await refuseWrongMappings();
      await deploy(wrangler, readNames(), flags);
      console.log("\nDeployed. Next: npx wrangler secret put DUB_API_KEY, then the secret of each provider.");
      return 0;
    }),
  );

if (import.meta.main) void run(program);
