/** Why Dub does not list its leads to a key: a 403 says two things, and only its message tells them apart (source: Dub's server). */

/**
 * no_permission: the key lacks analytics.read. over_limit: the workspace has had more events than its plan has; leads are
 * still recorded, and lists come back with the next billing period. other: anything else.
 */
export type Refusal = "no_permission" | "over_limit" | "other";

/** What each means, and what the operator should do. */
export const REFUSALS: Record<Refusal, { means: string; todo: string }> = {
  no_permission: {
    means: "the key lacks the permission analytics.read",
    todo: "give the key the permission analytics.read in Dub, under Settings, API Keys",
  },
  over_limit: {
    means: "the Dub workspace is over its events limit, so Dub lists nothing; it still records leads",
    todo: "upgrade the plan in Dub, or wait until its billing period begins anew",
  },
  other: {
    means: "Dub does not list leads to the key",
    todo: "read Dub's words: the key needs the permission analytics.read, and its workspace the Business plan",
  },
};

/** `said`: Dub's words in the body of the answer. */
export function refusalOf(status: number, said: string | undefined): Refusal {
  if (status !== 403 || said === undefined) return "other";
  if (/required permission|analytics\.read/i.test(said)) return "no_permission";
  return /reached your .*\blimit of\b/i.test(said) ? "over_limit" : "other";
}
