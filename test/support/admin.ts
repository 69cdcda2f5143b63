/** The admin API in tests: requests with the token, replays of all slices, and mapping files to change. */
import { shipped as mappings } from "../../mappings/index.ts";
import type { Call, Fault } from "../../src/dev/stand-in/faults.ts";
import type { EventAnswer } from "../../src/receive/answer.ts";
import type { Slice } from "../../src/replay/replay.ts";
import { createTestApp, type TestAppOptions } from "./app.ts";

export const TOKEN = "a-token-of-the-admin-of-this-app";
export const CLICK = "Xk3pQ9vLm2RtYw7B";
export const RULE = { lead: { eventName: "'Sign Up'", customerExternalId: "data.id" } };
export const CUSTOMER = { externalId: "user_1", name: "x", email: null, avatar: null, clickId: CLICK };
export type TestApp = Awaited<ReturnType<typeof createTestApp>>;

export const open = (options: TestAppOptions = {}) =>
  createTestApp({ ...options, settings: { ADMIN_TOKEN: TOKEN, ...options.settings } });

export async function post(
  app: TestApp,
  path: string,
  body: unknown = {},
  headers: Record<string, string> = {},
) {
  const response = await app.fetch(
    new Request(`https://leads.example${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${TOKEN}`, ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
    }),
  );
  return { status: response.status, headers: response.headers, body: await response.json<Slice>() };
}

/** Replays all slices of a filter; answers `{"pending replayed": 2, …}`. */
export async function replayAll(app: TestApp, filter: object): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  let leadKeys: string[] | undefined;
  for (let after: number | null = 0; after !== null; ) {
    const { status, body }: { status: number; body: Slice } = await post(app, "/api/replay", {
      ...filter,
      after,
      leadKeys,
    });
    leadKeys = body.leadKeys;
    if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
    for (const one of body.became)
      counts[`${one.status} ${one.reason}`] = (counts[`${one.status} ${one.reason}`] ?? 0) + one.events;
    for (const one of body.left) counts[one.why] = (counts[one.why] ?? 0) + one.events;
    after = body.next;
  }
  return counts;
}

export const replayOne = async (app: TestApp, id: string) => post(app, `/api/events/${id}/replay`);

export const idOf = (answer: EventAnswer | undefined) => (answer && "id" in answer ? answer.id : "");

/** A fault plan for the recording calls. */
export const plan = (faults: Fault[]) => ({
  fault: ({ phase }: Call) => (phase === "record" ? faults.shift() : undefined),
});

/** Clerk's mapping file with another value of a lead field. */
export function clerkWith(lead: Record<string, unknown>, more: object = {}) {
  const clerk = structuredClone(mappings.clerk) as { leads: { lead: object }[] };
  for (const rule of clerk.leads) Object.assign(rule.lead, lead);
  return { ...clerk, ...more };
}
