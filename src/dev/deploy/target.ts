/** What a deployment concerns: the Worker, database and queues that an environment of wrangler.toml names. */
import { dirname, join, relative, resolve } from "node:path";
import { type Unstable_Config as Config, unstable_readConfig as readWranglerConfig } from "wrangler";
import { issuerOf, parseSettings, SettingsError } from "../../settings.ts";
import { providers, ROOT } from "../files.ts";
import { UserError } from "../user-error.ts";

/** `env`: "" is the top level of wrangler.toml. `created`: the database has an id there, so it exists. */
export type Target = { env: string; worker: string; database: string; created: boolean; queues: string[] };

const MIGRATIONS = join(ROOT, "src/ledger/migrations");
const HOW = "docs/deploy.md shows how to write an environment.";

/**
 * Reads an environment of a wrangler.toml. `vars`: settings of the command line, as `NAME:value`. Throws a UserError
 * for an environment that lacks something, for one that shares something with another, and for a wrong setting.
 */
export function readTarget(file = "wrangler.toml", env = "", vars: string[] = []): Target {
  const top = readConfig(file, "");
  const others = top.definedEnvironments ?? [];
  if (env !== "" && !others.includes(env))
    throw new UserError(
      `${file} has no [env.${env}]. ${others.length > 0 ? `It has: ${others.join(", ")}. ` : ""}${HOW}`,
    );
  refuseShared(file, new Map(["", ...others].map((one) => [one, one === "" ? top : readConfig(file, one)])));

  const config = env === "" ? top : readConfig(file, env);
  const where = env === "" ? file : `${file}, [env.${env}]`;
  const missing = (what: string) =>
    new UserError(
      `${where}: ${what}.${env === "" ? "" : " An environment has no database, queue or variable of the top level."} ${HOW}`,
    );
  const database = config.d1_databases.find(({ binding }) => binding === "DB");
  if (!database?.database_name)
    throw missing('there is no D1 database with binding = "DB" and a database_name');
  const migrations = resolve(ROOT, dirname(file), database.migrations_dir ?? "migrations");
  if (migrations !== MIGRATIONS)
    throw missing(
      `migrations_dir of the database must be "${relative(resolve(ROOT, dirname(file)), MIGRATIONS)}"`,
    );
  const queue = config.queues.producers?.find(({ binding }) => binding === "EVENTS")?.queue;
  if (!queue) throw missing('there is no queue with binding = "EVENTS" under queues.producers');
  const consumers = config.queues.consumers ?? [];
  const consumer = consumers.find((one) => one.queue === queue);
  if (!consumer) throw missing(`queues.consumers has no entry for the queue ${queue}`);
  const deadLetters = consumer.dead_letter_queue;
  if (!deadLetters || !consumers.some((one) => one.queue === deadLetters))
    throw missing(
      `the queue ${queue} needs a dead_letter_queue, with an entry of its own under queues.consumers`,
    );
  checkSettings(where, config, vars);
  return {
    env,
    worker: config.name ?? "",
    database: database.database_name,
    created: database.database_id !== undefined,
    queues: [queue, deadLetters],
  };
}

function readConfig(config: string, env: string): Config {
  try {
    return readWranglerConfig({ config, env }, { hideWarnings: true });
  } catch (error) {
    throw new UserError(`${config}: ${(error as Error).message}`);
  }
}

/** Two environments with one database or queue would deliver each other's leads, to whichever Dub is set. */
function refuseShared(file: string, configs: Map<string, Config>): void {
  const owners = new Map<string, string>();
  for (const [env, config] of configs) {
    const named = new Set([
      `Worker ${config.name}`,
      ...config.d1_databases.flatMap(({ database_name, database_id }) => [
        ...(database_name ? [`database ${database_name}`] : []),
        ...(database_id ? [`database ${database_id}`] : []),
      ]),
      ...(config.queues.producers ?? []).map(({ queue }) => `queue ${queue}`),
      ...(config.queues.consumers ?? []).flatMap(({ queue, dead_letter_queue }) => [
        `queue ${queue}`,
        ...(dead_letter_queue ? [`queue ${dead_letter_queue}`] : []),
      ]),
      ...[...(config.routes ?? []), ...(config.route ? [config.route] : [])].map(
        (route) => `route ${typeof route === "string" ? route : route.pattern}`,
      ),
    ]);
    for (const one of named) {
      const key = `${config.account_id ?? ""} ${one}`;
      const owner = owners.get(key);
      if (owner !== undefined)
        throw new UserError(
          `${file}: ${title(env)} and ${title(owner)} have the same ${one}. Each must have its own${one.startsWith("route ") ? ": write routes = [] for none, since routes are inherited" : ""}. ${HOW}`,
        );
      owners.set(key, env);
    }
  }
}

const title = (env: string) => (env === "" ? "the top level" : `[env.${env}]`);

function checkSettings(where: string, config: Config, vars: string[]): void {
  const given = vars.map((pair) => {
    const [name = "", ...value] = pair.split(":");
    return [name, value.join(":")];
  });
  const settings = { ...config.vars, ...Object.fromEntries(given) };
  try {
    parseSettings(settings);
    for (const provider of providers()) issuerOf(settings, provider);
  } catch (error) {
    throw error instanceof SettingsError ? new UserError(`${where}, vars: ${error.message}`) : error;
  }
}
