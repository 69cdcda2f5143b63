/** What webhooks and samples become under a mapping, in the words of a sample's `expect`. */

import { type BodyProblem, decodeBody } from "../../body.ts";
import { JsonError, readJsonText } from "../../json-text.ts";
import { type MappedEvent, mapWebhook } from "../../mapping/apply.ts";
import type { Mapping } from "../../mapping/compile.ts";
import type { Result } from "../../mapping/result.ts";
import type { Sample } from "../../mapping/schema.ts";
import { describeUntyped } from "../../mapping/untyped.ts";
import { ANSWERS } from "../../receive/refuse.ts";
import { sampleBody } from "../samples/sign.ts";
import { UserError } from "../user-error.ts";

/** The events of a sample, test events treated as by default. Throws a UserError when its body can't be read. */
export function mapSample(mapping: Mapping, sample: Sample): MappedEvent[] {
  return mapBody(mapping, sampleBody(sample), new Headers(sample.headers), {});
}

/**
 * The events of a webhook's body; `files`: the mapping files that an event without a type is compared with. Throws a
 * UserError when the body can't be read, which calls it `shown`.
 */
export function mapBody(
  mapping: Mapping,
  body: Uint8Array,
  headers: Headers,
  files: Record<string, unknown>,
  shown = "The webhook",
): MappedEvent[] {
  const decoded = decodeBody(body, mapping.file.format);
  if (!decoded.ok) throw new UserError(unreadable(decoded.problem, body, shown));
  const webhook = { body: decoded.value, headers, deliveryId: "sample" };
  return describeUntyped(mapping, files, mapWebhook(mapping, webhook, { acceptTestEvents: false }));
}

function unreadable(problem: BodyProblem, body: Uint8Array, shown: string): string {
  const { means, todo } = ANSWERS[problem];
  if (problem === "not_json")
    try {
      readJsonText(new TextDecoder().decode(body));
    } catch (error) {
      if (error instanceof JsonError)
        return `${shown}:${error.line}:${error.column}: ${error.message}\n${error.shown}`;
      throw error;
    }
  return `${shown} can't be read: ${means}. What to do: ${todo}.`;
}

/** Whether a sample's `expect` describes these results. It may leave the detail of a skip or rejection out. */
export function asExpected(expected: Result[], actual: Result[]): boolean {
  return (
    expected.length === actual.length &&
    expected.every((one, i) => {
      const other = actual[i] as Result;
      for (const key of ["skipped", "rejected"] as const) {
        const said = (one as Record<string, unknown>)[key];
        const got = (other as Record<string, unknown>)[key];
        if (typeof said === "string" && typeof got === "string" && got.startsWith(`${said} (`)) return true;
      }
      return canonical(one) === canonical(other);
    })
  );
}

/** JSON with the keys of every object in alphabetical order. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
