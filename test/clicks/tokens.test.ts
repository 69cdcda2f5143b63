/** `POST /clicks` takes a session token only if it is genuine, and CLICKS_TOKEN only if it is right. */
import fc from "fast-check";
import {
  base64url,
  CompactSign,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  type JWTHeaderParameters,
  UnsecuredJWT,
} from "jose";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { shipped as mappings } from "../../mappings/index.ts";
import { answerOf, createTestApp, db, SECOND, START, signUp } from "../support/app.ts";
import { countRows } from "../support/rows.ts";
import { createIssuer, ISSUER } from "../support/tokens.ts";

const CLICKS_TOKEN = "a-token-of-the-site-for-clicks";
const CLICK = "Yb7nT2kLq9WsXe4D";
const USER = "user_31QhMira";
const KEYS_URL = `${ISSUER}/.well-known/jwks.json`;
const SECONDS = START / SECOND;

type Issuer = Awaited<ReturnType<typeof createIssuer>>;
type Pair = Awaited<ReturnType<typeof generateKeyPair>>;
let issuer: Issuer;
let two: Issuer;
let own: Pair;
let elliptic: Pair;
beforeAll(async () => {
  issuer = await createIssuer();
  two = await createIssuer();
  await two.publish("key_2");
  own = await generateKeyPair("RS256", { extractable: true });
  elliptic = await generateKeyPair("ES256", { extractable: true });
});

const lines: string[] = [];
beforeEach(() => {
  lines.length = 0;
  for (const level of ["info", "warn", "error"] as const)
    vi.spyOn(console, level).mockImplementation((line) => void lines.push(String(line)));
});
afterEach(() => void vi.restoreAllMocks());

type Options = Omit<NonNullable<Parameters<typeof createTestApp>[0]>, "fetch"> & {
  keys?: (request: Request) => Promise<Response | undefined>;
};

async function open({ keys = issuer.fetch, settings, ...options }: Options = {}) {
  let fetches = 0;
  const app = await createTestApp({
    settings: { CLICKS_TOKEN, CLERK_ISSUER: ISSUER, ...settings },
    fetch: async (request) => {
      if (request.url === KEYS_URL) fetches++;
      return (await keys(request)) ?? answerOf(app.dub.app, request);
    },
    ...options,
  });
  const tell = (token: string, body: object = {}) =>
    app.fetch(
      new Request("https://leads.example/clicks", {
        method: "POST",
        headers: { authorization: `Bearer ${token}` },
        body: JSON.stringify({ clickId: CLICK, ...body }),
      }),
    );
  return {
    ...app,
    tell,
    status: async (token: string, body?: object) => (await tell(token, body)).status,
    fetches: () => fetches,
    remembered: async () => (await db.prepare("SELECT count(*) AS n FROM clicks").first("n")) as number,
    evidence: async () => (await app.refusals()).map(({ reason, evidence }) => `${reason}: ${evidence}`),
  };
}

const claims = (others: object = {}) => ({
  iss: ISSUER,
  sub: USER,
  iat: SECONDS,
  exp: SECONDS + 60,
  ...others,
});
const utf8 = (text: string) => new TextEncoder().encode(text);

/** Signs any claims, also ones that no issuer would. */
const signed = (
  payload: unknown,
  header: object = {},
  key: CryptoKey | Uint8Array = issuer.pair().privateKey,
) =>
  new CompactSign(utf8(JSON.stringify(payload)))
    .setProtectedHeader({ alg: "RS256", kid: "key_1", ...header } as JWTHeaderParameters)
    .sign(key, { crit: { b64x: true } });

const segments = async () => (await signed(claims())).split(".") as [string, string, string];

const SIGNATURE = "A session token of clerk: its signature does not match.";
const ALGORITHM = "A session token of clerk: its algorithm is not among those of the mapping file.";
const EXPIRED = "A session token of clerk: it has expired.";
const NO_KEY = "A session token of clerk: the key set has no key for it.";
const NO_JWT = "A session token of clerk: it is no JSON Web Token.";
const ISSUERS = "A session token of an issuer that no <PROVIDER>_ISSUER names, or no token at all.";
const CLAIM = (name: string) =>
  `A session token of clerk: its claim ${name} is missing or not as it must be.`;
const NO_TOKEN = "What came is no session token, and not the CLICKS_TOKEN.";

const FORGED: [what: string, evidence: string, token: () => Promise<string>, options?: () => Options][] = [
  ["another key of the same id", SIGNATURE, () => signed(claims(), {}, own.privateKey)],
  ["another key without an id", SIGNATURE, () => signed(claims(), { kid: undefined }, own.privateKey)],
  [
    "another key without an id, where there are two",
    SIGNATURE,
    () => signed(claims(), { kid: undefined }, own.privateKey),
    () => ({ keys: two.fetch }),
  ],
  [
    "one key with the id of the other",
    SIGNATURE,
    () => signed(claims(), { kid: "key_1" }, two.pair("key_2").privateKey),
    () => ({ keys: two.fetch }),
  ],
  ["alg none", ALGORITHM, async () => new UnsecuredJWT(claims()).encode()],
  [
    "alg none and a genuine signature",
    ALGORITHM,
    async () =>
      `${base64url.encode('{"alg":"none","kid":"key_1"}')}.${(await segments()).slice(1).join(".")}`,
  ],
  [
    "HS256 with the public key as the secret",
    ALGORITHM,
    async () => signed(claims(), { alg: "HS256" }, utf8(await exportSPKI(issuer.pair().publicKey))),
  ],
  [
    "HS256 with the public key's modulus as the secret",
    ALGORITHM,
    async () =>
      signed(
        claims(),
        { alg: "HS256" },
        base64url.decode((await exportJWK(issuer.pair().publicKey)).n ?? ""),
      ),
  ],
  [
    "PS256 of the genuine key",
    ALGORITHM,
    async () => {
      const jwk = await exportJWK(issuer.pair().privateKey);
      const key = await crypto.subtle.importKey(
        "jwk",
        jwk as JsonWebKey,
        { name: "RSA-PSS", hash: "SHA-256" },
        false,
        ["sign"],
      );
      return signed(claims(), { alg: "PS256" }, key);
    },
  ],
  [
    "RS384, which the mapping file does not list",
    ALGORITHM,
    async () => {
      const { privateKey } = await generateKeyPair("RS384");
      return signed(claims(), { alg: "RS384" }, privateKey);
    },
  ],
  [
    "ES256, which the mapping file does not list",
    ALGORITHM,
    () => signed(claims(), { alg: "ES256" }, elliptic.privateKey),
  ],
  [
    "its own key in the header",
    SIGNATURE,
    async () => signed(claims(), { jwk: await exportJWK(own.publicKey) }, own.privateKey),
  ],
  [
    "the address of its own key set",
    SIGNATURE,
    () => signed(claims(), { jku: "https://evil.example/jwks.json" }, own.privateKey),
  ],
  [
    "its own certificate",
    SIGNATURE,
    () => signed(claims(), { x5c: ["MIIB"], x5u: "https://evil.example" }, own.privateKey),
  ],
  [
    "a critical header that is not known",
    "A session token of clerk: it uses something that is not supported.",
    () => signed(claims(), { crit: ["b64x"], b64x: true }),
  ],
  ["an unknown key id", NO_KEY, () => signed(claims(), { kid: "key_9" }, own.privateKey)],
  [
    "a key of another type under its id",
    NO_KEY,
    () => signed(claims()),
    () => ({
      keys: async () => Response.json({ keys: [{ ...(await exportJWK(elliptic.publicKey)), kid: "key_1" }] }),
    }),
  ],
  [
    "a key that is for encryption",
    NO_KEY,
    () => signed(claims()),
    () => ({
      keys: async () =>
        Response.json({
          keys: [{ ...(await exportJWK(issuer.pair().publicKey)), kid: "key_1", use: "enc" }],
        }),
    }),
  ],
  ["another issuer", ISSUERS, () => signed(claims({ iss: "https://evil.example" }))],
  ["no issuer", ISSUERS, () => signed(claims({ iss: undefined }))],
  ["two issuers", ISSUERS, () => signed(claims({ iss: [ISSUER] }))],
  ["an issuer that goes on as a host", ISSUERS, () => signed(claims({ iss: `${ISSUER}.evil.example` }))],
  ["an issuer that goes on as a path", ISSUERS, () => signed(claims({ iss: `${ISSUER}/evil` }))],
  ["an issuer with a query", ISSUERS, () => signed(claims({ iss: `${ISSUER}?evil` }))],
  ["an issuer with a user", ISSUERS, () => signed(claims({ iss: `https://x@${ISSUER.slice(8)}` }))],
  ["an issuer with white space", ISSUERS, () => signed(claims({ iss: `${ISSUER} ` }))],
  ["an issuer in capitals", ISSUERS, () => signed(claims({ iss: ISSUER.toUpperCase() }))],
  ...(
    [["another audience", "https://other.example"], ["no audience"], ["other audiences", ["a", "b"]]] as const
  ).map(([what, aud]): (typeof FORGED)[number] => [
    what,
    CLAIM("aud"),
    () => signed(claims({ aud })),
    () => ({ settings: { CLERK_AUDIENCE: "https://app.example" } }),
  ]),
  ["expired", EXPIRED, () => signed(claims({ exp: SECONDS - 61 }))],
  ["no expiry", CLAIM("exp"), () => signed(claims({ exp: undefined }))],
  ["an expiry that is a text", CLAIM("exp"), () => signed(claims({ exp: String(SECONDS + 60) }))],
  ["not valid yet", CLAIM("nbf"), () => signed(claims({ nbf: SECONDS + 61 }))],
  ["issued in the future", CLAIM("iat"), () => signed(claims({ iat: SECONDS + 61 }))],
  ["issued at a text", CLAIM("iat"), () => signed(claims({ iat: "now" }))],
  ["no subject", CLAIM("sub"), () => signed(claims({ sub: undefined }))],
  ["an empty subject", CLAIM("sub"), () => signed(claims({ sub: "" }))],
  ["a subject that is a number", CLAIM("sub"), () => signed(claims({ sub: 1 }))],
  ["a subject that is a list", CLAIM("sub"), () => signed(claims({ sub: [USER] }))],
  ...[{ sub: "user_staff" }, "user_staff", null, false].map((act): (typeof FORGED)[number] => [
    `staff that acts for the customer, act ${JSON.stringify(act)}`,
    "A session token of clerk: somebody acts for the customer in it (act).",
    () => signed(claims({ act })),
  ]),
  ["more than 8 kB", ISSUERS, () => signed(claims({ pad: "x".repeat(8192) }))],
  ["a header that is not base64url", NO_JWT, async () => `%%.${(await segments()).slice(1).join(".")}`],
  [
    "a header that is no JSON",
    NO_JWT,
    async () => `${base64url.encode("{")}.${(await segments()).slice(1).join(".")}`,
  ],
  ["no header", NO_JWT, async () => `.${(await segments()).slice(1).join(".")}`],
  ["a payload that is not base64url", ISSUERS, async () => (await segments()).with(1, "%%").join(".")],
  ["a payload that is a list", ISSUERS, () => signed([claims()])],
  ["a payload that is null", ISSUERS, () => signed(null)],
  ["no payload", ISSUERS, async () => (await segments()).with(1, "").join(".")],
  [
    "other claims under a genuine signature",
    SIGNATURE,
    async () =>
      (await segments()).with(1, base64url.encode(JSON.stringify(claims({ sub: "user_victim" })))).join("."),
  ],
  ["a signature that is not base64url", NO_JWT, async () => (await segments()).with(2, "%%").join(".")],
  ["no signature", SIGNATURE, async () => (await segments()).with(2, "").join(".")],
  ["two segments", NO_TOKEN, async () => (await segments()).slice(0, 2).join(".")],
  ["an encrypted token's five segments", NO_TOKEN, async () => `${(await segments()).join(".")}.x.y`],
  ["nothing but dots", ISSUERS, async () => ".."],
];

describe("a token that is refused", () => {
  it.each(FORGED)("%s", async (_, evidence, token, options) => {
    const app = await open(options?.());
    const forged = await token();
    const answer = await app.tell(forged);
    expect([answer.status, await app.evidence()]).toEqual([401, [`unauthorized: ${evidence}`]]);
    expect(await answer.json()).toEqual({
      error: "unauthorized",
      message: expect.not.stringContaining(evidence),
    });
    expect(await app.remembered()).toBe(0);
    // The issuer alone says where the keys are.
    expect(app.fetches()).toBeLessThanOrEqual(1);
    for (const secret of [USER, CLICK, ...forged.split(".").filter((part) => part.length > 8)])
      expect(lines.join("\n")).not.toContain(secret);
  });
});

describe("a token that is taken", () => {
  const TAKEN: [what: string, token: () => Promise<string>, options?: () => Options][] = [
    ["as Clerk makes it", () => signed(claims({ azp: "https://app.example", sid: "sess_1" }))],
    ["without a key id, where there is one key", () => signed(claims(), { kid: undefined })],
    [
      "without a key id, where there are two",
      () => signed(claims(), { kid: undefined }, two.pair("key_2").privateKey),
      () => ({ keys: two.fetch }),
    ],
    ["with an issuer that ends in a slash", () => signed(claims({ iss: `${ISSUER}/` }))],
    [
      "with the audience among others",
      () => signed(claims({ aud: ["x", "https://app.example"] })),
      () => ({ settings: { CLERK_AUDIENCE: "https://other.example https://app.example" } }),
    ],
    ["by a clock that is a minute late", () => signed(claims({ exp: SECONDS - 59 }))],
    ["by a clock that is a minute early", () => signed(claims({ iat: SECONDS + 60, nbf: SECONDS + 60 }))],
  ];
  it.each(TAKEN)("%s", async (_, token, options) => {
    const app = await open(options?.());
    expect([await app.status(await token()), await app.evidence()]).toEqual([200, []]);
    expect(await app.remembered()).toBe(1);
    expect(lines.join("\n")).not.toContain(USER);
  });

  it.each(["PS256", "ES256", "ES384", "EdDSA", "RS384", "RS512"])(
    "%s, where the mapping file lists it",
    async (alg) => {
      const other = await createIssuer(alg);
      const clerk = { ...(mappings.clerk as object), session: { algorithms: ["RS256", alg] } };
      const app = await open({ keys: other.fetch, mappings: { ...mappings, clerk } });
      expect(await app.status(await other.token(USER))).toBe(200);
      const unlisted = await open({ keys: other.fetch });
      expect(await unlisted.status(await other.token(USER))).toBe(401);
    },
  );
});

it("a changed token is never taken, unless it is the same one written otherwise", async () => {
  const app = await open();
  const genuine = await issuer.token(USER);
  const [header, payload, signature = ""] = genuine.split(".");
  const same = (token: string) => {
    const [h, p, s = "", ...others] = token.split(".");
    if (h !== header || p !== payload || others.length > 0) return false;
    return base64url.decode(s).toString() === base64url.decode(signature).toString();
  };
  const at = fc.nat(genuine.length - 1);
  const char = fc.constantFrom(..."ABCXYZabcxyz0189-_.=+/~%");
  const changed = fc.oneof(
    fc.tuple(at, char).map(([i, c]) => genuine.slice(0, i) + c + genuine.slice(i + 1)),
    fc.tuple(at, char).map(([i, c]) => genuine.slice(0, i) + c + genuine.slice(i)),
    at.map((i) => genuine.slice(0, i) + genuine.slice(i + 1)),
    at.map((i) => genuine.slice(0, i)),
    at.map((i) => genuine.slice(i)),
    fc.tuple(at, at).map(([i, j]) => genuine.slice(0, i) + genuine.slice(j)),
    char.map((c) => genuine.slice(0, -1) + c),
    fc
      .dictionary(fc.constantFrom("sub", "exp", "iss", "act"), fc.oneof(fc.string(), fc.nat()))
      .map((others) => [header, base64url.encode(JSON.stringify(claims(others))), signature].join(".")),
  );
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(changed, async (token) => {
      if ((await app.status(token)) === 200) expect(same(token)).toBe(true);
      else refused++;
    }),
    { numRuns: 400 },
  );
  expect(refused).toBeGreaterThan(300);
});

describe("the key set", () => {
  const BAD: [what: string, evidence: string, answer: () => Response][] = [
    ["an error", "it answers 500", () => new Response(null, { status: 500 })],
    ["not found", "it answers 404", () => new Response("no", { status: 404 })],
    [
      "a redirect",
      "it answers 302",
      () => new Response(null, { status: 302, headers: { location: "https://evil.example" } }),
    ],
    ["no JSON", "it is not JSON", () => new Response("<html>")],
    ["nothing", "it is not JSON", () => new Response("")],
    ["null", "it is no key set", () => Response.json(null)],
    ["no keys", "it is no key set", () => Response.json({ key: [] })],
    ["keys that are no list", "it is no key set", () => Response.json({ keys: {} })],
    ["keys that are no objects", "it is no key set", () => Response.json({ keys: [null, 1, "x"] })],
    [
      "more than 200,000 characters",
      "it is longer than",
      () => Response.json({ keys: [], pad: "x".repeat(200_000) }),
    ],
    [
      "no connection",
      "no connection",
      () => {
        throw new TypeError("Network connection lost.");
      },
    ],
    [
      "no answer",
      "no answer within 5 s",
      () => {
        throw new DOMException("timed out", "TimeoutError");
      },
    ],
  ];
  it.each(BAD)("%s: 503, and again when it is back", async (_, evidence, answer) => {
    let down = true;
    const app = await open({ keys: async (request) => (down ? answer() : issuer.fetch(request)) });
    await app.send("clerk", signUp(USER, null));
    expect(await app.status(await issuer.token(USER))).toBe(503);
    const [refusal] = await app.evidence();
    expect(refusal).toContain(
      `unavailable: A session token of clerk: the key set at ${new URL(ISSUER).host} can't be had: ${evidence}`,
    );
    expect(await app.remembered()).toBe(0);
    down = false;
    expect(await app.status(await issuer.token(USER))).toBe(503);
    expect(app.fetches()).toBe(1);
    app.clock.now += 30 * SECOND;
    expect(await app.status(await issuer.token(USER))).toBe(200);
  });

  const RSA = { kty: "RSA", kid: "key_1", alg: "RS256", e: "AQAB" };
  it.each([
    ["none", [], "unauthorized: A session token of clerk: the key set has no key for it."],
    [
      "one of a kind that is not known",
      [{ kty: "XYZ", kid: "key_1" }],
      "unauthorized: A session token of clerk: the key set has no key for it.",
    ],
    ...[{}, { n: "%" }, { n: "AQAB" }].map((own) => [
      `one that can't be used, ${JSON.stringify(own)}`,
      [{ ...RSA, ...own }],
      `unavailable: A session token of clerk: its key in the key set at ${new URL(ISSUER).host} can't be used.`,
    ]),
  ] as [string, object[], string][])("with the keys: %s", async (_, keys, evidence) => {
    const app = await open({ keys: async () => Response.json({ keys }) });
    expect(await app.status(await issuer.token(USER))).toBe(evidence.startsWith("unavailable") ? 503 : 401);
    expect(await app.evidence()).toEqual([evidence]);
    expect(await app.remembered()).toBe(0);
  });

  it("is fetched again for an unknown key id, at most each half a minute", async () => {
    const rotated = await createIssuer();
    const app = await open({ keys: rotated.fetch });
    expect(await app.status(await rotated.token(USER))).toBe(200);
    await rotated.publish("key_2");
    const next = () => rotated.token(USER, {}, "key_2", app.clock.now);
    expect([await app.status(await next()), app.fetches()]).toEqual([401, 1]);
    app.clock.now += 29 * SECOND;
    expect([await app.status(await next()), app.fetches()]).toEqual([401, 1]);
    app.clock.now += SECOND;
    expect([await app.status(await next()), app.fetches()]).toEqual([200, 2]);
    for (let i = 0; i < 90; i++) {
      app.clock.now += SECOND;
      const unknown = claims({ iat: app.clock.now / SECOND, exp: app.clock.now / SECOND + 60 });
      expect(await app.status(await signed(unknown, { kid: `key_${100 + i}` }, own.privateKey))).toBe(401);
    }
    expect(app.fetches()).toBe(5);
  });
});

describe("CLICKS_TOKEN", () => {
  const mine = { customerExternalId: USER };

  it.each([
    ["a wrong one", `${CLICKS_TOKEN}x`],
    ["a part of it", CLICKS_TOKEN.slice(0, -1)],
    ["another case", CLICKS_TOKEN.toUpperCase()],
    ["twice", `${CLICKS_TOKEN} ${CLICKS_TOKEN}`],
  ])("%s is refused", async (_, token) => {
    const app = await open();
    expect(await app.status(token, mine)).toBe(401);
    expect(await app.remembered()).toBe(0);
    expect(lines.join("\n")).not.toContain(token);
  });

  it("that is too short is not used, and alerts", async () => {
    const app = await open({ settings: { CLICKS_TOKEN: "short-token" } });
    expect(await app.status("short-token", mine)).toBe(503);
    const log = lines.join("\n");
    expect(log).toContain("CLICKS_TOKEN must have at least 16 characters");
    expect(log).toContain("clicks_misconfigured");
    expect(log).not.toContain("short-token");
    expect(await app.remembered()).toBe(0);
  });

  it("that is rotated is taken old and new, until the old one is gone", async () => {
    const next = "the-next-token-of-the-site";
    const app = await open({ settings: { CLICKS_TOKEN: `${CLICKS_TOKEN} ${next}` } });
    expect([await app.status(CLICKS_TOKEN, mine), await app.status(next, mine)]).toEqual([200, 200]);
    const after = await open({ settings: { CLICKS_TOKEN: next } });
    expect([await after.status(CLICKS_TOKEN, mine), await after.status(next, mine)]).toEqual([401, 200]);
  });
});

it("a thousand bad claims in a minute cost a statement each ten seconds, and three key sets", async () => {
  const app = await open();
  const counted = countRows();
  Object.assign(app.env, { DB: counted.db });
  const expired = await signed(claims({ exp: SECONDS - 61 }));
  const forged = await signed(claims(), {}, own.privateKey);
  const elsewhere = await signed(claims({ iss: "https://evil.example" }));
  const kinds = [
    () => expired,
    () => forged,
    () => elsewhere,
    () => "no-token-at-all-but-long-enough",
    (i: number) =>
      `${base64url.encode(JSON.stringify({ alg: "RS256", kid: `key_${i}` }))}.${forged.split(".").slice(1).join(".")}`,
  ];
  for (let i = 0; i < 1000; i++) {
    expect(await app.status(kinds[i % kinds.length]?.(i) ?? "")).toBe(401);
    app.clock.now += 60;
  }
  await app.wake(true);
  expect(app.fetches()).toBeLessThanOrEqual(3);
  expect(counted.queries.length).toBeLessThanOrEqual(8);
  expect(counted.queries.every((sql) => sql.includes("INSERT INTO refusals"))).toBe(true);
  expect(counted.written).toBeLessThanOrEqual(16);
  expect(await app.refusals()).toMatchObject([{ provider: "clicks", reason: "unauthorized", count: 1000 }]);
  expect(await app.remembered()).toBe(0);
});
