/** What an event becomes, in the words of a sample's `expect`. */
import { REASONS } from "../states.ts";
import type { MappedEvent } from "./apply.ts";
import type { Sample } from "./schema.ts";

/** A lead with its warnings, a skip or rejection with its reason, or nothing. */
export type Result = Sample["expect"][number];

/** What becomes of an event. */
export function resultOf({ outcome }: Pick<MappedEvent, "outcome">): Result {
  if (outcome.kind === "ignored") return { ignored: true };
  if (outcome.kind === "ended") {
    const reason = outcome.detail ? `${outcome.reason} (${outcome.detail})` : outcome.reason;
    return REASONS[outcome.reason].status === "skipped" ? { skipped: reason } : { rejected: reason };
  }
  const warnings = outcome.warnings.map(({ field, did }) => `${field}: ${did}`);
  return { lead: outcome.lead, ...(warnings.length > 0 && { warnings }) };
}
