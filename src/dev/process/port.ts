/** Free ports. */
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PORT_TRIES } from "../limits.ts";
import { UserError } from "../user-error.ts";
import { takeLock } from "./lock.ts";

/** A port and what gives it free for others. */
export type Reserved = { port: number; release: () => void };

/**
 * The first free port from `wanted` on, which no other process that asks here gets until it is released: between this
 * and the start of a server seconds can pass.
 */
export async function reservePort(wanted: number): Promise<Reserved> {
  for (let port = wanted; port < wanted + PORT_TRIES; port++) {
    const release = takeLock(join(tmpdir(), `webhook-to-lead-port-${port}`));
    if (release && (await isFree(port))) return { port, release };
    release?.();
  }
  throw new UserError(`The ports ${wanted} to ${wanted + PORT_TRIES - 1} are all taken.`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "localhost", () => server.close(() => resolve(true)));
  });
}
