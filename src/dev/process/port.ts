/** Free ports. */
import { createServer } from "node:net";
import { PORT_TRIES } from "../limits.ts";
import { UserError } from "../user-error.ts";

/** The ports to try when one is wanted: it and those after it. */
export function portsFrom(wanted: number): number[] {
  return Array.from({ length: PORT_TRIES }, (_, i) => wanted + i);
}

/** The first free port from `wanted` on. */
export async function freePort(wanted: number): Promise<number> {
  for (const port of portsFrom(wanted)) if (await isFree(port)) return port;
  throw new UserError(`The ports ${wanted} to ${wanted + PORT_TRIES - 1} are all taken.`);
}

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "localhost", () => server.close(() => resolve(true)));
  });
}
