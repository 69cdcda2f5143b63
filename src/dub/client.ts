/** The HTTP client for Dub's `POST /track/lead`: one call, one answer, no retry (source: Dub's server and API reference). */
import * as z from "zod/mini";
import { CreditedLink, type Lead } from "../lead.ts";
import { printable } from "../log.ts";

/** Milliseconds after which an unanswered call is given up. */
export const TIMEOUT = 10_000;

/** Of Dub's words, which may quote what a visitor wrote into a click id. */
const MAX_MESSAGE = 300;

const Success = z.object({ link: z.nullable(CreditedLink) });
const Failure = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

/**
 * Dub's answer to one call. `link: null` means that Dub's dedup key was there already; `waitMs` only with 429.
 * `perMinute`: the calls that Dub allows for the key, which it names with every error.
 */
export type Answer =
  | { kind: "ok"; status: number; link: CreditedLink | null }
  | {
      kind: "error";
      status: number;
      code: string | null;
      message: string;
      waitMs: number | null;
      perMinute: number | null;
    }
  | { kind: "unreadable"; status: number; message: string }
  | { kind: "none"; message: string };

export type Dub = {
  url: string;
  key: string;
  fetch: (request: Request) => Promise<Response>;
  now: () => number;
};

/** What came back over the wire: `body` is the parsed JSON, or undefined when it is none. */
export type Reply =
  | { status: number; ok: boolean; headers: Headers; body: unknown }
  | { status: null; message: string };

/** Calls Dub once: POST with a body, else GET. Never throws. Redirects are not followed: the key is for Dub alone. */
export async function call(dub: Dub, path: string, body?: object): Promise<Reply> {
  try {
    const request = new Request(`${dub.url}${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: {
        authorization: `Bearer ${dub.key}`,
        "content-type": "application/json",
        "user-agent": "webhook-to-lead",
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT),
    });
    const response = await dub.fetch(request);
    const { status, ok, headers } = response;
    return { status, ok, headers, body: parse(await response.text()) };
  } catch (error) {
    const timedOut = (error as Error).name === "TimeoutError";
    return { status: null, message: timedOut ? `no answer within ${TIMEOUT / 1000} s` : "connection failed" };
  }
}

/** Sends one lead body. Never throws. */
export async function trackLead(dub: Dub, lead: Lead): Promise<Answer> {
  const reply = await call(dub, "/track/lead", lead);
  if (reply.status === null) return { kind: "none", message: reply.message };
  const { status, headers, body } = reply;
  if (reply.ok) {
    const success = Success.safeParse(body);
    if (success.success) return { kind: "ok", status, link: success.data.link };
    return { kind: "unreadable", status, message: `${status} without the body that Dub documents` };
  }
  const failure = Failure.safeParse(body);
  const { code, message } = failure.success
    ? failure.data.error
    : { code: null, message: `${status} without an error that Dub documents` };
  return {
    kind: "error",
    status,
    code,
    message: printable(message, MAX_MESSAGE),
    waitMs: status === 429 ? waitOf(headers, dub.now()) : null,
    perMinute: code === null ? null : limitOf(headers),
  };
}

/** What Dub itself says in the body of a refusal; undefined when it is not Dub's. */
export function wordsOf(body: unknown): string | undefined {
  const failure = Failure.safeParse(body);
  return failure.success ? printable(failure.data.error.message, MAX_MESSAGE) : undefined;
}

/** Calls a minute of the smallest of Dub's plans. */
const SMALLEST_LIMIT = 60;

function limitOf(headers: Headers): number | null {
  const limit = Number(headers.get("x-ratelimit-limit") ?? Number.NaN);
  return Number.isInteger(limit) && limit >= SMALLEST_LIMIT && limit <= 100_000 ? limit : null;
}

const MAX_WAIT = 60_000;

/**
 * Milliseconds to wait after a 429. Dub writes the end of its window into Retry-After as epoch milliseconds, though
 * its documentation says seconds; epoch seconds and plain seconds are understood too. Never more than its window of 60 s.
 */
export function waitOf(headers: Headers, now: number): number {
  const value = Number(headers.get("retry-after") ?? headers.get("x-ratelimit-reset") ?? Number.NaN);
  if (!Number.isFinite(value) || value < 0) return MAX_WAIT;
  const wait = value > 1e12 ? value - now : value > 1e9 ? value * 1000 - now : value * 1000;
  return Math.min(MAX_WAIT, Math.max(1000, Math.ceil(wait)));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
