import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { asExpected, mapSample } from "../../src/dev/check/results.ts";
import { loadMapping, providerFolders, readSample, readSamples } from "../../src/dev/files.ts";
import { freshSample, mapped, recentSample } from "../../src/dev/samples/fresh.ts";
import { compileMapping } from "../../src/mapping/compile.ts";
import { resultOf } from "../../src/mapping/result.ts";
import { Sample } from "../../src/mapping/schema.ts";

const resultsOf = (...given: Parameters<typeof mapSample>) => mapSample(...given).map(resultOf);

const ids = (mapping: Parameters<typeof mapped>[0], sample: Sample) =>
  mapped(mapping, sample).map(({ eventId, outcome }) => {
    const lead = "lead" in outcome ? outcome.lead : undefined;
    return { eventId, customer: lead?.customerExternalId, email: lead?.customerEmail };
  });

const all = providerFolders().flatMap((folder) =>
  [...readSamples(folder)].map(([name, sample]) => [folder.provider, name, sample] as const),
);

describe.each(all)("%s/%s", (provider, _name, sample) => {
  const mapping = loadMapping(provider);

  it("gives the same with fresh ids", () => {
    const fresh = freshSample(mapping, sample);
    expect(asExpected(fresh.expect, resultsOf(mapping, fresh))).toBe(true);
    const strip = (results: Sample["expect"]) =>
      results.map((one) => ("lead" in one ? { ...one, lead: { ...one.lead, ...BLANK, metadata: 0 } } : one));
    expect(strip(fresh.expect)).toEqual(strip(sample.expect));
  });
  it("has every id anew, and each send others", () => {
    const sent = [sample, freshSample(mapping, sample), freshSample(mapping, sample)].map((one) =>
      ids(mapping, one),
    );
    for (const [i, old] of (sent[0] ?? []).entries())
      for (const key of ["eventId", "customer", "email"] as const) {
        const values = sent.map((one) => one[i]?.[key]).filter((one) => one !== undefined);
        if (old[key] !== undefined) expect(new Set(values).size).toBe(3);
      }
  });
  it("gives the same as a sign-up of now, whose click can be told", () => {
    const now = Date.UTC(2026, 10, 25, 18, 30, 0, 250);
    const recent = recentSample(mapping, sample, now);
    expect(asExpected(sample.expect, resultsOf(mapping, recent))).toBe(true);
    const signedUp = (one: Sample) =>
      mapped(mapping, one).flatMap(({ outcome }) =>
        "waits" in outcome && outcome.waits ? [outcome.waits.signedUpAt] : [],
      );
    // Some have a time in seconds.
    for (const [i, time] of signedUp(sample).entries())
      if (time !== undefined) expect(Math.abs((signedUp(recent)[i] ?? 0) - now)).toBeLessThan(1000);
  });
  it("can be sent as it is, with what --set has set", () => {
    const texts = leaves(sample.webhook);
    const fresh = leaves(
      freshSample(
        mapping,
        sample,
        texts.map(([path]) => path),
      ).webhook,
    );
    expect(fresh).toEqual(texts);
    const paths = texts.map(([path]) => path);
    expect(leaves(recentSample(mapping, sample, Date.now(), paths).webhook)).toEqual(texts);
  });
});

const BLANK = { customerExternalId: "", customerEmail: "" };

function leaves(value: unknown, path: string[] = []): [string[], unknown][] {
  if (typeof value !== "object" || value === null) return [[path, value]];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]));
}

describe("a mapping file of one's own", () => {
  const mappingOf = (id: unknown, customerExternalId: string) =>
    compileMapping("own", {
      name: "Own",
      docs: "https://own.example",
      verify: { scheme: "token", header: "x-token" },
      type: "type",
      ...(id !== undefined && { id }),
      leads: [
        {
          on: ["a"],
          lead: { eventName: "'A'", customerExternalId, customerEmail: "mail", clickId: "click" },
        },
      ],
    });
  const make = (webhook: object, headers?: Record<string, string>) =>
    Sample.parse({ title: "t", webhook, expect: [], ...(headers && { headers }) });
  const freshIds = (mapping: ReturnType<typeof mappingOf>, sample: Sample, keep: string[][] = []) =>
    ids(mapping, freshSample(mapping, sample, keep, 7_000_000_000))[0];

  it.each([
    ["a number", "n", { n: 42 }, "7000000000"],
    ["a long number", "n", { n: 123456789012 }, "127000000000"],
    ["a short text", "n", { n: "user_8841" }, "user_7000000000"],
    ["a word", "n", { n: "mira" }, "mira7000000000"],
    ["a UUID", "n", { n: "550e8400-e29b-41d4-a716-446655440000" }, "550e8400-e29b-41d4-a716-447000000000"],
    ["texts that are joined", "join(':', [tenant, n])", { tenant: "acme", n: "8841" }, "acme7000000000:8841"],
    ["a text that is lowered", "lower(n)", { n: "Mira@Orchard.example" }, "mira@7000000000.orchard.example"],
    ["an id in a list", "list[1]", { list: ["a", "b"] }, "b7000000000"],
    ["a field with a dot in its name", '"a.b"', { "a.b": "abcdefgh" }, "7000000000"],
  ])("%s", (_what, expression, fields, customer) => {
    expect(freshIds(mappingOf(undefined, expression), make({ type: "a", ...fields }))?.customer).toBe(
      customer,
    );
  });
  it("an id in a header", () => {
    const sample = make({ type: "a", n: 1 }, { "x-event": "e-1" });
    expect(freshIds(mappingOf({ header: "x-event" }, "n"), sample)?.eventId).toBe("e-7000000000");
  });
  it("the same id at several places stays the same, and a time that looks alike stays a time", () => {
    const mapping = mappingOf("id", "user.id");
    const webhook = {
      type: "a",
      id: "evt_1234567890",
      at: "2026-03-10",
      user: { id: "10" },
      copy: { id: "evt_1234567890", user: "10", url: "/events/evt_1234567890" },
    };
    const fresh = freshSample(mapping, make(webhook), [], 7_000_000_000).webhook as typeof webhook;
    expect(fresh.copy).toEqual({ id: fresh.id, user: fresh.user.id, url: `/events/${fresh.id}` });
    expect(fresh.id).toBe("evt_7000000000");
  });
  it("what is set stays, and the rest is new", () => {
    const sample = make({ type: "a", id: "evt_1", n: "user_1" });
    const fresh = freshIds(mappingOf("id", "n"), sample, [["n"]]);
    expect(fresh).toMatchObject({ eventId: "evt_7000000000", customer: "user_1" });
  });
});

it("a sign-up without a click id is sent as one of now, of each provider", () => {
  const now = Date.UTC(2026, 10, 25, 18, 30);
  for (const provider of ["auth0", "clerk", "stripe"]) {
    const sample = readSample(provider, "organic");
    expect(recentSample(loadMapping(provider), sample, now)).not.toEqual(sample);
  }
});

it("changes ids only, whatever the texts are", () => {
  const mapping = loadMapping("clerk");
  const sample = readSample("clerk");
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.emailAddress(), (id, name, email) => {
      const webhook = structuredClone(sample.webhook) as { data: Record<string, unknown> };
      webhook.data.id = id;
      webhook.data.first_name = name;
      for (const one of webhook.data.email_addresses as { email_address: string }[])
        one.email_address = email;
      const given = { ...sample, webhook, expect: resultsOf(mapping, { ...sample, webhook }) };
      const fresh = freshSample(mapping, given);
      expect(resultsOf(mapping, fresh)).toEqual(fresh.expect);
    }),
    { numRuns: 50 },
  );
});
