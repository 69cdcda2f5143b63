/** Serves the stand-in for Dub over HTTP, so that a Worker in another process can call it. */
import type { Server } from "node:http";
import { type HttpBindings, serve } from "@hono/node-server";
import type { createDubStandIn } from "./dub.ts";
import { Unanswered } from "./faults.ts";

export type Served = { url: string; close: () => Promise<void> };

/** Listens on a free port of 127.0.0.1. */
export function serveDub({ app }: Pick<ReturnType<typeof createDubStandIn>, "app">): Promise<Served> {
  const answer = async (request: Request, { incoming }: HttpBindings): Promise<Response> => {
    try {
      return await app.fetch(request);
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error;
      if (error.how === "reset") incoming.socket.destroy();
      // Hangs until the caller has gone.
      await new Promise((resolve) => incoming.socket.once("close", resolve));
      return new Response(null, { status: 499 });
    }
  };
  return new Promise((resolve) => {
    const server = serve(
      { fetch: (request, env) => answer(request, env as HttpBindings), hostname: "127.0.0.1", port: 0 },
      (info) =>
        resolve({
          url: `http://127.0.0.1:${info.port}`,
          close: () =>
            new Promise((closed) => {
              (server as Server).closeAllConnections();
              server.close(() => closed());
            }),
        }),
    ) as Server;
  });
}
