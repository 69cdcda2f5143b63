/** The whole app for a test: the real handlers and D1, a clock that stands still, a queue to be pumped, a stand-in for Dub. */
import { createExecutionContext, env as testEnv, waitOnExecutionContext } from "cloudflare:test";
import { shipped } from "../../mappings/index.ts";
import { createWorker } from "../../src/app.ts";
import type { Deps, Env } from "../../src/context.ts";
import { localSecret, sampleBody, sign } from "../../src/dev/samples/sign.ts";
import { createDubStandIn, LOCAL_KEY, type StandInOptions } from "../../src/dev/stand-in/dub.ts";
import { Unanswered } from "../../src/dev/stand-in/faults.ts";
import { MappingFile, Sample } from "../../src/mapping/schema.ts";
import type { QueueMessage } from "../../src/queue.ts";
import type { EventAnswer } from "../../src/receive/answer.ts";
import { secretName } from "../../src/settings.ts";
import type { Reason, Status } from "../../src/states.ts";
import { DAY, HOUR, MINUTE, SECOND } from "../../src/time.ts";
import { expectDocumented } from "./api.ts";

export { DAY, HOUR, MINUTE, SECOND };
export const START = Date.UTC(2026, 2, 10, 12);

export const db = (testEnv as unknown as { DB: D1Database }).DB;

function named(files: Record<string, unknown>) {
  return Object.entries(files).map(([path, json]) => {
    const [provider = "", , name = ""] = path.split("/").slice(-3);
    return [provider, name.replace(".json", ""), Sample.parse(json)] as const;
  });
}

/** Every sample that ships with the project: [provider, name, sample]. */
export const samples = named(
  import.meta.glob<unknown>(["../../mappings/*/samples/*.json"], { eager: true, import: "default" }),
);

/** Every sample in mappings/own. */
export const ownSamples = named(
  import.meta.glob<unknown>("../../mappings/own/*/samples/*.json", { eager: true, import: "default" }),
);

export function sampleOf(provider: string, name = "sign-up"): Sample {
  const found = samples.find(([p, n]) => p === provider && n === name);
  if (!found) throw new Error(`no sample ${provider}/${name}`);
  return structuredClone(found[2]);
}

/** A sample with `text` put at the end of every string that its leads repeat, apart from the click id; how many there were. */
export function withText(sample: Sample, text: string): { sample: Sample; changed: number } {
  const strings = (value: unknown): string[] =>
    typeof value === "string" ? [value] : Object.values(Object(value)).flatMap(strings);
  const leads = sample.expect.flatMap((one) => ("lead" in one ? [one.lead] : []));
  const clickIds = leads.map(({ clickId }) => clickId);
  const repeated = leads.flatMap(({ clickId: _, ...rest }) => strings(rest));
  let changed = 0;
  const put = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(put);
    if (typeof value === "object" && value !== null)
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, put(inner)]));
    if (typeof value !== "string" || value.length < 3 || clickIds.includes(value)) return value;
    if (!repeated.some((one) => one.includes(value))) return value;
    changed++;
    return value + text;
  };
  return { sample: { ...sample, webhook: put(sample.webhook) }, changed };
}

/** A row of the ledger as the tests look at it. */
export type Row = {
  id: string;
  provider: string;
  event_id: string;
  type: string;
  status: Status;
  reason: Reason;
  detail: string | null;
  warnings: string | null;
  lead: string | null;
  payload: string | null;
  next_attempt_at: number | null;
  lease_until: number;
  retries: number;
  claims: number;
  doubt: string | null;
  link: string | null;
  delivered_by: string | null;
  tries: number;
};

export type TestAppOptions = {
  settings?: Record<string, string>;
  dub?: StandInOptions;
  mappings?: Record<string, unknown>;
  fetch?: (request: Request) => Promise<Response>;
};

/** A queue message. `dead`: it is in the queue of dead letters. */
type Waiting = { body: string; due: number; attempts: number; dead?: boolean };
/** `stalled`: the ledger neither answers nor fails. */
type Down = { ledger: boolean; queue: boolean; stalled: boolean };
/** As wrangler.toml has it. */
const MAX_RETRIES = 20;

export async function createTestApp(options: TestAppOptions = {}) {
  const tables = [
    "events",
    "attempts",
    "refusals",
    "ignored",
    "pauses",
    "alerts",
    "marks",
    "hours",
    "clicks",
    "days",
    "transitions",
  ];
  for (const table of tables) await db.exec(`DELETE FROM ${table}`);
  const clock = { now: START };
  const down: Down = { ledger: false, queue: false, stalled: false };
  const dub = createDubStandIn({ now: () => clock.now, ...options.dub });
  const files = options.mappings ?? shipped;
  const deps: Deps = {
    now: () => clock.now,
    // Whoever is awake goes on first. While a webhook is received, the clock stands still.
    sleep: async (time) => {
      const end = clock.now + time;
      if (fetching > 0) return new Promise((wake) => sleepers.push({ end, wake }));
      await scheduler.wait(0);
      clock.now = Math.max(clock.now, end);
    },
    random: () => 0,
    fetch: options.fetch ?? ((request) => answerOf(dub.app, request)),
    mappings: files,
  };
  const worker = createWorker(deps);

  let fetching = 0;
  const sleepers: { end: number; wake: () => void; work?: Promise<unknown> }[] = [];
  /** Wakes what was put off while a webhook was received and is due by now, or all of it. */
  async function wake(all = false): Promise<void> {
    const due = sleepers.filter(({ end }) => all || end <= clock.now);
    for (const one of due) {
      sleepers.splice(sleepers.indexOf(one), 1);
      one.wake();
    }
    await Promise.all(due.map(({ work }) => work));
  }

  const waiting: Waiting[] = [];
  const queue = {
    sendBatch: async (messages: Iterable<{ body: QueueMessage }>, { delaySeconds = 0 } = {}) => {
      if (down.queue) throw new Error("queue is down");
      for (const { body } of messages)
        waiting.push({ body: JSON.stringify(body), due: clock.now + delaySeconds * 1000, attempts: 1 });
    },
  };
  const secrets = Object.fromEntries(
    Object.keys(files).map((provider) => [secretName(provider), secretOf(provider)]),
  );
  const env = {
    DB: new Proxy(db, {
      get(target, key) {
        if (down.ledger && (key === "batch" || key === "prepare"))
          return () => {
            throw new Error("ledger is down");
          };
        if (down.stalled && key === "batch") return () => new Promise(() => {});
        const value = Reflect.get(target, key);
        return typeof value === "function" ? value.bind(target) : value;
      },
    }),
    EVENTS: queue,
    DUB_API_KEY: LOCAL_KEY,
    ...secrets,
    ...options.settings,
  } as unknown as Env;

  function secretOf(provider: string): string {
    return localSecret(provider, verifyOf(provider));
  }
  function verifyOf(provider: string) {
    return MappingFile.parse(files[provider]).verify;
  }

  async function fetch(incoming: Request): Promise<Response> {
    await wake();
    const ctx = createExecutionContext();
    // Work that begins with a sleep is not waited for: `wake` does.
    const waitUntil = (work: Promise<unknown>) => {
      const sleeper = sleepers.at(-1);
      if (sleeper && !sleeper.work) sleeper.work = work;
      else ctx.waitUntil(work);
    };
    fetching++;
    try {
      const context = { waitUntil, passThroughOnException() {}, props: {} } as unknown as ExecutionContext;
      const response = await worker.fetch(incoming, env, context);
      await expectDocumented(incoming, response);
      return response;
    } finally {
      await waitOnExecutionContext(ctx);
      fetching--;
    }
  }

  /** A signed webhook, with what a test wants otherwise. */
  async function request(
    provider: string,
    body: Uint8Array<ArrayBuffer> | unknown,
    also: { secret?: string; headers?: Record<string, string>; id?: string; at?: number } = {},
  ) {
    const bytes =
      body instanceof Uint8Array
        ? (body as Uint8Array<ArrayBuffer>)
        : sampleBody({ webhook: body, send: "json" });
    const url = `https://leads.example/webhooks/${provider}`;
    const secret = also.secret ?? secretOf(provider);
    const signed = await sign(verifyOf(provider), {
      provider,
      secret,
      url,
      body: bytes,
      id: also.id ?? `msg_${crypto.randomUUID()}`,
      now: also.at ?? clock.now,
    });
    return new Request(url, {
      method: "POST",
      body: bytes,
      headers: { "content-type": "application/json", ...signed, ...also.headers },
    });
  }

  /** Sends a signed webhook; answers the events of a 200. */
  async function send(
    provider: string,
    body: Uint8Array<ArrayBuffer> | unknown,
    also?: Parameters<typeof request>[2],
  ): Promise<EventAnswer[]> {
    const response = await fetch(await request(provider, body, also));
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
    return ((await response.json()) as { events: EventAnswer[] }).events;
  }

  /** Hands all messages that are due to the consumer, and those that they bring, in batches of up to 20. */
  async function pump(): Promise<void> {
    for (;;) {
      const [first] = waiting.filter((one) => one.due <= clock.now);
      if (first === undefined) return;
      const due = waiting.filter((one) => one.due <= clock.now && one.dead === first.dead).slice(0, 20);
      for (const one of due) waiting.splice(waiting.indexOf(one), 1);
      const messages = due.map((one, i) => ({
        id: String(i),
        timestamp: new Date(clock.now),
        body: JSON.parse(one.body) as QueueMessage,
        attempts: one.attempts,
        ack: () => {},
        retry: ({ delaySeconds = 0 } = {}) => {
          const again = { ...one, attempts: one.attempts + 1, due: clock.now + delaySeconds * 1000 };
          if (one.attempts <= MAX_RETRIES) waiting.push(again);
          else if (!one.dead) waiting.push({ ...one, attempts: 1, due: clock.now, dead: true });
        },
      }));
      await worker.queue(
        {
          queue: first.dead ? "webhook-to-lead-dead-letters" : "webhook-to-lead",
          messages,
        } as unknown as Parameters<typeof worker.queue>[0],
        env,
      );
    }
  }

  /** What cron does, and the queue after it. */
  async function sweep(): Promise<void> {
    await worker.scheduled({}, env);
    await pump();
  }

  /** Lets time pass with a sweep each minute (or each `step`) and the queue running. */
  async function pass(time: number, step = MINUTE): Promise<void> {
    const end = clock.now + time;
    while (clock.now < end) {
      clock.now = Math.min(end, clock.now + step);
      await pump();
      await sweep();
    }
  }

  async function rows(): Promise<Row[]> {
    return (await db.prepare("SELECT * FROM events ORDER BY rowid").all<Row>()).results;
  }

  async function row(): Promise<Row> {
    const [row, ...others] = await rows();
    if (!row || others.length > 0) throw new Error(`${row ? others.length + 1 : 0} rows, one expected`);
    return row;
  }

  async function attempts() {
    return (await db.prepare("SELECT phase, http_status, reason, message FROM attempts ORDER BY at").all())
      .results;
  }

  async function refusals() {
    await wake(true);
    return (
      await db
        .prepare("SELECT provider, reason, count, evidence FROM refusals ORDER BY provider, reason")
        .all()
    ).results;
  }

  async function ignored() {
    await wake(true);
    return (await db.prepare("SELECT provider, type, count FROM ignored ORDER BY provider, type").all())
      .results;
  }

  return {
    clock,
    dub,
    env,
    down,
    deps,
    worker,
    waiting,
    secretOf,
    verifyOf,
    fetch,
    request,
    send,
    pump,
    sweep,
    pass,
    rows,
    row,
    attempts,
    refusals,
    ignored,
    wake,
  };
}

/** The stand-in's answer; what is no answer becomes the error that fetch would throw. */
export async function answerOf(
  app: ReturnType<typeof createDubStandIn>["app"],
  request: Request,
): Promise<Response> {
  try {
    return await app.fetch(request);
  } catch (error) {
    if (!(error instanceof Unanswered)) throw error;
    throw error.how === "hang"
      ? new DOMException("timed out", "TimeoutError")
      : new TypeError("Network connection lost.");
  }
}

/** A Clerk sign-up of somebody new. */
export function signUp(user: string, clickId: string | null = "Xk3pQ9vLm2RtYw7B"): Record<string, unknown> {
  const webhook = sampleOf("clerk").webhook as { data: Record<string, unknown> };
  webhook.data.id = user;
  webhook.data.unsafe_metadata = clickId === null ? {} : { dubClickId: clickId };
  return webhook as unknown as Record<string, unknown>;
}
