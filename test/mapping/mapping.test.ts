import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { shipped as mappings } from "../../mappings/index.ts";
import { mapWebhook } from "../../src/mapping/apply.ts";
import { compileMapping, MappingError } from "../../src/mapping/compile.ts";
import { ExpressionError, parseExpression } from "../../src/mapping/expression.ts";
import { daysBetween } from "../../src/mapping/functions.ts";

const MINIMAL = {
  name: "Any",
  docs: "https://example.com",
  verify: { scheme: "token", header: "authorization" },
  type: "type",
  leads: [{ on: ["a.*"], lead: { clickId: "click_id(@)", eventName: "'X'", customerExternalId: "id" } }],
};
const changed = (change: object) => ({ ...structuredClone(MINIMAL), ...change });
const rule = (change: object, lead: object = {}) =>
  changed({ leads: [{ ...MINIMAL.leads[0], ...change, lead: { ...MINIMAL.leads[0]?.lead, ...lead } }] });

function run(file: object, body: unknown, headers: Record<string, string> = {}) {
  return mapWebhook(
    compileMapping("any", file),
    { body, headers: new Headers(headers), deliveryId: "msg" },
    { acceptTestEvents: false },
  );
}

describe("what is wrong in a mapping file is said with its place", () => {
  it.each<[object, string[]]>([
    [rule({}, { customerName: "data.[name" }), ["leads[0].lead.customerName: ", ' of "data.[name"']],
    [rule({}, { customerName: "data. name]" }), ["leads[0].lead.customerName: ", "at column 11 of"]],
    [
      rule({}, { customerName: "nme(data)" }),
      ["leads[0].lead.customerName: Unknown function: nme() at column 1 of"],
    ],
    [
      rule({}, { customerName: "data.lower(name, id)" }),
      ["leads[0].lead.customerName: lower() takes 1 argument but received 2 at column 6 of"],
    ],
    [
      rule({ when: "data.status = 'completed'" }),
      ['leads[0].when: "=" is no comparison, write "==" at column 13 of'],
    ],
    [
      rule({ on: { "a.b": "a == 'x' && b.c = 'y'" } }),
      ['leads[0].on["a.b"]: "=" is no comparison, write "==" at column 17 of'],
    ],
    [rule({ when: "a === 'x'" }), ['leads[0].when: "===" is no comparison, write "==" at column 3 of']],
    [rule({ when: "a <> 'x'" }), ['leads[0].when: write "!=" for "is not" at column 3 of']],
    [rule({ when: "a and b" }), ['leads[0].when: "and" is no operator, write "&&" at column 3 of']],
    [rule({ when: "a == 'x' or b" }), ['leads[0].when: "or" is no operator, write "||" at column 10 of']],
    [rule({ when: "not a" }), ['leads[0].when: "not" is no operator, write "!" at column 1 of']],
    [rule({ when: "a & b" }), ['leads[0].when: "&" is no operator, write "&&" at column 3 of']],
    [rule({ when: "a == 'x" }), ["leads[0].when: ' is not closed at column 6 of"]],
    [rule({ when: "a == 'x''" }), ["leads[0].when: ' is not closed at column 9 of"]],
    [rule({ when: "a == 'it\\'s' && b < `7" }), ["leads[0].when: ` is not closed at column 21 of"]],
    [rule({ when: 'a == "b' }), ['leads[0].when: " is not closed at column 6 of']],
    [
      rule({ when: "a == ‘x’" }),
      ["leads[0].when: ‘ is a typographic quotation mark, write ' at column 6 of"],
    ],
    [rule({ when: "lower(a))" }), ['leads[0].when: ")" is not expected here at column 9 of']],
    [rule({ when: "lower(a" }), ["leads[0].when: something is missing at the end at column 8 of"]],
    [rule({ when: "a > 7" }), ["leads[0].when: numbers stand in backticks, write `7` at column 5 of"]],
    [
      rule({ when: "a == `done`" }),
      ["leads[0].when: text stands in single quotes, write 'done' at column 6 of"],
    ],
    [
      rule({ when: "a == true" }),
      ["leads[0].when: true is read as the name of a field, write `true` in backticks at column 6 of"],
    ],
    [rule({ when: "$plan" }), ['leads[0].when: Unknown name: $plan. Define it under "let" at column 1 of']],
    [
      changed({ let: { plan: "data.plan", paid: "$free" } }),
      ["let.paid: Unknown name: $free. There are: $plan at column 1 of"],
    ],
    [changed({ let: { plan: "data.[plan" } }), ["let.plan: "]],
    [changed({ let: { "a b": "data.plan" } }), ['let["a b"]: ']],
    [changed({ let: { x: "id" }, each: "$x" }), ["each: Unknown name: $x"]],
    [rule({ on: { "a.b": false } }), ['leads[0].on["a.b"]: ']],
    [rule({ when: "a ==" }), ["leads[0].when: "]],
    [rule({}, { metadata: { plan: "a b" } }), ["leads[0].lead.metadata.plan: ", "at column 3 of"]],
    [rule({}, { customerNmae: "a" }), ["leads[0].lead.customerNmae: unknown key"]],
    [
      changed({ verify: { scheme: "hmca" } }),
      ['verify.scheme: expected one of "standard-webhooks", "stripe", "hmac", "token"'],
    ],
    [
      changed({ verify: { scheme: "hmac", encoding: "hex", signature: {} } }),
      ["verify.signature.header: expected"],
    ],
    [changed({ docs: "here" }), ["docs: not a valid url"]],
    [changed({ leads: [] }), ["leads: must not be empty"]],
    [{}, ["name: expected string", "docs: expected string", "leads: expected array"]],
    [
      rule({ once: "always" }, { eventName: "a b", clickId: "]" }),
      ['leads[0].once: expected one of "customer", "event"'],
    ],
    [rule({}, { eventName: "a b", clickId: "]" }), ["leads[0].lead.clickId: ", "leads[0].lead.eventName: "]],
  ])("%j", (file, said) => {
    const error = ((): Error => {
      try {
        compileMapping("any", file);
      } catch (thrown) {
        return thrown as Error;
      }
      throw new Error("compiled");
    })();
    expect(error).toBeInstanceOf(MappingError);
    for (const words of ["any/mapping.json: ", ...said]) expect(error.message).toContain(words);
  });
});

it("an expression compiles, or the mistake has a column inside it", () => {
  const piece = fc.constantFrom(
    ...[
      "data",
      ".",
      "id",
      "[",
      "]",
      "[?",
      "(",
      ")",
      "'",
      '"',
      "`",
      "=",
      "==",
      "===",
      "&",
      "&&",
      "|",
      "||",
      "!",
      "$",
    ],
    ...[
      " and ",
      " or ",
      "not ",
      "$user",
      "@",
      "7",
      "`7`",
      "'x'",
      ",",
      "click_id(",
      "lower(",
      "? ",
      ": ",
      " ",
      "{",
      "}",
    ],
    ...["true", "constructor", "let $x = id in $x", "é", "\\", "<", ">"],
  );
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 8 }), (pieces) => {
      const source = pieces.join("");
      try {
        parseExpression(source, ["user"]);
      } catch (error) {
        expect(error).toBeInstanceOf(ExpressionError);
        const { column, message } = error as ExpressionError;
        expect(column).toBeGreaterThanOrEqual(1);
        expect(column).toBeLessThanOrEqual(source.length + 1);
        expect(message).not.toBe("");
      }
    }),
    { numRuns: 2000 },
  );
});

describe("applying", () => {
  const event = { type: "a.b", id: "u1", dub_id: "click" };

  it("takes type and id from headers, and numbers the events of one delivery", () => {
    const file = changed({ type: { header: "X-Topic" }, id: { header: "X-Id" }, each: "[]" });
    const mapped = run(file, [event, event], { "x-topic": "a.c", "x-id": "d1" });
    expect(mapped.map(({ type, eventId, outcome }) => [type, eventId, outcome.kind])).toEqual([
      ["a.c", "d1#0", "lead"],
      ["a.c", "d1#1", "lead"],
    ]);
  });

  it("matches types by the whole word and by *", () => {
    const kinds = ["a.b", "a.b.c", "xa.b", "a", "A.b"].map(
      (type) => run(MINIMAL, { ...event, type })[0]?.outcome.kind,
    );
    expect(kinds).toEqual(["lead", "lead", "ignored", "ignored", "ignored"]);
  });

  it("takes a type on its own condition", () => {
    const file = rule({ on: { "a.b": true, "a.*": "vip" } });
    const kinds = [{ type: "a.b" }, { type: "a.c" }, { type: "a.c", vip: true }, { type: "b" }].map(
      (change) => run(file, { ...event, ...change })[0]?.outcome.kind,
    );
    expect(kinds).toEqual(["lead", "ignored", "lead", "ignored"]);
  });

  it("$name stands for its expression, wherever it is used", () => {
    const file = {
      ...rule(
        { when: "$plan != 'free' && list[?plan == $plan]" },
        {
          customerExternalId: "$ids.mine || $user.id",
          metadata: { first: "let $user = list[0] in $user.size" },
        },
      ),
      let: { user: "data.user", plan: "$user.plan", ids: "$user.ids" },
    };
    const of = (change: object) =>
      run(file, {
        ...event,
        list: [{ plan: "pro", size: 3 }],
        data: { user: { id: "u1", plan: "pro", ...change } },
      })[0]?.outcome;
    expect(of({})).toMatchObject({ lead: { customerExternalId: "u1", metadata: { first: 3 } } });
    expect(of({ ids: { mine: "m1" } })).toMatchObject({ lead: { customerExternalId: "m1" } });
    expect(of({ ids: { mine: "undefined" } })).toMatchObject({ lead: { customerExternalId: "u1" } });
    expect(of({ plan: "free" })).toEqual({ kind: "ignored" });
    expect(of({ plan: "team" })).toEqual({ kind: "ignored" });
  });

  it.each<[field: string, a: unknown, chosen: unknown]>([
    ["customerExternalId", "undefined", "b@orchard.example"],
    ["customerExternalId", "[object Object]", "b@orchard.example"],
    ["customerExternalId", "missing-id", "b@orchard.example"],
    ["customerExternalId", " ", "b@orchard.example"],
    ["customerExternalId", "guest", "b@orchard.example"],
    ["customerExternalId", "u7", "u7"],
    ["customerExternalId", 7, "7"],
    ["customerName", "guest", "guest"],
    ["customerName", "undefined undefined", undefined],
    ["customerName", "+15555550123", undefined],
    ["customerEmail", "mira", "b@orchard.example"],
    ["customerAvatar", "null", "b@orchard.example"],
  ])("in a || b of %s, a = %j gives %j", (field, a, chosen) => {
    const file = { ...rule({}, { [field]: "$first || b" }), let: { first: "a" } };
    const outcome = run(file, { ...event, a, b: "b@orchard.example" })[0]?.outcome as { lead: object };
    expect((outcome.lead as Record<string, unknown>)[field]).toBe(chosen);
  });

  it("|| in a named expression knows the field it is used for", () => {
    const file = {
      ...rule({}, { customerExternalId: "$one", customerName: "$one" }),
      let: { one: "a || b" },
    };
    const outcome = run(file, { ...event, a: "guest", b: "u1" })[0]?.outcome;
    expect(outcome).toMatchObject({ lead: { customerExternalId: "u1", customerName: "guest" } });
  });

  it("|| outside a lead field passes over blanks and placeholders only", () => {
    const file = rule({}, { customerExternalId: "lower(a || b)" });
    const ids = ["undefined", "guest", " ", "U7"].map(
      (a) => run(file, { ...event, a, b: "B" })[0]?.outcome as { lead?: { customerExternalId: string } },
    );
    expect(ids.map(({ lead }) => lead?.customerExternalId)).toEqual(["b", undefined, "b", "u7"]);
  });

  it("skips what belongs to another account, and rejects what is thin with the reason given", () => {
    const file = changed({ otherAccount: "account", thin: "thin && 'ask for all of it'" });
    expect(run(file, { ...event, account: "acct_1" })[0]?.outcome).toMatchObject({ reason: "other_account" });
    expect(run(file, { ...event, thin: true })[0]?.outcome).toMatchObject({
      reason: "thin_event",
      detail: "ask for all of it",
    });
    expect(run(file, { ...event, type: "b", account: "acct_1" })[0]?.outcome).toEqual({ kind: "ignored" });
  });

  it("tries rules in order", () => {
    const [first] = MINIMAL.leads;
    const file = changed({
      leads: [
        { ...first, when: "vip" },
        { ...first, lead: { ...first?.lead, eventName: "'Y'" } },
      ],
    });
    expect(run(file, event)[0]?.outcome).toMatchObject({ lead: { eventName: "Y" } });
    expect(run(file, { ...event, vip: true })[0]?.outcome).toMatchObject({ lead: { eventName: "X" } });
  });

  it("an expression that fails costs an optional field, a required one the lead", () => {
    const optional = run(rule({}, { customerName: "join(' ', name)" }), { ...event, name: 1 })[0]?.outcome;
    expect(optional).toMatchObject({
      kind: "lead",
      warnings: [
        { field: "customerName", did: expect.stringContaining("dropped: leads[0].lead.customerName: ") },
      ],
    });
    const required = run(rule({}, { customerExternalId: "join(' ', name)" }), { ...event, name: 1 })[0]
      ?.outcome;
    expect(required).toMatchObject({
      kind: "ended",
      reason: "expression_failed",
      detail: expect.stringContaining("leads[0].lead.customerExternalId: "),
    });
    expect(run(changed({ each: "join(' ', list)" }), event)[0]?.outcome).toMatchObject({
      reason: "not_split",
    });
    expect(run(changed({ each: "events" }), event)[0]?.outcome).toMatchObject({
      reason: "not_split",
      detail: "each: gave no event",
    });
  });

  it("a metadata key may have any name", () => {
    const outcome = run(rule({}, { metadata: { ast: "id", kind: "id", value: 7, source: true } }), event)[0]
      ?.outcome;
    expect(outcome).toMatchObject({ lead: { metadata: { ast: "u1", kind: "u1", value: 7, source: true } } });
  });

  it.each([
    [{ dubClickId: "n/a", dub_click_id: " ", dub_id: "abc" }, "abc"],
    ['{"dubClickId":"dub_id_abc"}', "abc"],
    ["abc", null],
    ["{not json", null],
    [["abc"], null],
    [JSON.parse('{"__proto__":{"dub_id":"abc"}}'), null],
    [null, null],
  ])("click_id(%j) is %j", (carrier, id) => {
    const outcome = run(rule({}, { clickId: "click_id(carrier)" }), { ...event, carrier })[0]?.outcome;
    expect(outcome).toMatchObject(id === null ? { reason: "no_click_id" } : { lead: { clickId: id } });
  });

  it.each([
    ["click_id(a, b)", { a: { dubClickId: "{{dub_id}}" } }, /^dropped: a placeholder such as {{dub_id}}/],
    ["click_id(a, b)", { a: '{"dub_id":"[object Object]"}' }, /^dropped: a placeholder such as {{dub_id}}/],
    [
      "click_id(a, b)",
      { a: {}, b: { dub_id: "YOUR_CLICK_ID" } },
      /^dropped: a placeholder such as {{dub_id}}/,
    ],
    ["click_id(a) || b", { b: "undefined" }, /^dropped: a placeholder such as undefined/],
    ["a || b", { a: "{{dub_id}}", b: null }, /^dropped: a placeholder such as {{dub_id}}/],
    ["starts_with(a || '', 'dub_id_') ? a : `null`", { a: "dub_id_{{x}}" }, /^dropped: a placeholder/],
    ["a", { a: "https://go.example/x" }, /^dropped: not a click id/],
    ["click_id(a, b)", { a: {}, b: { dub_id: " " } }, undefined],
    ["click_id(a, b)", { a: null, b: "text" }, undefined],
    ["click_id(a, b)", { a: { dub_id: "{{dub_id}}" }, b: { dub_id: "abc" } }, undefined],
  ])("%s of %j: a placeholder is named in a warning, a missing click id is none", (clickId, fields, did) => {
    for (const withoutClickId of ["skip", "send"]) {
      const file = rule({ withoutClickId }, { clickId });
      const { outcome } = run(file, { ...event, ...fields })[0] ?? {};
      const warnings = outcome && "warnings" in outcome ? outcome.warnings : undefined;
      expect(warnings).toEqual(did ? [{ field: "clickId", did: expect.stringMatching(did) }] : []);
    }
  });

  it("click_id takes the first carrier that has one", () => {
    const file = rule({}, { clickId: "click_id(a, b, c)" });
    const outcome = run(file, { ...event, a: { dub_id: "{{dub_id}}" }, b: null, c: { dub_id: "abc" } })[0];
    expect(outcome?.outcome).toMatchObject({ lead: { clickId: "abc" } });
  });

  it.each<[unknown, unknown, number | null]>([
    ["2026-03-03T12:00:00Z", "2026-03-10T12:00:00.000Z", 7],
    [1772539200000, 1773144000000, 7],
    [1772539200, 1773144000000, 7],
    ["1772539200", "2026-03-10T12:00:00+00:00", 7],
    ["2026-03-10", "2026-03-09T12:00:00Z", -0.5],
    [0, 86400, 1],
    ["soon", 1773144000000, null],
    [null, 1773144000000, null],
    [{}, true, null],
    ["", "7", null],
  ])("days_between(%j, %j) is %j", (from, to, days) => {
    expect(daysBetween(from, to)).toBe(days);
  });

  it("never throws, whatever the webhook is", () => {
    const compiled = Object.entries(mappings).map(([provider, json]) => compileMapping(provider, json));
    const like = fc.object({
      key: fc.constantFrom(
        "data",
        "object",
        "type",
        "id",
        "details",
        "body",
        "metadata",
        "unsafe_metadata",
        "email_addresses",
        "customer_details",
        "x",
      ),
      maxDepth: 5,
    });
    const typed = fc.record({
      type: fc.constantFrom(
        "user.created",
        "user.updated",
        "customer.created",
        "checkout.session.completed",
        "customer.subscription.created",
        "waitlistEntry.created",
      ),
      data: fc.oneof(like, fc.jsonValue()),
    });
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), like, typed, fc.array(typed)), (body) => {
        for (const mapping of compiled) {
          const mapped = mapWebhook(
            mapping,
            { body, headers: new Headers(), deliveryId: undefined },
            { acceptTestEvents: true },
          );
          for (const { outcome } of mapped) expect(["lead", "ended", "ignored"]).toContain(outcome.kind);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
