/** A kept event as a sample file of its mapping. */
import type { WholeRow } from "../ledger/search.ts";
import { mapWebhook } from "../mapping/apply.ts";
import type { Mapping } from "../mapping/compile.ts";
import { resultOf } from "../mapping/result.ts";
import { mask } from "./mask.ts";

/** The file's text; `alone`: whether the event is a webhook as it is, and need not be put into an envelope first. */
export type SampleFile = { text: string; alone: boolean };

/** Makes it. Values under keys of credentials are hidden, since the file is made to be shared; all others are as they came. */
export function sampleFile(
  mapping: Mapping,
  row: Pick<WholeRow, "type" | "reason">,
  payload: unknown,
): SampleFile {
  const webhook = mask(payload);
  const headers: Record<string, string> =
    "header" in mapping.type && row.type !== null ? { [mapping.type.header]: row.type } : {};
  const mapped = mapWebhook(
    mapping,
    { body: webhook, headers: { get: (name) => headers[name] ?? null }, deliveryId: "sample" },
    { acceptTestEvents: false },
  );
  const [first, ...others] = mapped;
  const alone =
    row.reason === "not_split" ||
    (others.length === 0 && JSON.stringify(first?.event) === JSON.stringify(webhook));
  const sample = {
    $schema: "../../sample.schema.json",
    title: `Say here what it shows (${row.type ?? "no type"}, ${row.reason})`,
    ...(Object.keys(headers).length > 0 && { headers }),
    webhook,
    expect: mapped.map(resultOf),
  };
  return { text: `${JSON.stringify(sample, null, 2)}\n`, alone };
}
