/** Explaining a mapping: it says what mapping does, and which values of the event each result is made of. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { shipped } from "../../mappings/index.ts";
import { type MappedEvent, mapWebhook } from "../../src/mapping/apply.ts";
import { compileMapping, type Mapping } from "../../src/mapping/compile.ts";
import { type Explanation, explain, explainNames } from "../../src/mapping/explain.ts";
import { evaluate, parseExpression } from "../../src/mapping/expression.ts";
import { trace } from "../../src/mapping/trace.ts";
import { sampleOf, samples } from "../support/app.ts";

const OPTIONS = { acceptTestEvents: false };

function explained(provider: string, name: string): (MappedEvent & { mapping: Mapping; it: Explanation })[] {
  const mapping = compileMapping(provider, shipped[provider]);
  const { webhook, headers } = sampleOf(provider, name);
  const mapped = mapWebhook(
    mapping,
    { body: webhook, headers: new Headers(headers), deliveryId: undefined },
    OPTIONS,
  );
  return mapped.map((one) => ({ ...one, mapping, it: explain(mapping, one.event, one.type, OPTIONS) }));
}

const readsOf = ({ steps }: Explanation) =>
  Object.fromEntries(
    steps.flatMap(({ field, reads }) => (field && reads.length > 0 ? [[field, reads.join(", ")]] : [])),
  );

/** The value at a path that `reads` has, in samples. */
const at = (event: unknown, path: string) => evaluate(parseExpression(path), event);

it.each(samples.map(([provider, name]) => [provider, name] as const))(
  "%s/%s: the outcome is that of mapping, and its values are where it says",
  (provider, name) => {
    for (const { event, type, outcome, mapping, it: explanation } of explained(provider, name)) {
      const { rule, steps } = explanation;
      expect(explanation.outcome).toEqual(outcome);
      expect(steps[0]).toMatchObject({ path: "type", value: type });
      expect(rule === null).toBe(outcome.kind === "ignored" || !("lead" in outcome));

      const all = [...steps, ...explainNames(mapping, event)];
      for (const { path, value, error, reads, source } of all) {
        expect([path, error]).toEqual([path, undefined]);
        // Only a value that is itself in the event, or put together of texts in it, can be compared.
        const parts = reads.map((read) => at(event, read));
        if (typeof value === "string" && parts.length > 0 && !/[&(]/.test(source.replace(/click_id\(.*/, "")))
          for (const part of parts)
            expect([path, value, String(part)].join(" "), `${path} of ${part}`).toContain(String(part));
        expect([path, parts.includes(null)]).toEqual([path, false]);
      }
      if (outcome.kind !== "lead") continue;
      const given = Object.fromEntries(steps.map(({ field, value }) => [field, value]));
      // As it is before it is made valid: a click id with what payment links put before it, a number that is too large.
      for (const [field, value] of Object.entries(outcome.lead).filter(([key]) => key !== "metadata"))
        expect([
          field,
          String(given[field] ?? "")
            .replace(/^dub_id_/, "")
            .replace("250", "100"),
        ]).toEqual([field, String(value)]);
    }
  },
);

it.each([
  [
    "clerk",
    "google-account",
    {
      clickId: "data.unsafe_metadata.dubClickId",
      customerExternalId: "data.id",
      customerName: "data.first_name, data.last_name",
      customerEmail: "data.email_addresses[1].email_address",
      customerAvatar: "data.image_url",
      "metadata.signupMethod": "data.external_accounts[0].object",
    },
  ],
  [
    "auth0",
    "nickname",
    {
      clickId: "data.object.app_metadata.dub_click_id",
      customerExternalId: "data.object.user_id",
      customerName: "data.object.nickname",
      customerEmail: "data.object.email",
      customerAvatar: "data.object.picture",
      "metadata.signupMethod": "data.object.identities[0].provider",
    },
  ],
  [
    "auth0",
    "metadata-as-text",
    {
      clickId: "data.object.user_metadata",
      customerExternalId: "data.object.user_id",
      customerEmail: "data.object.email",
      customerAvatar: "data.object.picture",
      "metadata.signupMethod": "data.object.identities[0].provider",
    },
  ],
  [
    "stripe",
    "payment-link-guest",
    {
      clickId: "data.object.client_reference_id",
      customerExternalId: "data.object.customer_details.email",
      customerName: "data.object.customer_details.name",
      customerEmail: "data.object.customer_details.email",
      "metadata.checkoutMode": "data.object.mode",
    },
  ],
])("%s/%s: which values give the lead", (provider, name, reads) => {
  expect(readsOf(explained(provider, name)[0]?.it as Explanation)).toEqual(reads);
});

it.each([
  ["clerk", "sign-up", 0, ["type", 'leads[0].on["user.created"]', "test"]],
  ["clerk", "waitlist", 1, ["type", "test", "signedUpAt"]],
  ["clerk", "imported-old-user", null, ["type", 'leads[0].on["user.created"]']],
  ["clerk", "other-event", null, ["type"]],
  [
    "stripe",
    "trial-by-update",
    2,
    ["type", "id", "thin", 'leads[2].on["customer.subscription.updated"]', "otherAccount", "test"],
  ],
  ["stripe", "connected-account", 0, ["type", "id", "thin", "otherAccount"]],
  ["stripe", "thin-event", null, ["type", "id", "thin"]],
])("%s/%s: what is asked, in its order", (provider, name, rule, paths) => {
  const explanation = explained(provider, name)[0]?.it as Explanation;
  const asked = explanation.steps.filter(({ field }) => field === undefined).map(({ path }) => path);
  expect([explanation.rule, asked]).toEqual([rule, paths]);
});

describe("which values a value is made of", () => {
  const EVENT = {
    a: "A1",
    b: "B2",
    none: null,
    empty: "",
    yes: true,
    n: 7,
    list: ["L0", "L1", "L2"],
    people: [
      { id: "1", name: "P1", "e-mail": "E1" },
      { id: "2", name: "P2", "e-mail": "E2" },
    ],
    inner: { x: "X", y: { z: "Z" } },
    json: '{"dub_id":"abcdefgh12345678"}',
    meta: { other: "O", dub_id: "abcdefgh12345678" },
  };
  it.each<[string, string[]]>([
    ["a", ["a"]],
    ["'text'", []],
    ["none", []],
    ["missing.far", []],
    ["a || b", ["a"]],
    ["none || b", ["b"]],
    ["empty || b", ["b"]],
    ["yes && b", ["b"]],
    ["yes ? a : b", ["a"]],
    ["n == `7` && 'is seven'", []],
    ["n == `7`", ["n"]],
    ["!none", []],
    ["n + `1`", ["n"]],
    ["-n", ["n"]],
    ["list[1]", ["list[1]"]],
    ["list[-1]", ["list[2]"]],
    ["list[1:]", ["list[1]", "list[2]"]],
    ["list[?@ == 'L1']", ["list[1]"]],
    ["list[*] | [0]", ["list[0]"]],
    ["people[?id == '2'].name | [0]", ["people[1].name"]],
    ['people[*]."e-mail"', ["people[0].e-mail", "people[1].e-mail"]],
    ["people[].[id, name][] | [3]", ["people[1].name"]],
    ["inner", ["inner.x", "inner.y.z"]],
    ["inner.*", ["inner.x", "inner.y.z"]],
    ["{p: a, q: b}.q", ["b"]],
    ["[a, b]", ["a", "b"]],
    ["[a, b][0]", ["a"]],
    ["[a, none, b][?@] | join('-', @)", ["a", "b"]],
    ["lower(a)", ["a"]],
    ["starts_with(a, 'A')", ["a"]],
    ["length(list)", ["list[0]", "list[1]", "list[2]"]],
    ["not_null(none, b)", ["b"]],
    ["max_by(people, &id).name", ["people[1].name"]],
    ["sort_by(people, &id)[0].name", ["people[0].name"]],
    ["map(&name, people)", ["people[0].name", "people[1].name"]],
    ["reverse(list)[0]", ["list[2]"]],
    ["values(inner)[0]", ["inner.x"]],
    ["merge(inner, {x: a}).x", ["a"]],
    ["click_id(none, meta)", ["meta.dub_id"]],
    ["click_id(json, meta)", ["json"]],
    ["click_id(inner)", []],
    ["inner | [x, $.a]", ["inner.x", "a"]],
    ["let $v = a in [$v, b]", ["a", "b"]],
    ["a[0:1]", ["a"]],
    ["[a, join('', @.none || `[]`)][1:]", []],
  ])("%s", (source, reads) => {
    const ast = parseExpression(source);
    expect(trace(ast, EVENT)).toEqual({ value: evaluate(ast, EVENT), reads });
  });

  const name = fc.constantFrom("a", "b", "c", "d");
  const event = fc.letrec<{ value: unknown; object: unknown }>((tie) => ({
    object: fc.dictionary(name, tie("value"), { maxKeys: 4, noNullPrototype: true }),
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constant("leaf"),
      fc.constant(null),
      fc.array(tie("value"), { maxLength: 3 }),
      tie("object"),
    ),
  })).object;
  /** Expressions of all that passes texts on without changing them. */
  const expression = fc.letrec<{ e: string }>((tie) => ({
    e: fc.oneof(
      { maxDepth: 4 },
      name,
      name,
      fc.tuple(name, name).map((names) => names.join(".")),
      fc.tuple(tie("e"), tie("e")).map(([l, r]) => `(${l} || ${r})`),
      fc.tuple(tie("e"), tie("e")).map(([l, r]) => `(${l} && ${r})`),
      fc.tuple(tie("e"), tie("e"), tie("e")).map(([c, l, r]) => `(${c} ? ${l} : ${r})`),
      fc.tuple(tie("e"), tie("e")).map(([l, r]) => `(${l} | ${r})`),
      fc.tuple(tie("e"), tie("e")).map(([l, r]) => `[${l}, ${r}]`),
      fc.tuple(name, tie("e")).map(([l, r]) => `{${l}: ${r}, z: a}`),
      fc.tuple(tie("e"), name).map(([l, r]) => `((${l})[*].${r})`),
      fc.tuple(tie("e"), name).map(([l, r]) => `((${l}).*.${r})`),
      fc.tuple(tie("e"), name, name).map(([l, c, r]) => `((${l})[?${c}].${r})`),
      tie("e").map((l) => `((${l})[])`),
      tie("e").map((l) => `((${l})[-1])`),
      tie("e").map((l) => `(to_array(${l}) | @[1:])`),
      tie("e").map((l) => `[${l}][?type(@) == 'string'] | join('+', @)`),
      fc.tuple(tie("e"), tie("e")).map((both) => `not_null(${both})`),
      fc.tuple(name, name).map(([l, r]) => `map(&${r}, to_array(${l}))`),
      fc.constant("$"),
      fc.constant("@"),
    ),
  })).e;

  /** Each text of its own, so that it says where it is from. */
  function numbered(value: unknown, texts: string[]): unknown {
    if (Array.isArray(value)) return value.map((one) => numbered(one, texts));
    if (typeof value === "object" && value !== null)
      return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, numbered(one, texts)]));
    return value === "leaf" ? `t${texts.push("")}t` : value;
  }

  it("are the texts that are found in it, for any expression that passes texts on", () => {
    let withReads = 0;
    fc.assert(
      fc.property(event, expression, (shape, source) => {
        const texts: string[] = [];
        const of = numbered(shape, texts);
        const ast = parseExpression(source);
        let value: unknown;
        try {
          value = evaluate(ast, of);
        } catch {
          expect(() => trace(ast, of)).toThrow();
          return;
        }
        const traced = trace(ast, of);
        expect(traced.value).toEqual(value);
        const found = [...new Set(JSON.stringify(value).match(/t\d+t/g))].sort();
        expect(traced.reads.map((path) => at(of, path)).sort()).toEqual(found);
        if (found.length > 0) withReads++;
      }),
      { numRuns: 2000 },
    );
    expect(withReads).toBeGreaterThan(200);
  });
});

describe("the call that fails is named with its column", () => {
  const EVENT = { type: "a", id: "1", n: 5, texts: ["x"] };
  const file = (customerName: string, names: Record<string, string> = {}) =>
    compileMapping("any", {
      name: "Any",
      docs: "https://example.com",
      verify: { scheme: "token", header: "authorization" },
      type: "type",
      let: names,
      leads: [{ on: ["a"], lead: { eventName: "'X'", customerExternalId: "id", customerName } }],
    });
  const errorOf = (mapping: Mapping) =>
    explain(mapping, EVENT, "a", OPTIONS).steps.find(({ field }) => field === "customerName")?.error;

  it.each<[string, Record<string, string>, string, string, number | undefined]>([
    ["lower(n)", {}, "leads[0].lead.customerName", "lower(n)", 1],
    ["lower(id) && lower(n)", {}, "leads[0].lead.customerName", "lower(id) && lower(n)", 14],
    [
      "lower.x || id && upper(lower(n))",
      {},
      "leads[0].lead.customerName",
      "lower.x || id && upper(lower(n))",
      24,
    ],
    [
      "texts[?lower(@) == 'x'] | join('', [$.n])",
      {},
      "leads[0].lead.customerName",
      "texts[?lower(@) == 'x'] | join('', [$.n])",
      27,
    ],
    [
      "texts[?lower(@) == 'x'].upper($.n)",
      {},
      "leads[0].lead.customerName",
      "texts[?lower(@) == 'x'].upper($.n)",
      25,
    ],
    ["$b", { a: "n", b: "id || upper(id) || id && `1` && upper(id)", c: "id" }, "", "", undefined],
    ["$b", { a: "lower(id)", b: "$a && upper(n)" }, "let.b", "$a && upper(n)", 7],
  ])("%s with %j", (source, names, path, at, column) => {
    const error = errorOf(file(source, names));
    expect([error?.path ?? "", error?.source ?? "", error?.column]).toEqual([path, at, column]);
    expect(error === undefined).toBe(column === undefined);
  });

  it("another failure has no column", () => {
    expect(errorOf(file("id + `1`"))).toEqual({ message: "not-a-number" });
  });
});

it("a header, a constant, what fails after another, and what an event is that none can be read of", () => {
  const mapping = compileMapping("any", {
    name: "Any",
    docs: "https://example.com",
    verify: { scheme: "token", header: "authorization" },
    type: { header: "x-type" },
    id: { header: "x-id" },
    leads: [
      {
        on: ["a"],
        lead: {
          eventName: "lower(n)",
          customerExternalId: "upper(n)",
          eventQuantity: 2,
          metadata: { constant: true, at: "at" },
        },
        withoutClickId: "send",
      },
    ],
  });
  expect(explain(mapping, { n: 1, at: 5 }, "a", OPTIONS)).toMatchObject({
    outcome: { reason: "expression_failed" },
    rule: 0,
    steps: [
      { path: "type", source: "header x-type", value: "a", reads: [] },
      { path: "id", source: "header x-id", reads: [] },
      { field: "eventName", error: { message: expect.stringContaining("lower()"), column: 1 } },
      { field: "customerExternalId", error: { message: expect.stringContaining("upper()") } },
      { field: "eventQuantity", path: "leads[0].lead.eventQuantity", source: "2", value: 2, reads: [] },
      { field: "metadata.constant", value: true, reads: [] },
      { field: "metadata.at", path: "leads[0].lead.metadata.at", value: 5, reads: ["at"] },
    ],
  });
  for (const event of [null, [], "text", 5])
    expect(explain(mapping, event, "a", OPTIONS)).toMatchObject({
      outcome: { reason: "not_an_object" },
      rule: null,
    });
});
