/** The hmac scheme against signatures that node:crypto makes: every parameter counts, and nothing else is accepted. */
import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createVerifier, Verify } from "../../src/verify/schemes.ts";
import { SecretError } from "../../src/verify/secret.ts";
import type { SignedRequest } from "../../src/verify/verdict.ts";

const NOW = Date.UTC(2026, 2, 10, 12);
const SECONDS = String(NOW / 1000);
const MS = String(NOW);
const URL = "https://leads.example/webhooks/any?x=1";
const BODY = '{ "type": "user.created", "data": {"id": "user_1", "name": "Zoë 🌱", "n": 1.50} }';
const JSON_BODY = '{"type":"user.created","data":{"id":"user_1","name":"Zoë 🌱","n":1.5}}';
const SECRET = "kP3vX9qLm2RtYw7BnH5sD8fG";
const BASE64 = Buffer.from(SECRET).toString("base64");

/** `signed`: the text under the signature of `body`. `headers`: how the sender writes it. `key`: the raw key. */
type Case = {
  parameters: Record<string, unknown>;
  hash?: string;
  digest: "hex" | "base64";
  key?: string;
  secret?: string;
  signed: (body: string) => string;
  headers: (signature: string) => Record<string, string>;
};

const CASES: Record<string, Case> = {
  "the bare body in base64": {
    parameters: { signature: { header: "x-shop-hmac" }, encoding: "base64" },
    digest: "base64",
    signed: (body) => body,
    headers: (signature) => ({ "X-Shop-Hmac": signature }),
  },
  "a prefix": {
    parameters: { signature: { header: "x-form-signature", prefix: "sha256=" }, encoding: "base64" },
    digest: "base64",
    signed: (body) => body,
    headers: (signature) => ({ "x-form-signature": `sha256=${signature}` }),
  },
  "hex under SHA-512": {
    parameters: { signature: { header: "x-signature" }, encoding: "hex", algorithm: "SHA-512" },
    hash: "sha512",
    digest: "hex",
    signed: (body) => body,
    headers: (signature) => ({ "x-signature": signature }),
  },
  "items with a timestamp in milliseconds": {
    parameters: {
      signature: { header: "x-work-signature", split: ",", kv: "=", key: "v1" },
      encoding: "hex",
      timestamp: { field: "t", unit: "ms", tolerance: 180 },
      payload: "{timestamp}.{body}",
    },
    digest: "hex",
    signed: (body) => `${MS}.${body}`,
    headers: (signature) => ({ "x-work-signature": `t=${MS}, v1=${signature}` }),
  },
  "other separators and several signatures": {
    parameters: {
      signature: { header: "x-pay-signature", split: ";", kv: ":", key: "h1" },
      encoding: "hex",
      timestamp: { field: "ts", unit: "s", tolerance: 5 },
      payload: "{timestamp}:{body}",
    },
    digest: "hex",
    signed: (body) => `${SECONDS}:${body}`,
    headers: (signature) => ({
      "x-pay-signature": `ts:${SECONDS};h1:${"00".repeat(32)};h1:${signature};h2:x`,
    }),
  },
  "method, address and a timestamp header": {
    parameters: {
      signature: { header: "x-hub-signature" },
      encoding: "base64",
      timestamp: { header: "x-hub-timestamp", unit: "ms", tolerance: 300 },
      payload: "{method}{url}{body}{timestamp}",
    },
    digest: "base64",
    signed: (body) => `POST${URL}${body}${MS}`,
    headers: (signature) => ({ "x-hub-signature": signature, "x-hub-timestamp": MS }),
  },
  "the address under SHA-1": {
    parameters: {
      signature: { header: "x-write-signature" },
      encoding: "base64",
      algorithm: "SHA-1",
      payload: "{url}{body}",
    },
    hash: "sha1",
    digest: "base64",
    signed: (body) => `${URL}${body}`,
    headers: (signature) => ({ "x-write-signature": signature }),
  },
  "JSON written anew": {
    parameters: { signature: { header: "x-scope-s256" }, encoding: "base64", payload: "{json}" },
    digest: "base64",
    signed: (body) => JSON.stringify(JSON.parse(body)),
    headers: (signature) => ({ "x-scope-s256": signature }),
  },
  "one of two payloads": {
    parameters: { signature: { header: "x-scope-s256" }, encoding: "base64", payload: ["{body}!", "{json}"] },
    digest: "base64",
    signed: (body) => JSON.stringify(JSON.parse(body)),
    headers: (signature) => ({ "x-scope-s256": signature }),
  },
  "id and timestamp headers, a base64 key with a prefix": {
    parameters: {
      signature: { header: ["a-signature", "b-signature"], split: " ", kv: ",", key: "v1" },
      encoding: "base64",
      id: ["a-id", "b-id"],
      timestamp: { header: ["a-timestamp", "b-timestamp"], unit: "s", tolerance: 300 },
      payload: "{id}.{timestamp}.{body}",
      secret: { strip: ["v1,key_", "key_"], encoding: ["base64"] },
    },
    digest: "base64",
    secret: `key_${BASE64}`,
    signed: (body) => `msg_1.${SECONDS}.${body}`,
    headers: (signature) => ({
      "b-id": "msg_1",
      "b-timestamp": SECONDS,
      "b-signature": `v1,AAAA v1a,${signature} v1,${signature}`,
    }),
  },
  "a secret whose beginning is part of the key": {
    parameters: {
      signature: { header: "x-polar" },
      encoding: "hex",
      secret: { begins: "key_", encoding: ["utf8"] },
    },
    digest: "hex",
    secret: `key_${BASE64}`,
    key: `key_${BASE64}`,
    signed: (body) => body,
    headers: (signature) => ({ "x-polar": signature }),
  },
};

const sign = (one: Case, signed: string) =>
  one.headers(
    createHmac(one.hash ?? "sha256", one.key ?? SECRET)
      .update(signed)
      .digest(one.digest),
  );

/** How the scheme with some parameters takes a request: true, or why not. */
async function verify(
  parameters: object,
  secret: string,
  request: Partial<Omit<SignedRequest, "headers" | "body">> & {
    headers: Record<string, string>;
    body: string | Uint8Array;
  },
  now = NOW,
): Promise<true | string> {
  try {
    const scheme = Verify.parse({ scheme: "hmac", ...parameters });
    const verifier = await createVerifier(scheme, "THE_SECRET", secret);
    const body = new Uint8Array(typeof request.body === "string" ? Buffer.from(request.body) : request.body);
    const headers = new Headers(request.headers);
    const verdict = await verifier({ method: "POST", url: URL, ...request, headers, body }, now);
    return verdict.ok || verdict.refusal.reason;
  } catch (error) {
    if (error instanceof SecretError) return "unusable_secret";
    throw error;
  }
}

/** Every way to change one parameter into another that means something else. */
function changes(value: unknown, path: string[] = []): [path: string, changed: unknown][] {
  const name = path.at(-1) ?? "";
  const OTHER: Record<string, unknown[]> = {
    algorithm: ["SHA-1", "SHA-256", "SHA-512"],
    encoding: ["hex", "base64", ["utf8"], ["base64"]].filter(
      (one) => Array.isArray(one) === Array.isArray(value),
    ),
    unit: ["s", "ms"],
    strip: [[]],
    minBytes: [1000],
    tolerance: [],
    begins: ["other_"],
  };
  if (name in OTHER)
    return (OTHER[name] ?? [])
      .filter((other) => JSON.stringify(other) !== JSON.stringify(value))
      .map((other) => [path.join("."), other]);
  if (Array.isArray(value)) return [[path.join("."), value.map((one) => `${one}x`)]];
  if (typeof value === "string") return [[path.join("."), `${value}x`]];
  return Object.entries(value as object).flatMap(([key, inner]) =>
    changes(inner, [...path, key]).map(([at, changed]): [string, unknown] => [
      at,
      { ...(value as object), [key]: changed },
    ]),
  );
}

describe.each(Object.entries(CASES))("%s", (_, one) => {
  const { parameters, secret = SECRET, signed } = one;
  const headers = sign(one, signed(BODY));
  const genuine = { headers, body: BODY };

  it("is accepted", async () => expect(await verify(parameters, secret, genuine)).toBe(true));

  it.each(changes({ algorithm: "SHA-256", ...parameters }))(
    "with another %s it is refused",
    async (_, changed) => {
      expect(await verify(changed as object, secret, genuine)).not.toBe(true);
    },
  );

  it("with another secret, body, address, method or header it is refused", async () => {
    expect(
      await verify(parameters, secret.replace("key_", "key_AAAA").replace("kP3", "kP4"), genuine),
    ).not.toBe(true);
    expect(await verify(parameters, secret, { ...genuine, body: `${BODY.slice(0, -1)},"x":1}` })).not.toBe(
      true,
    );
    const payload = String(parameters.payload);
    for (const [part, changed] of [
      ["{url}", { url: `${URL}&y=2` }],
      ["{method}", { method: "PUT" }],
    ] as const)
      if (payload.includes(part))
        expect(await verify(parameters, secret, { ...genuine, ...changed })).not.toBe(true);
    for (const name of Object.keys(headers)) {
      const { [name]: value = "", ...others } = headers;
      expect(await verify(parameters, secret, { ...genuine, headers: others })).toBe("missing_header");
      const altered = value.replace(/\d$/, (digit) => String((Number(digit) + 1) % 10));
      if (/-(id|timestamp)$/.test(name))
        expect(
          await verify(parameters, secret, { ...genuine, headers: { ...others, [name]: altered } }),
        ).toBe("signature_mismatch");
    }
  });

  const { timestamp } = parameters as { timestamp?: { tolerance: number } };
  if (timestamp)
    it("is accepted for its tolerance in both directions, and no longer", async () => {
      for (const [sign, reason] of [
        [1, "timestamp_too_old"],
        [-1, "timestamp_in_future"],
      ] as const) {
        const edge = timestamp.tolerance * 1000;
        expect(await verify(parameters, secret, genuine, NOW + sign * edge)).toBe(true);
        expect(await verify(parameters, secret, genuine, NOW + sign * (edge + 1000))).toBe(reason);
      }
    });
});

it("any body is accepted as it was signed, and with one byte changed refused", async () => {
  const plain = Object.values(CASES).filter(
    ({ parameters }) => !String(parameters.payload).includes("{json}"),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...plain),
      fc.uint8Array({ minLength: 1, maxLength: 100 }),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      async (one, body, at, change) => {
        const [before = "", after = ""] = one.signed("\u0000").split("\u0000");
        const hmac = createHmac(one.hash ?? "sha256", one.key ?? SECRET);
        const headers = one.headers(hmac.update(before).update(body).update(after).digest(one.digest));
        const secret = one.secret ?? SECRET;
        expect(await verify(one.parameters, secret, { headers, body })).toBe(true);
        const changed = body.with(at % body.length, (body[at % body.length] ?? 0) ^ change);
        expect(await verify(one.parameters, secret, { headers, body: changed })).toBe("signature_mismatch");
      },
    ),
  );
});

it("a signature without its prefix is refused", async () => {
  const { parameters } = CASES["a prefix"] as Case;
  const bare = createHmac("sha256", SECRET).update(BODY).digest("base64");
  for (const [value, expected] of [
    [`sha256=${bare}`, true],
    [bare, "malformed_header"],
    [`sha1=${bare}`, "malformed_header"],
  ] as const)
    expect(await verify(parameters, SECRET, { headers: { "x-form-signature": value }, body: BODY })).toBe(
      expected,
    );
});

it("a secret under several encodings has a key for each", async () => {
  const secret = `key_${BASE64}`;
  const shared = { signature: { header: "x-signature" }, encoding: "hex" };
  const parameters = { ...shared, secret: { strip: ["key_"], encoding: ["base64", "utf8"] } };
  for (const [key, expected] of [
    [SECRET, true],
    [secret, true],
    [BASE64, "signature_mismatch"],
  ] as const) {
    const headers = { "x-signature": createHmac("sha256", key).update(BODY).digest("hex") };
    expect(await verify(parameters, secret, { headers, body: BODY })).toBe(expected);
  }
});

describe("{json}", () => {
  const one = CASES["JSON written anew"] as Case;
  const accepts = (signed: string, body: string | Uint8Array, parameters = one.parameters) =>
    verify(parameters, SECRET, { headers: sign(one, signed), body });

  it("is the body without what JSON leaves free", async () => {
    expect(await accepts(JSON_BODY, BODY)).toBe(true);
    expect(await accepts(JSON_BODY, JSON_BODY.replace("Zoë", "Zo\\u00eb"))).toBe(true);
    expect(await accepts(BODY, BODY)).toBe("signature_mismatch");
  });

  it.each([
    ["9007199254740993", "9007199254740992"],
    ["12345678901234567890", "12345678901234567891"],
    ["-9007199254740993", "-9007199254740992"],
    ["null", "1e400"],
    ["1e400", "1e401"],
  ])("a signature of %s is none of %s", async (signed, other) => {
    expect(await accepts(`{"id":${signed}}`, `{ "id": ${signed} }`)).toBe(true);
    expect(await accepts(`{"id":${signed}}`, `{"id":${other}}`)).toBe("signature_mismatch");
  });

  it.each([
    ["no JSON", "user.created"],
    ["nothing", ""],
    ["JSON lines", '{"type":"a"}\n{"type":"b"}'],
    ["half a document", '{"type":'],
    ["bytes that are not UTF-8", new Uint8Array([0x22, 0xff, 0x22])],
    ["a hundred thousand brackets", "[".repeat(100_000)],
  ])("%s is refused, whatever is signed", async (_, body) => {
    for (const signed of ["", "null", String(body)])
      expect(await accepts(signed, body)).toBe("signed_json_missing");
    const both = { ...one.parameters, payload: ["{json}", "{body}"] };
    expect(await accepts("", body, both)).toBe(body === "" ? true : "signature_mismatch");
  });
});

describe("headers of two senders are taken as sets", () => {
  const one = CASES["id and timestamp headers, a base64 key with a prefix"] as Case;
  const set = (name: string, id = "msg_1") => {
    const own = sign(one, `${id}.${SECONDS}.${BODY}`)["b-signature"] ?? "";
    return { [`${name}-id`]: id, [`${name}-timestamp`]: SECONDS, [`${name}-signature`]: own };
  };
  const { "a-id": aId, ...aWithoutId } = set("a");

  it.each<[string, Record<string, string>, true | string]>([
    ["one set", set("a"), true],
    ["both sets", { ...set("a"), ...set("b", "msg_2") }, true],
    ["a broken one before a good one", { ...set("a"), "a-signature": "v1,AAAA", ...set("b") }, true],
    ["the other one's id", { ...aWithoutId, "b-id": aId ?? "" }, "missing_header"],
    [
      "the other one's timestamp",
      { ...set("a"), "a-timestamp": "", "b-timestamp": SECONDS },
      "missing_header",
    ],
    [
      "an incomplete one before a forged one",
      { ...aWithoutId, ...set("b"), "b-id": "msg_2" },
      "signature_mismatch",
    ],
  ])("%s", async (_, headers, expected) => {
    expect(await verify(one.parameters, one.secret ?? "", { headers, body: BODY })).toBe(expected);
  });

  it("lists of different lengths are refused in the mapping file", () => {
    const wrong = { scheme: "hmac", ...one.parameters, id: ["a-id"] };
    expect(Verify.safeParse(wrong).error?.issues).toMatchObject([
      { message: expect.stringContaining("same length") },
    ]);
  });
});
