/** `npm run verify`: the verdict is the Worker's, and the cause is found. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadMapping, providers, ROOT, readSample } from "../../src/dev/files.ts";
import { localSecret, sampleBody, sign } from "../../src/dev/samples/sign.ts";
import { type Case, verifyCapture } from "../../src/dev/verify/report.ts";
import { secretName } from "../../src/settings.ts";
import { utf8 } from "../../src/verify/bytes.ts";
import { createVerifier, expanded, type Verify } from "../../src/verify/schemes.ts";

const NOW = Date.UTC(2026, 2, 10, 12);
const verifyOf = (provider: string) => loadMapping(provider).file.verify;
const schemes = Object.fromEntries(providers().map((provider) => [provider, verifyOf(provider)]));
const secretOf = (provider: string) => localSecret(provider, verifyOf(provider));
const url = "https://leads.example/webhooks/any";

/** A genuine request, as it came. */
async function capture(
  provider: string,
  change: Partial<Case> & { body?: Uint8Array; signed?: string } = {},
) {
  const verify = change.verify ?? verifyOf(provider);
  const { body = sampleBody(readSample(provider)), signed = secretOf(provider), ...rest } = change;
  const headers = await sign(verify, { provider, secret: signed, url, body, id: "msg_1", now: NOW });
  const given: Case = {
    provider,
    verify,
    request: { method: "POST", url, headers: new Headers(headers), body },
    secret: { text: signed, from: "a test" },
    others: [],
    schemes,
    at: NOW + 60_000,
    ...rest,
  };
  return given;
}
const withBody = (given: Case, body: string): Case => ({
  ...given,
  request: { ...given.request, body: utf8(body) },
});
const hmacs = providers().filter((provider) => expanded(verifyOf(provider)).scheme === "hmac");

describe.each(providers())("%s", (provider) => {
  it("genuine is genuine, and every step is right", async () => {
    const { genuine, steps, cause } = await verifyCapture(await capture(provider));
    expect([genuine, cause]).toEqual([true, undefined]);
    expect(steps.map(({ ok }) => ok)).not.toContain(false);
  });
  it("names the headers that are missing, and no value", async () => {
    const given = await capture(provider);
    const { genuine, steps } = await verifyCapture({
      ...given,
      request: { ...given.request, headers: new Headers() },
    });
    expect(genuine).toBe(false);
    const [name = ""] = [...given.request.headers.keys()];
    expect(steps[0]).toMatchObject({
      step: "headers",
      ok: false,
      says: expect.stringContaining("missing: "),
    });
    expect(steps[0]?.says.toLowerCase()).toContain(name.split(" ")[0]);
  });
  it("reads no time from a number that is none", async () => {
    const given = await capture(provider);
    const headers = new Headers(given.request.headers);
    for (const [name, value] of headers) headers.set(name, value.replace(/\b17\d{8}\b/, "9999999999999"));
    const { steps } = await verifyCapture({ ...given, request: { ...given.request, headers } });
    expect(steps.find(({ step }) => step === "time")).toEqual(
      hmacs.includes(provider)
        ? { step: "time", ok: false, says: "no time can be read from the headers" }
        : undefined,
    );
  });
  it("says no secret and no signature", async () => {
    const given = await capture(provider);
    const other = secretOf(provider).replace(/.{8}$/, "QUFBQUFB");
    for (const secret of [given.secret, { text: other, from: "a test" }]) {
      const said = JSON.stringify(await verifyCapture({ ...given, secret }));
      const { headers } = given.request;
      const signatures = [...headers].filter(([name]) => /signature|authorization/.test(name));
      expect(signatures).toHaveLength(1);
      for (const [, value] of signatures)
        for (const word of value.split(/[ ,=]/).filter(({ length }) => length > 15))
          expect(said).not.toContain(word);
      expect(said).not.toContain(secret.text);
    }
  });
  it("finds the setting that has the secret", async () => {
    const given = await capture(provider);
    const other = secretOf(provider).replace(/.{8}$/, "QUFBQUFB");
    const report = await verifyCapture({
      ...given,
      secret: { text: other, from: "a test" },
      others: [{ name: "OTHER_WEBHOOK_SECRET", text: secretOf(provider), own: false }],
    });
    expect(report.cause).toEqual({
      says: "it matches with the secret of OTHER_WEBHOOK_SECRET",
      todo: expect.stringContaining("OTHER_WEBHOOK_SECRET"),
    });
  });
  it("says when nothing helps, and quotes no secret", async () => {
    const given = await capture(provider);
    const other = secretOf(provider).replace(/.{8}$/, "QUFBQUFB");
    const report = await verifyCapture({ ...given, secret: { text: other, from: "a test" } });
    // A token is in a header: the body is not signed.
    const scheme = expanded(verifyOf(provider)).scheme;
    expect(report.cause?.says).toContain(
      scheme === "token" ? "the secret is another one" : "nothing that is tried matches",
    );
    for (const secret of [other, secretOf(provider)]) expect(JSON.stringify(report)).not.toContain(secret);
  });
  it("says that the secret is not usable, or made up here, rather than that nothing matches", async () => {
    const given = await capture(provider);
    const bad = await verifyCapture({ ...given, secret: { text: "https://x.example", from: "a test" } });
    expect(bad.cause?.says).toContain(secretName(provider));
    const text = secretOf(provider).replace(/.{8}$/, "QUFBQUFB");
    const madeUp = await verifyCapture({ ...given, secret: { text, from: "npm start", madeUp: true } });
    expect(madeUp.cause).toEqual({
      says: expect.stringContaining("makes up"),
      todo: expect.stringContaining("--secret"),
    });
  });
  it("names the provider whose headers came", async () => {
    const foreign = providers().find(
      (one) => expanded(verifyOf(one)).scheme !== expanded(verifyOf(provider)).scheme,
    );
    const { request } = await capture(foreign ?? "");
    const report = await verifyCapture({ ...(await capture(provider)), request });
    expect(report.cause?.says).toMatch(/^the headers are those of /);
  });
});

describe.each(hmacs)("%s", (provider) => {
  const text = new TextDecoder().decode(sampleBody(readSample(provider)));
  const pretty = JSON.stringify(JSON.parse(text), null, 2);
  it.each([
    ["a line feed was added", text, `${text}\n`, "the body without the white space at its end"],
    ["a line feed was lost", `${text}\n`, text, "the body with a line feed at its end"],
    ["CRLF was lost", `${text}\r\n`, text, "the body with CRLF at its end"],
    ["a BOM was added", text, `\uFEFF${text}`, "the body without the byte order mark (BOM) at its beginning"],
    ["a BOM was lost", `\uFEFF${text}`, text, "the body with a byte order mark (BOM) at its beginning"],
    ["LF became CRLF", pretty, pretty.replaceAll("\n", "\r\n"), "the body with LF instead of CRLF"],
    ["CRLF became LF", pretty.replaceAll("\n", "\r\n"), pretty, "the body with CRLF instead of LF"],
    ["it was indented", text, pretty, "the body's JSON written anew, compact"],
    ["it was compacted", pretty, text, "the body's JSON indented by two blanks"],
    [
      "with numbers that JavaScript writes otherwise",
      '{"a":10.0,"b":12345678901234567890}',
      '{"a": 10.0, "b": 12345678901234567890}',
      "the body's JSON written anew, compact",
    ],
    [
      "as Python writes it",
      '{"a": [1, 2], "b": {}}',
      '{"a":[1,2],"b":{}}',
      "the body's JSON with a blank after each colon and comma",
    ],
    [
      "as PHP writes it",
      '{"a":"x\\/\\u00e9"}',
      '{"a":"x/é"}',
      "the body's JSON with \\/ for each /, and \\u escapes",
    ],
  ])("the body: %s", async (_what, sent, came, says) => {
    const report = await verifyCapture(withBody(await capture(provider, { body: utf8(sent) }), came));
    expect([report.genuine, report.cause?.says]).toEqual([false, `it matches with ${says}`]);
  });

  it.each([-301, -299, 299, 301])("%i s after the signature", async (seconds) => {
    const report = await verifyCapture(await capture(provider, { at: NOW + seconds * 1000 }));
    expect(report.genuine).toBe(Math.abs(seconds) <= 300);
    if (!report.genuine) expect(report.cause?.todo).toContain("--at signed");
    expect((await verifyCapture(await capture(provider, { at: "signed" }))).genuine).toBe(true);
  });
  it("an old request with another body is told by its body", async () => {
    const given = withBody(await capture(provider, { at: NOW + 3_600_000 }), `${text}\n`);
    const { steps, cause } = await verifyCapture(given);
    expect(steps.find(({ step }) => step === "time")?.ok).toBe(false);
    expect(cause?.says).toContain("without the white space");
  });
});

describe("the secret", () => {
  const own = (encoding: ("base64" | "utf8")[]): Verify => ({
    scheme: "hmac",
    signature: { header: "x-signature" },
    encoding: "hex",
    payload: "{body}",
    secret: { encoding },
  });
  const PLAIN = "whsec_0123456789abcdefghij";
  it.each<[string, Verify, signed: string, entered: string, says: string]>([
    [
      "with white space in it",
      own(["utf8"]),
      "abcdefghijklmnopqrstuvwx",
      "abcdefghijkl mnopqrstuvwx",
      "the secret without the white space in it",
    ],
    [
      "in quotes",
      own(["utf8"]),
      "abcdefghijklmnopqrstuvwx",
      '"abcdefghijklmnopqrstuvwx"',
      "the secret without quotation marks",
    ],
    [
      "with its name",
      own(["utf8"]),
      "abcdefghijklmnopqrstuvwx",
      "X_SECRET=abcdefghijklmnopqrstuvwx",
      "the secret without what stands before the =",
    ],
    ["without whsec_", own(["utf8"]), PLAIN, PLAIN.slice(6), "the secret with whsec_ before it"],
    ["with whsec_", own(["utf8"]), PLAIN.slice(6), PLAIN, "the secret without whsec_ before it"],
    [
      "plain, and read as base64",
      own(["utf8"]),
      "QUJDREVGR0hJSktMTU5PUFFSU1RVVg==",
      "QUJDREVGR0hJSktMTU5PUFFSU1RVVg==",
      "the secret taken as plain text",
    ],
    [
      "base64, and read as plain",
      own(["base64"]),
      "QUJDREVGR0hJSktMTU5PUFFSU1RVVg==",
      "QUJDREVGR0hJSktMTU5PUFFSU1RVVg==",
      "the secret decoded from base64",
    ],
  ])("%s", async (what, verify, signed, entered, says) => {
    const given = await capture("stripe", { verify, signed });
    const read = what.includes("read as") ? own([says.includes("plain") ? "base64" : "utf8"]) : verify;
    const report = await verifyCapture({ ...given, verify: read, secret: { text: entered, from: "a test" } });
    const alike = [
      `it matches with ${says}`,
      "it matches with the secret in base64",
      "it matches with what the secret is in base64",
    ];
    expect(what.includes("read as") ? alike : alike.slice(0, 1)).toContain(report.cause?.says);
    expect(JSON.stringify(report)).not.toContain(entered);
  });
  it("another algorithm, another text that is signed, another address", async () => {
    const verify = own(["utf8"]) as Extract<Verify, { scheme: "hmac" }>;
    const says = async (signedBy: Verify, change: Partial<Case> = {}) => {
      const given = await capture("stripe", { verify: signedBy, signed: PLAIN });
      return (await verifyCapture({ ...given, verify, ...change })).cause?.says;
    };
    expect(await says({ ...verify, algorithm: "SHA-1" })).toBe("it matches with the algorithm SHA-1");
    const timed: Verify = { ...verify, timestamp: { header: "x-time", unit: "s", tolerance: 300 } };
    expect(await says({ ...timed, payload: "{timestamp}.{body}" }, { verify: timed })).toBe(
      "it matches with a signature over {timestamp}.{body}",
    );
    const addressed: Verify = { ...verify, payload: "{url}{body}" };
    const given = await capture("stripe", { verify: addressed, signed: PLAIN });
    const report = await verifyCapture({ ...given, request: { ...given.request, url: `${url}/` } });
    expect(report.cause?.says).toBe(`it matches with the address ${url}`);
  });
});

it("never fails, and is as strict as the Worker, whatever comes", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...providers()),
      fc.uint8Array({ maxLength: 60 }),
      fc.dictionary(
        fc.constantFrom("stripe-signature", "svix-id", "svix-timestamp", "svix-signature", "authorization"),
        fc.stringMatching(/^[!-~]{0,40}$/),
      ),
      async (provider, body, headers) => {
        const given = await capture(provider);
        const request = { ...given.request, body, headers: new Headers(headers) };
        const report = await verifyCapture({ ...given, request });
        const verifier = await createVerifier(given.verify, secretName(provider), given.secret.text);
        expect(report.genuine).toBe((await verifier(request, NOW)).ok);
        expect(report.cause === undefined).toBe(report.genuine);
      },
    ),
    { numRuns: 60 },
  );
});

it("the command exits with 0, 1 or 2, and takes the secret of this machine", async () => {
  const folder = mkdtempSync(join(tmpdir(), "verify-test-"));
  const { request } = await capture("stripe");
  const run = (...args: string[]): [number, string] => {
    const options = { cwd: ROOT, encoding: "utf8", stdio: "pipe" } as const;
    try {
      return [
        0,
        execFileSync(process.execPath, [join(ROOT, "src/dev/commands/verify.ts"), ...args], options),
      ];
    } catch (error) {
      const { status, stdout, stderr } = error as { status: number; stdout: string; stderr: string };
      return [status, stdout + stderr];
    }
  };
  const [headers, body] = [join(folder, "h.txt"), join(folder, "b.json")];
  writeFileSync(headers, [...request.headers].map(([name, value]) => `> ${name}: ${value}`).join("\n"));
  writeFileSync(body, request.body);
  expect(run("stripe", "--headers", headers, body, "--at", "signed")).toEqual([
    0,
    expect.stringMatching(/\nGenuine\.\n$/),
  ]);
  const [code, text] = run("stripe", "--headers", headers, body);
  expect([code, text]).toEqual([1, expect.stringContaining("Refused: signed ")]);
  const [, json] = run("stripe", "--headers", headers, body, "--json");
  expect(JSON.parse(json)).toMatchObject({ genuine: false, cause: { says: expect.any(String) } });
  expect(run("stripe", "--headers", headers, join(folder, "none"))).toEqual([
    2,
    expect.stringContaining("There is no file "),
  ]);
  expect(run("stripe", body)[0]).toBe(2);
});
