import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { shipped as mappings } from "../../mappings/index.ts";
import { mapWebhook } from "../../src/mapping/apply.ts";
import { compileMapping, MappingError } from "../../src/mapping/compile.ts";

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
    [rule({ when: "a ==" }), ["leads[0].when: "]],
    [rule({}, { metadata: { plan: "a b" } }), ["leads[0].lead.metadata.plan: ", "at column 3 of"]],
    [rule({}, { customerNmae: "a" }), ["leads[0].lead.customerNmae: unknown key"]],
    [changed({ verify: { scheme: "hmca" } }), ["verify.scheme: unknown scheme"]],
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

  it("epoch_ms reads ISO times and nothing else", () => {
    const file = rule({ when: "epoch_ms(at) == `1773144000000` || epoch_ms(at) == `null`" });
    const kinds = ["2026-03-10T12:00:00.000Z", "soon", 5].map(
      (at) => run(file, { ...event, at })[0]?.outcome.kind,
    );
    expect(kinds).toEqual(["lead", "lead", "lead"]);
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
