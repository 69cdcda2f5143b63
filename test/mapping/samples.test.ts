import { expect, it } from "vitest";
import { mappings, shipped } from "../../mappings/index.ts";
import { sampleBody } from "../../src/dev/samples/sign.ts";
import { createTestApp, ownSamples, samples } from "../support/app.ts";

it.each([
  ...samples.map(([provider, name, sample]) => [provider, name, sample, shipped] as const),
  ...ownSamples.map(([provider, name, sample]) => [`own/${provider}`, name, sample, mappings] as const),
])(
  "%s/%s becomes what it says, through the webhook endpoint to Dub and the ledger",
  async (folder, _name, sample, files) => {
    const provider = folder.replace("own/", "");
    const app = await createTestApp({
      mappings: files,
      dub: { click: (id) => ({ id: `link_${id}`, state: "ours" }) },
    });
    // Leads without a click id are for customers that Dub knows.
    for (const one of sample.expect)
      if ("lead" in one && one.lead.clickId === "") {
        const externalId = String(one.lead.customerExternalId);
        app.dub.customers.set(externalId, {
          externalId,
          name: "Known",
          email: null,
          avatar: null,
          clickId: "KnownClick000001",
        });
      }

    const answers = await app.send(provider, sampleBody(sample), { headers: sample.headers ?? {} });
    await app.pump();

    expect(answers).toHaveLength(sample.expect.length);
    const rows = await app.rows();
    const leads = sample.expect.flatMap((one) => ("lead" in one ? [one.lead] : []));
    expect(rows.filter((row) => row.status === "delivered").map((row) => JSON.parse(row.lead ?? ""))).toEqual(
      leads,
    );
    expect(
      app.dub.recorded.map(({ customerExternalId, eventName }) => [customerExternalId, eventName]),
    ).toEqual(leads.map((lead) => [lead.customerExternalId, lead.eventName]));
    for (const [i, one] of sample.expect.entries()) {
      const row = rows.find(
        ({ id }) => "id" in (answers[i] ?? {}) && id === (answers[i] as { id: string }).id,
      );
      if ("ignored" in one) expect(answers[i]?.status).toBe("ignored");
      const said = "skipped" in one ? one.skipped : "rejected" in one ? one.rejected : undefined;
      if (said !== undefined) {
        expect(row?.status).toBe("skipped" in one ? "skipped" : "rejected");
        expect([row?.reason, `${row?.reason} (${row?.detail})`]).toContain(said);
      }
      if ("lead" in one) {
        const warnings = (JSON.parse(row?.warnings ?? "[]") as { field: string; did: string }[]).map(
          ({ field, did }) => `${field}: ${did}`,
        );
        expect(warnings).toEqual(one.warnings ?? []);
      }
    }
  },
);
