/** `npm run preview`: a sample, a file or standard input; what each event becomes, and why one is ignored. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { mapSample } from "../../src/dev/check/results.ts";
import {
  loadMapping,
  providerFolders,
  providers,
  ROOT,
  readSample,
  readSamples,
} from "../../src/dev/files.ts";
import { sampleBody } from "../../src/dev/samples/sign.ts";
import { whyIgnored } from "../../src/dev/why-ignored.ts";
import { compileMapping } from "../../src/mapping/compile.ts";

function preview(args: string[], input = ""): { code: number | null; out: string; err: string } {
  const command = [join(ROOT, "src/dev/commands/preview.ts"), ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, {
    input,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" },
  });
  return { code: status, out: stdout, err: stderr };
}

const folder = mkdtempSync(join(tmpdir(), "preview-test-"));
const written = (name: string, content: string | Uint8Array) => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

it("takes a sample's name, a body in a file, a sample's file, and standard input", () => {
  const sample = readSample("stripe", "trial-of-many-seats");
  const body = new TextDecoder().decode(sampleBody(sample));
  const file = join("mappings/stripe/samples/trial-of-many-seats.json");
  for (const [given, input] of [
    ["trial-of-many-seats"],
    [written("body.json", body)],
    [join(ROOT, file)],
    ["-", body],
  ]) {
    const { code, out } = preview(["stripe", given ?? "", "--json"], input);
    expect([code, JSON.parse(out)]).toEqual([0, sample.expect]);
  }
});

it("keeps an id that is a large number, in a body and in a sample's file, as the Worker does", () => {
  const webhook = JSON.stringify(readSample("clerk").webhook).replace(
    /"id":"user_\w+"/,
    '"id":12345678901234567890',
  );
  const bodies = [webhook, `{"title":"t","webhook":${webhook},"expect":[]}`];
  for (const body of bodies)
    expect(preview(["clerk", "-"], body).out).toContain('"customerExternalId": "12345678901234567890"');
});

it("says for people what becomes of each event", () => {
  expect(preview(["auth0-logs", "sign-up"]).out).toMatch(
    /^ss {2}→ {2}lead\n[\s\S]*\n\ns {2}→ {2}ignored: no rule takes it\n/,
  );
  expect(preview(["clerk", "organic"]).out).toMatch(
    /^user.created {2}→ {2}skipped \(no_click_id\)\n[\s\S]*What to do: /,
  );
  const webhook = readSample("clerk", "organic").webhook as { data: { unsafe_metadata: object } };
  webhook.data.unsafe_metadata = { dubClickId: "{{dub_id}}" };
  expect(preview(["clerk", "-"], JSON.stringify(webhook)).out).toContain(
    "Warning: clickId: dropped: a placeholder",
  );
});

it.each([
  [["nobody", "x.json"], `There is no mappings/nobody/mapping.json. There are: ${providers().join(", ")}.`],
  [["clerk", "/nowhere.json"], "There is no file /nowhere.json."],
  [["clerk", "sign-upp"], 'There is neither a sample nor a file "sign-upp". Samples: click-id-later,'],
  [["clerk", written("broken.json", "{")], "broken.json:1:2: "],
  [["clerk", written("bytes.json", Buffer.from([0x7b, 0xff]))], "bytes.json can't be read: "],
  [[], "missing required argument 'provider'"],
])("%j", (args, said) => {
  const { code, out, err } = preview(args);
  expect([code, out]).toEqual([2, ""]);
  expect(err).toContain(said);
});

describe("why an event is ignored", () => {
  const why = (provider: string, name: string) => {
    const mapping = loadMapping(provider);
    const ignored = mapSample(mapping, readSample(provider, name)).find(
      ({ outcome }) => outcome.kind === "ignored",
    );
    return whyIgnored(mapping, ignored?.type ?? "", ignored?.event);
  };
  it("names the condition that is false, and its values", () => {
    expect(why("clerk", "update-of-old-user")).toEqual([
      'leads[0].on["user.updated"] is false: $clickId && days_between(data.created_at, data.updated_at) < `7`',
      '  $clickId is "Qp7yN4zAs8DfGh5J"',
    ]);
    expect(why("auth0", "update-of-old-user")).toContainEqual(
      expect.stringMatching(/^ {2}\$getsClickId is false$/),
    );
  });
  it("does not evaluate when for an event that on does not take, where it could fail", () => {
    const mapping = compileMapping("orchard", {
      name: "Orchard",
      docs: "https://orchard.example/webhooks",
      verify: { scheme: "standard-webhooks" },
      type: "type",
      leads: [
        {
          on: { "order.changed": "status == 'paid'" },
          when: "starts_with(buyer, 'u')",
          lead: { clickId: "click", eventName: "'Order'", customerExternalId: "buyer" },
        },
      ],
    });
    const open = { type: "order.changed", status: "open", buyer: null };
    expect(whyIgnored(mapping, open.type, open)).toEqual([
      `leads[0].on["order.changed"] is false: status == 'paid'`,
    ]);
    expect(whyIgnored(mapping, open.type, { ...open, status: "paid", buyer: "x" })).toContain(
      "leads[0].when is false: starts_with(buyer, 'u')",
    );
  });
  it("names the types of the rules, and the nearest", () => {
    expect(why("clerk", "other-event")).toEqual([
      'no rule is for events of type "session.created"',
      "the rules are for: user.created, user.updated, waitlistEntry.created",
    ]);
    expect(whyIgnored(loadMapping("clerk"), "user.create", {})[0]).toContain('Did you mean "user.created"?');
  });
  it.each(providerFolders().map((one) => [one.shown, one] as const))(
    "%s: every ignored event has a reason that holds",
    (_shown, one) => {
      const mapping = loadMapping(one.provider);
      for (const sample of readSamples(one).values())
        for (const { outcome, type = "", event } of mapSample(mapping, sample)) {
          if (outcome.kind !== "ignored") continue;
          expect(whyIgnored(mapping, type, event).join("\n")).toMatch(
            / is false: |^no rule is for events of type/,
          );
        }
    },
  );
});
