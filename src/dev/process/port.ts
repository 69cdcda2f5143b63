/** Free ports. */
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PORT_TRIES } from "../limits.ts";
import { UserError } from "../user-error.ts";
import { takeLock } from "./lock.ts";

/** The ports to try when one is wanted: it and those after it. */
export function portsFrom(wanted: number): number[] {
  return Array.from({ length: PORT_TRIES }, (_, i) => wanted + i);
}

/** A port and what gives it free for others. */
export type Reserved = { port: number; release: () => void };

/**
 * The first free port from `wanted` on, which no other process that asks here gets until it is released: between this
 * and the start of a server seconds can pass.
 */
export async function reservePort(wanted: number): Promise<Reserved> {
  for (const port of portsFrom(wanted)) {
    const release = await takePort(port);
    if (release) return { port, release };
  }
  throw new UserError(`The ports ${wanted} to ${wanted + PORT_TRIES - 1} are all taken.`);
}

/** Takes a port if it is free and no other command is about to use it; answers what gives it free again. */
export async function takePort(port: number): Promise<(() => void) | undefined> {
  const release = takeLock(join(tmpdir(), `webhook-to-lead-port-${port}`));
  if (release && (await isFree(port))) return release;
  release?.();
  return undefined;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "localhost", () => server.close(() => resolve(true)));
  });
}
