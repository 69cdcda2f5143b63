/** The lead of an event beside its payload: which places in the payload gave which field. */
import type { Explanation } from "../mapping/explain.ts";
import type { ClickBy } from "./click-story.ts";
import { mask } from "./mask.ts";

/**
 * A field of the lead; a key of metadata is `metadata.source`. `kept`: what the ledger has. `source`: the expression of
 * today's mapping file; `gives`: whether it gives something, by itself (fixed), by places of the event, or fails.
 * `number` marks it, and the places that it is made of. `told`: who told it, instead of the payload.
 */
export type FieldRow = {
  field: string;
  number?: number;
  kept?: unknown;
  source?: string;
  gives?: "fixed" | "places" | "nothing" | { error: string };
  reads: string[];
  told?: ClickBy;
};

/** The fields in the order of the mapping file, then those that only the kept lead has. `clickBy`: who told its click. */
export function fieldRows(
  lead: object | null,
  explanation: Explanation | null,
  clickBy: ClickBy | null = null,
): FieldRow[] {
  const steps = (explanation?.steps ?? []).flatMap((step) =>
    step.field === undefined ? [] : [{ ...step, field: step.field }],
  );
  const inKeys = !steps.some(({ field }) => field === "metadata");
  const kept = new Map<string, unknown>();
  for (const [field, value] of Object.entries(mask(lead ?? {}) as object))
    if (field === "metadata" && inKeys && typeof value === "object" && value !== null)
      for (const [key, inner] of Object.entries(value)) kept.set(`metadata.${key}`, inner);
    else kept.set(field, value);
  let number = 0;
  const explained = steps.map(({ field, source, value, error, reads }): FieldRow => {
    const nothing = value === null || value === undefined || value === "" || value === false;
    return {
      field,
      ...(kept.has(field) && { kept: kept.get(field) }),
      source,
      gives: error ? { error: error.message } : nothing ? "nothing" : reads.length > 0 ? "places" : "fixed",
      reads,
      ...(reads.length > 0 && { number: ++number }),
    };
  });
  const told = (row: FieldRow): FieldRow =>
    row.field === "clickId" && clickBy !== null
      ? { field: row.field, kept: row.kept, told: clickBy, reads: [] }
      : row;
  const known = new Set(steps.map(({ field }) => field));
  const others = [...kept].filter(([field]) => !known.has(field));
  return [...explained, ...others.map(([field, value]) => ({ field, kept: value, reads: [] }))].map(told);
}

/** The marked fields of each place in the payload. */
export function marksOf(rows: FieldRow[]): Map<string, { field: string; number: number }[]> {
  const marks = new Map<string, { field: string; number: number }[]>();
  for (const { field, number, reads } of rows)
    if (number !== undefined)
      for (const path of reads) marks.set(path, [...(marks.get(path) ?? []), { field, number }]);
  return marks;
}
