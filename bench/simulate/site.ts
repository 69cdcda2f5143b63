/** The Worker of a simulation: the real handlers in this process, a stand-in for Dub, and a clock that the simulation moves. */
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { shipped } from "../../mappings/index.ts";
import type { Env } from "../../src/context.ts";
import { loadMapping, readSample } from "../../src/dev/files.ts";
import { localSecret, sampleBody, sign } from "../../src/dev/samples/sign.ts";
import { createDubStandIn, LOCAL_KEY } from "../../src/dev/stand-in/dub.ts";
import type { QueueMessage } from "../../src/queue.ts";
import { MINUTE, SECOND } from "../../src/time.ts";
import { loadApp } from "../app.ts";
import { openDatabase } from "./database.ts";
import type { Person } from "./world.ts";

const ISSUER = "https://clerk.simulated.example";
const CLICKS_TOKEN = "the-token-of-the-simulated-site";
const BATCH = 20;

let loaded: ReturnType<typeof loadApp> | undefined;
let keys: ReturnType<typeof generateKeyPair> | undefined;

export type Site = Awaited<ReturnType<typeof openSite>>;

/** `memory`: whether click memory is on. */
export async function openSite(start: number, memory: boolean) {
  loaded ??= loadApp();
  keys ??= generateKeyPair("RS256", { extractable: true });
  const [{ createWorker }, { privateKey, publicKey }] = await Promise.all([loaded, keys]);
  const keySet = { keys: [{ ...(await exportJWK(publicKey)), kid: "key_1", alg: "RS256", use: "sig" }] };
  const database = openDatabase();
  const clock = { now: start };
  const dub = createDubStandIn({ now: () => clock.now, limit: Number.POSITIVE_INFINITY });
  const { verify } = loadMapping("clerk").file;
  const secret = localSecret("clerk", verify);
  let messages: { body: QueueMessage; due: number }[] = [];
  const env = {
    DB: database.db,
    EVENTS: {
      sendBatch: async (sent: Iterable<{ body: QueueMessage }>, { delaySeconds = 0 } = {}) => {
        for (const { body } of sent) messages.push({ body, due: clock.now + delaySeconds * SECOND });
      },
    },
    DUB_API_KEY: LOCAL_KEY,
    CLERK_WEBHOOK_SECRET: secret,
    ...(memory && { CLERK_ISSUER: ISSUER, CLICKS_TOKEN }),
  } as unknown as Env;
  const worker = createWorker({
    now: () => clock.now,
    sleep: async () => {},
    random: () => 0,
    fetch: async (request) =>
      request.url.startsWith(ISSUER) ? Response.json(keySet) : dub.app.fetch(request),
    mappings: shipped,
  });
  const sample = readSample("clerk").webhook as { data: object };

  async function call(request: Request): Promise<Response> {
    const waiting: Promise<unknown>[] = [];
    const context = { waitUntil: (work: Promise<unknown>) => waiting.push(work) };
    const response = await worker.fetch(request, env, context as never);
    await Promise.all(waiting);
    return response;
  }

  async function deliver() {
    for (;;) {
      const due = messages.filter((one) => one.due <= clock.now).slice(0, BATCH);
      if (due.length === 0) return;
      messages = messages.filter((one) => !due.includes(one));
      const batch = {
        queue: "webhook-to-lead",
        messages: due.map((one) => ({ ...one, attempts: 1, ack() {}, retry() {} })),
      };
      await worker.queue(batch as unknown as Parameters<typeof worker.queue>[0], env);
    }
  }

  /** Runs cron in each minute in which something is due, up to a time. */
  async function passTo(time: number) {
    for (;;) {
      const [next] = database.rows<{ at: number | null }>(
        "SELECT min(next_attempt_at) AS at FROM events WHERE status = 'pending'",
      );
      const due = Math.min(next?.at ?? Number.POSITIVE_INFINITY, ...messages.map((one) => one.due));
      const minute = (Math.floor(Math.max(due, clock.now) / MINUTE) + 1) * MINUTE;
      if (minute > time) break;
      clock.now = minute;
      await worker.scheduled({}, env);
      await deliver();
    }
    clock.now = Math.max(clock.now, time);
  }

  return {
    issuer: ISSUER,
    clicksToken: CLICKS_TOKEN,
    clock,
    dub,
    passTo,
    deliver,
    rows: database.rows,
    close: database.close,
    /** A session token; `header` and `claims` beside or instead of what Clerk writes. */
    token: (sub: string, claims: JWTPayload = {}, key: CryptoKey = privateKey as CryptoKey) =>
      new SignJWT({
        iss: ISSUER,
        iat: Math.floor(clock.now / SECOND),
        exp: Math.floor(clock.now / SECOND) + 60,
        ...claims,
      })
        .setProtectedHeader({ alg: "RS256", kid: "key_1" })
        .setSubject(sub)
        .sign(key),
    /** Tells a click; answers the status. */
    async tell(token: string | undefined, body: object, method = "POST"): Promise<number> {
      const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const init = { method, headers, ...(method === "POST" && { body: JSON.stringify(body) }) };
      return (await call(new Request("https://leads.example/clicks", init))).status;
    },
    /** The provider's webhook of a sign-up. */
    async signUp({ id, email, signedUpAt }: Person, clickId: string | undefined): Promise<void> {
      const body = sampleBody({
        send: "json",
        webhook: {
          ...sample,
          timestamp: signedUpAt,
          data: {
            ...sample.data,
            id,
            primary_email_address_id: email === undefined ? null : "idn_1",
            email_addresses: email === undefined ? [] : [{ id: "idn_1", email_address: email }],
            unsafe_metadata: clickId === undefined ? {} : { dubClickId: clickId },
            created_at: signedUpAt,
            updated_at: signedUpAt,
          },
        },
      });
      const url = "https://leads.example/webhooks/clerk";
      const signed = { provider: "clerk", secret, url, body, id: `msg_${id}`, now: clock.now };
      const headers = await sign(verify, signed);
      const response = await call(new Request(url, { method: "POST", headers, body }));
      if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
      await deliver();
    },
  };
}
