/** Where samples become something else than they expect: field by field, and by which parts of the mapping file. */

import { type MappedEvent, takes } from "../../mapping/apply.ts";
import type { Mapping } from "../../mapping/compile.ts";
import { type Result, resultOf } from "../../mapping/result.ts";
import type { Sample } from "../../mapping/schema.ts";
import { UserError } from "../user-error.ts";
import { asExpected, canonical, mapSample } from "./results.ts";
import { onPath } from "./tried.ts";

/**
 * One field of one event of a sample. `event`: 1 for the first. `field` is empty where the whole result differs.
 * `expected`, `got`: JSON, or undefined where there is none. `place`: its path in the sample's file.
 */
export type Difference = {
  sample: string;
  event: number;
  field: string;
  expected: unknown;
  got: unknown;
  place: string;
  /** Paths in the mapping file that decide it, the likeliest first. */
  suspects: string[];
  /** Whether it is about what becomes of the event, rather than about a field of its lead. */
  whole: boolean;
  /** The event's type, if it can be read. */
  type: string | undefined;
};

type Where = Pick<Difference, "sample" | "event" | "place" | "type">;

/** All differences of a sample; none when every event becomes what it expects. */
export function differencesOf(mapping: Mapping, sample: string, { expect, ...file }: Sample): Difference[] {
  let mapped: MappedEvent[];
  try {
    mapped = mapSample(mapping, { expect, ...file });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const expected = expect[0] && inWords(expect[0]);
    return [
      whole({ sample, event: 1, place: "webhook", type: undefined }, expected, error.message, ["format"]),
    ];
  }
  const results = mapped.map(resultOf);
  if (results.length !== expect.length) {
    const count = (all: Result[]) => `${all.length} event(s)`;
    return [
      whole({ sample, event: 1, place: "expect", type: mapped[0]?.type }, count(expect), count(results), [
        "each",
      ]),
    ];
  }
  return expect.flatMap((expected, i) => {
    const got = results[i] as Result;
    if (asExpected([expected], [got])) return [];
    const one = mapped[i] as MappedEvent;
    const where = { sample, event: i + 1, place: `expect[${i}]`, type: one.type };
    return "lead" in expected && "lead" in got
      ? leadDifferences(where, ruleOf(mapping, one), expected, got)
      : [whole(where, inWords(expected), inWords(got), suspectsOf(mapping, expected, one))];
  });
}

function whole(where: Where, expected: unknown, got: unknown, suspects: string[]): Difference {
  return { ...where, field: "", expected, got, suspects, whole: true };
}

type LeadResult = Extract<Result, { lead: unknown }>;

function leadDifferences(where: Where, rule: number, expected: LeadResult, got: LeadResult): Difference[] {
  const different = (field: string, a: unknown, b: unknown, suspects: string[], place = `lead.${field}`) =>
    canonical(a) === canonical(b)
      ? []
      : [
          {
            ...where,
            place: `${where.place}.${place}`,
            field,
            expected: a,
            got: b,
            suspects,
            whole: false,
          },
        ];
  const fields = flat(expected.lead);
  const others = flat(got.lead);
  const names = new Set([...fields.keys(), ...others.keys()]);
  const warnings = ({ warnings = [] }: LeadResult) => warnings;
  const warned = [...warnings(got), ...warnings(expected)].map((text) => text.split(":")[0]);
  return [
    ...[...names].flatMap((field) =>
      different(field, fields.get(field), others.get(field), [`leads[${rule}].lead.${field}`]),
    ),
    ...different(
      "warnings",
      expected.warnings,
      got.warnings,
      [...new Set(warned)].map((field) => `leads[${rule}].lead.${field}`),
      "warnings",
    ),
  ];
}

/** The fields of a lead, those of its metadata as `metadata.plan`. */
function flat(lead: object): Map<string, unknown> {
  return new Map(
    Object.entries(lead).flatMap(([field, value]) =>
      field === "metadata" && typeof value === "object" && value !== null
        ? Object.entries(value).map(([key, inner]): [string, unknown] => [`${field}.${key}`, inner])
        : [[field, value]],
    ),
  );
}

/** A result without its lead: `lead`, `ignored`, `skipped: no_click_id`. */
function inWords(result: Result): string {
  if ("lead" in result) return "lead";
  if ("ignored" in result) return "ignored";
  return "skipped" in result ? `skipped: ${result.skipped}` : `rejected: ${result.rejected}`;
}

/** The number of the rule that takes an event, or -1. */
function ruleOf(mapping: Mapping, { type, event }: MappedEvent): number {
  if (type === undefined) return -1;
  try {
    return mapping.rules.findIndex((rule) => takes(rule, type, event as object));
  } catch {
    return -1;
  }
}

const GATES: Record<string, string> = {
  test_event: "test",
  other_account: "otherAccount",
  thin_event: "thin",
  no_event_type: "type",
  not_split: "each",
  not_an_object: "each",
};
const FIELDS: Record<string, string> = {
  no_customer_id: "customerExternalId",
  customer_id_too_long: "customerExternalId",
  no_event_name: "eventName",
};

/** What decides that an event becomes this and not what is expected. */
function suspectsOf(mapping: Mapping, expected: Result, one: MappedEvent): string[] {
  const { outcome, type } = one;
  const reason = outcome.kind === "ended" ? outcome.reason : outcome.kind;
  const meant = Object.values(expected)[0];
  const reasonMeant = typeof meant === "string" ? (meant.split(" ")[0] ?? "") : "";
  const rule = ruleOf(mapping, one);

  if (reason === "expression_failed") {
    const [path = ""] = /^[^:]*(?:\["(?:[^"\\]|\\.)*"\])?/.exec(detailOf(one)) ?? [];
    return [path];
  }
  if (["no_event_type", "not_split", "not_an_object", "thin_event"].includes(reason))
    return [GATES[reason] as string];
  if (reasonMeant === "thin_event") return ["thin"];
  if (reason === "ignored") return gatesOf(mapping, type, (i) => i);
  if ("ignored" in expected) return gatesOf(mapping, type, (i) => i === rule);
  const gate = GATES[reason] ?? GATES[reasonMeant];
  if (gate !== undefined) return [gate];
  const field = FIELDS[reason] ?? FIELDS[reasonMeant];
  if (field !== undefined) return [`leads[${rule}].lead.${field}`];
  const lead = "lead" in expected ? expected.lead : outcome.kind === "lead" ? outcome.lead : undefined;
  return [`leads[${rule}].${lead?.clickId ? "lead.clickId" : "withoutClickId"}`];
}

function detailOf({ outcome }: MappedEvent): string {
  return (outcome.kind === "ended" && outcome.detail) || "";
}

/** The conditions of the rules for a type; `leads` when no rule is for it. */
function gatesOf(mapping: Mapping, type = "", wanted: (rule: number) => unknown): string[] {
  const paths = mapping.rules.flatMap(({ on, when }, i) => {
    const own = on.filter(({ types }) => types.test(type));
    if (own.length === 0 || wanted(i) === false) return [];
    return [
      ...own.map((one) => one.condition?.path ?? onPath(mapping, i, one.type)),
      ...(when ? [when.path] : []),
    ];
  });
  return paths.length > 0 ? paths : ["leads"];
}
