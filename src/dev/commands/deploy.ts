/** `npm run deploy`: checks, creates what is missing, migrates, deploys; in this order, so that the new Worker finds all that it needs. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { command, exitWith, run } from "../command.ts";
import { environment, flagsFor, type Given, options, refuseFlags } from "../deploy/flags.ts";
import { nextSteps } from "../deploy/next.ts";
import { deployWorker, dryRun, look, prepare, secretNames } from "../deploy/steps.ts";
import { readTarget } from "../deploy/target.ts";
import { providers, ROOT } from "../files.ts";
import { WranglerError } from "../process/wrangler.ts";
import { UserError } from "../user-error.ts";
import { formatVarsProblem, problemsOf, readVars } from "../vars.ts";
import { refuseWrongMappings } from "./check.ts";

async function deploy(given: Given): Promise<number> {
  refuseFlags(given);
  const {
    config,
    secretsFile,
    dryRun: only,
  } = given as { config?: string; secretsFile?: string; dryRun?: true };
  const target = readTarget(config, environment(given), given.var as string[] | undefined);
  const secrets = secretsFile === undefined ? undefined : await readSecrets(secretsFile);
  const flags = flagsFor(given);
  await refuseWrongMappings("Nothing was changed.");
  console.error("Building and checking the Worker …");
  const built = await dryRun(flags);
  const { worker, database, queues } = target;
  if (only) {
    console.error(built.trim());
    const set = Object.keys(secrets ?? {}).join(", ");
    console.log(
      `Dry run: nothing was changed. Without --dry-run: create the database ${database} and the queues ${queues.join(", ")} if they are missing, apply new migrations, ${set === "" ? "" : `set ${set}, `}deploy ${worker}.`,
    );
    return 0;
  }
  console.error("Looking at the Cloudflare account …");
  const missing = await look(target, flags);
  try {
    await prepare(missing, target, flags);
    const deployed = await deployWorker(flags, secrets);
    if (deployed === undefined) {
      console.error("Not deployed.");
      return 1;
    }
    const naming = flags.all.filter((flag) => flag !== "--env=");
    console.log(`\n${nextSteps(deployed, providers(), await secretNames(flags), naming)}`);
    return 0;
  } catch (error) {
    if (!(error instanceof WranglerError)) throw error;
    console.error(error.message);
    return 1;
  }
}

/** The secrets of a file. Throws a UserError that names each wrong line. */
async function readSecrets(file: string): Promise<Record<string, string>> {
  if (!existsSync(resolve(ROOT, file))) throw new UserError(`--secrets-file: there is no file ${file}.`);
  const vars = readVars(file);
  const problems = await problemsOf(vars);
  if (problems.length > 0)
    throw new UserError(
      `${problems.map((problem) => formatVarsProblem(file, problem)).join("\n")}\nNothing was changed.`,
    );
  const secrets = Object.fromEntries(Object.entries(vars.values).filter(([, value]) => value !== ""));
  if (Object.keys(secrets).length === 0)
    throw new UserError(
      `--secrets-file: ${file} sets no secret: each needs a line NAME=value without a # before it. Nothing was changed.`,
    );
  return secrets;
}

export const program = options()
  .reduce(
    (all, option) => all.addOption(option),
    command(
      "deploy",
      "Checks the mapping files, creates the database and the queues if they are missing, applies the migrations, deploys. Flags mean what they mean for wrangler deploy, in every step.",
      {
        0: "deployed; with --dry-run: it can be",
        1: "a step failed after something may have been changed, or wrangler was told not to deploy",
        130: "stopped by Ctrl-C",
      },
    ),
  )
  .action(exitWith((given) => deploy(given as Given)));

if (import.meta.main) void run(program);
