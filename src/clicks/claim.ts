/** The body of `POST /clicks`: which click, first seen when, and, from the site's server, whose. */
import { parseJson } from "../json.ts";
import { LIMITS } from "../lead.ts";
import { clickIdProblem, isEmail, isUsable, usableClickId } from "../usable.ts";
import type { Refused } from "./answers.ts";

/** `clickedAt` in milliseconds; null: not told. */
export type Claim = {
  clickId: string;
  clickedAt: number | null;
  customerExternalId: string | undefined;
  customerEmail: string | undefined;
};

/**
 * Reads a claim. `clickedAt` is by the clock that wrote it: with `sentAt`, the same clock's time of sending, it is
 * corrected by that clock's error. A time in the future counts as now.
 */
export function readClaim(bytes: Uint8Array, now: number): Claim | Refused {
  const bad = (evidence: string): Refused => ({ refused: "bad_claim", evidence });
  let body: unknown;
  try {
    body = parseJson(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes));
  } catch {
    return bad("The body is not JSON.");
  }
  if (typeof body !== "object" || body === null || Array.isArray(body))
    return bad("The body is not a JSON object.");
  const given = body as Record<string, unknown>;

  const clickId = usableClickId(given.clickId);
  if (clickId === undefined)
    return {
      refused: "no_click_id",
      evidence: `clickId: ${clickIdProblem(given.clickId)?.replace("dropped: ", "") ?? "missing, or not a text"}. It is the value of the cookie dub_id.`,
    };
  const times: Record<"clickedAt" | "sentAt", number | null> = { clickedAt: null, sentAt: null };
  for (const name of ["clickedAt", "sentAt"] as const) {
    const value = given[name] ?? null;
    if (value !== null && !(typeof value === "number" && Number.isFinite(value) && value > 1e12))
      return bad(`${name}: must be a number of milliseconds since 1970.`);
    times[name] = value;
  }
  const error = times.sentAt === null ? 0 : now - times.sentAt;
  const clickedAt =
    times.clickedAt === null ? null : Math.max(0, Math.min(now, Math.round(times.clickedAt + error)));

  const id = textOf(given.customerExternalId);
  if (id === null || (id && (id.length > LIMITS.externalId || !isUsable("customerExternalId", id))))
    return bad(
      `customerExternalId: must be the customer's id, a text of at most ${LIMITS.externalId} characters.`,
    );
  const email = textOf(given.customerEmail);
  if (email === null || (email && !isEmail(email)))
    return bad("customerEmail: is no e-mail address that Dub takes.");
  return { clickId, clickedAt, customerExternalId: id, customerEmail: email };
}

/** A trimmed text, numbers included; undefined when there is none, null for anything else. */
function textOf(value: unknown): string | undefined | null {
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value === "number" && Number.isFinite(value)) return String(value);
  return typeof value === "string" && value.trim() !== "" ? value.trim() : null;
}
