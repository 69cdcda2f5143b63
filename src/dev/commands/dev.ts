/** `npm run dev -- <flags of wrangler dev>`: local migrations, then `wrangler dev` with your own settings. */
import { existsSync, rmSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { ADMIN_TOKEN } from "../../admin/auth.ts";
import { command, exitWith, run } from "../command.ts";
import { ROOT } from "../files.ts";
import { adminLink, makeLocalToken, writeEnvFile } from "../local-token.ts";
import { interrupted } from "../process/interrupted.ts";
import { takeLock } from "../process/lock.ts";
import { reservePort } from "../process/port.ts";
import { startDev, wrangler } from "../process/wrangler.ts";
import { DEV_VARS, readVars, warnAboutVars } from "../vars.ts";
import { refuseWrongMappings } from "./check.ts";

const WANTED_PORT = 8787;
/** wrangler's default. */
const WANTED_INSPECTOR_PORT = 9229;

/** The value of a flag among wrangler's, which are passed on as they are. */
function flag(args: string[], ...names: string[]): string | undefined {
  for (const [i, arg] of args.entries()) {
    if (names.includes(arg)) return args[i + 1];
    const name = names.find((one) => arg.startsWith(`${one}=`));
    if (name) return arg.slice(name.length + 1);
  }
  return undefined;
}

async function dev(args: string[]): Promise<number> {
  const stopped = interrupted();
  await refuseWrongMappings();
  const env = flag(args, "--env", "-e");
  const config = flag(args, "--config", "-c");
  // wrangler reads the file that is beside its wrangler.toml.
  const folder = resolve(ROOT, dirname(config ?? "."));
  const ofEnv = `${DEV_VARS}.${env}`;
  const vars = relative(ROOT, join(folder, env && existsSync(join(folder, ofEnv)) ? ofEnv : DEV_VARS));
  await warnAboutVars(vars);
  const asked = flag(args, "--port");
  const reserved = asked === undefined ? await reservePort(WANTED_PORT) : undefined;
  const port = reserved?.port ?? Number(asked);
  const inspector =
    flag(args, "--inspector-port") === undefined ? await reservePort(WANTED_INSPECTOR_PORT) : undefined;
  const own = readVars(vars).values[ADMIN_TOKEN] || args.some((arg) => arg.includes(`${ADMIN_TOKEN}:`));
  const made = own ? undefined : makeLocalToken(port);
  // Not by --var: every user of this machine can read a command line.
  const envFile = made && join(ROOT, ".wrangler", `dev-vars-${port}`);
  const releaseState = takeLock(join(ROOT, ".wrangler/dev.lock"));
  const given = flag(args, "--persist-to");
  // wrangler's own folder is that of the first.
  const other = given === undefined && !releaseState ? join(".wrangler/dev", String(port)) : undefined;
  if (other) console.error(`npm run dev runs here already: this one has a database of its own, in ${other}.`);
  const persist = given ?? other;
  try {
    if (envFile) {
      // With --env-file, wrangler does not read .dev.vars.
      const others = flag(args, "--env-file") === undefined ? readVars(vars).values : {};
      writeEnvFile(envFile, { ...others, [ADMIN_TOKEN]: made.token });
    }
    await wrangler([
      ...["d1", "migrations", "apply", "DB", "--local"],
      ...(persist ? ["--persist-to", persist] : []),
      // An environment, and another wrangler.toml, can have a database of their own.
      ...(env === undefined ? [] : ["--env", env]),
      ...(config === undefined ? [] : ["--config", config]),
    ]);
    console.error("Cron triggers run here each minute, though wrangler says below that they do not.");
    const server = startDev({
      port,
      args: [
        ...(reserved ? ["--port", String(port)] : []),
        ...(inspector ? ["--inspector-port", String(inspector.port)] : []),
        ...(other ? ["--persist-to", other] : []),
        ...(envFile ? ["--env-file", envFile] : []),
        ...args,
      ],
      onLine: (line) => {
        console.log(line);
        const [, origin] = /Ready on (http\S+)/.exec(line) ?? [];
        if (origin) console.log(`Admin pages: ${adminLink(origin, made?.token)}`);
      },
    });
    const ended = await Promise.race([stopped, server.exited]);
    await server.stop();
    return ended === "interrupted" ? 0 : ended;
  } finally {
    made?.remove();
    if (envFile) rmSync(envFile, { force: true });
    reserved?.release();
    inspector?.release();
    releaseState?.();
  }
}

export const program = command(
  "dev",
  "Runs wrangler dev with your own settings, from .dev.vars or --var NAME:value. It can call the real Dub. Several can run at the same time: each has its own port, and all but the first of a folder a database of their own. It reloads after a change of the source or of a mapping file; after a change of .dev.vars, start it again.",
)
  .argument("[flags...]", "flags of wrangler dev")
  .allowUnknownOption()
  .action(exitWith(dev));

if (import.meta.main) void run(program);
