/** Asking Dub what an API key may do, by calls that change nothing (source: Dub's server and API reference). */
import type { Lead } from "../lead.ts";
import { type Answer, call, type Dub, trackLead, wordsOf } from "./client.ts";
import { type Refusal, refusalOf } from "./refusal.ts";

/**
 * Dub's answer to a lead without any field. Dub checks key, rate limit, role and plan before it reads the body, so a
 * key that may record leads is answered 422, and nothing is recorded.
 */
export function tryKey(dub: Dub): Promise<Answer> {
  return trackLead(dub, {} as Lead);
}

/** yes: the key may list leads. no: Dub refuses it, in its own words. unknown: Dub gave no answer of use. */
export type MayList =
  | { kind: "yes" }
  | { kind: "no"; why: Refusal; message: string }
  | { kind: "unknown"; message: string };

/** Whether the key may list leads: it needs the permission analytics.read, and a workspace that is not over its events limit. */
export async function tryListing(dub: Dub): Promise<MayList> {
  const query = new URLSearchParams({ event: "leads", interval: "24h", limit: "1" });
  const reply = await call(dub, `/events?${query}`);
  if (reply.status === null) return { kind: "unknown", message: reply.message };
  const { status, ok, body } = reply;
  if (ok && Array.isArray(body)) return { kind: "yes" };
  const said = wordsOf(body);
  const message = said ?? `answer ${status}`;
  return status === 403
    ? { kind: "no", why: refusalOf(status, said), message }
    : { kind: "unknown", message };
}
