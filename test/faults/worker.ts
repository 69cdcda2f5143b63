/** The Worker of a run: a process of its own, started again and again on the same ledger. */
import { join } from "node:path";
import {
  type DevServer,
  freePort,
  startDev,
  triggerCron,
  wrangler,
  writeEnvFile,
} from "../../src/dev/process/wrangler.ts";

/** Milliseconds between two sweeps. */
const SWEEP = 300;

/** Makes an empty ledger in the folder `state`; the answer runs a Worker on it. */
export async function prepareWorker(state: string, settings: Record<string, string>, firstPort: number) {
  const envFile = join(state, "worker.env");
  writeEnvFile(envFile, settings);
  await wrangler(["d1", "migrations", "apply", "DB", "--local", "--persist-to", state]);
  // Another port each time: that of a killed Worker may still be closing.
  let nextPort = firstPort;

  /** Starts the Worker, again if one of the ports that wrangler chooses was taken in the same moment. */
  const start = async (tries = 3): Promise<DevServer> => {
    const port = await freePort(nextPort);
    nextPort = port + 1;
    const args = ["--port", String(port), "--persist-to", state, "--env-file", envFile];
    const server = startDev({ port, args, onLine: () => {} });
    try {
      await server.ready();
      return server;
    } catch (error) {
      await server.stop();
      if (tries > 1 && /Address already in use/.test((error as Error).message)) return start(tries - 1);
      throw error;
    }
  };

  /** Runs the Worker while `use` does, sweeping all the time, and ends it. */
  return async (end: "stop" | "kill", use: (server: DevServer) => Promise<unknown>): Promise<void> => {
    const server = await start();
    const sweeping = setInterval(() => void triggerCron(server.url), SWEEP);
    try {
      await use(server);
    } finally {
      clearInterval(sweeping);
      await server[end]();
    }
  };
}
