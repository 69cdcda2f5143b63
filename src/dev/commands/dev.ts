/** `npm run dev -- <flags of wrangler dev>`: local migrations, then `wrangler dev` with your own settings. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { command, exitWith, run } from "../command.ts";
import { ROOT } from "../files.ts";
import { interrupted } from "../process/interrupted.ts";
import { freePort } from "../process/port.ts";
import { startDev, wrangler } from "../process/wrangler.ts";
import { DEV_VARS, warnAboutVars } from "../vars.ts";
import { refuseWrongMappings } from "./check.ts";

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
  const ofEnv = `${DEV_VARS}.${env}`;
  await warnAboutVars(env && existsSync(join(ROOT, ofEnv)) ? ofEnv : DEV_VARS);
  const persist = flag(args, "--persist-to");
  await wrangler([
    "d1",
    "migrations",
    "apply",
    "DB",
    "--local",
    ...(persist ? ["--persist-to", persist] : []),
  ]);
  const asked = flag(args, "--port");
  const port = asked ? Number(asked) : await freePort(8787);
  const server = startDev({
    port,
    args: asked ? args : ["--port", String(port), ...args],
    onLine: (line) => console.log(line),
  });
  const ended = await Promise.race([stopped, server.exited]);
  await server.stop();
  return ended === "interrupted" ? 0 : ended;
}

export const program = command(
  "dev",
  "Runs wrangler dev with your own settings, from .dev.vars or --var NAME:value. It can call the real Dub.",
)
  .argument("[flags...]", "flags of wrangler dev")
  .allowUnknownOption()
  .action(exitWith(dev));

if (import.meta.main) void run(program);
