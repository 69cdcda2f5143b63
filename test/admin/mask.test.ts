/** Which values of a payload are not shown. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isCredential, MASKED, mask, maskBeginning } from "../../src/admin/mask.ts";

const CREDENTIALS = `password Password PASSWORD user_password userPassword password_hash passwd pwd passphrase
  secret client_secret clientSecret CLIENT-SECRET secrets token access_token accessToken AccessToken refresh-token
  id_token idToken X-Auth-Token csrfToken authorization Authorization proxy-authorization api_key apiKey APIKey x-api-key APIKEY
  private_key privateKey accessKeyId signing.key encryption_key session_key otp OTP otp_code otpCode OTPCode smsOTP totp pin card_pin
  cvc cvv jwt credential credentials cookie Set-Cookie bearer verification_code backupCodes recovery_code
  one_time_code magic_link x-signature passcode auth __session_token__`;
const OTHERS = `id email name type object created_at shipping shipping_address spinner opinion secretary author authored key keyword keys
  monkey code country_code zip_code postal_code hotpink passenger compass status description first_name data url
  dubClickId dub_id strategy tickets_sold currency amount username`;

describe("a key", () => {
  it.each(CREDENTIALS.split(/\s+/))("%s is a credential's", (key) => expect(isCredential(key)).toBe(true));
  it.each(OTHERS.split(/\s+/))("%s is none", (key) => expect(isCredential(key)).toBe(false));
});

it.each([
  [{ password: "x" }, { password: MASKED }],
  [{ a: [{ otp: 123456 }, { b: 1 }] }, { a: [{ otp: MASKED }, { b: 1 }] }],
  [{ tokens: [{ id: "x", on: true }, "y", 3] }, { tokens: [{ id: MASKED, on: true }, MASKED, MASKED] }],
  [
    { password: true, token: null, secret: "" },
    { password: true, token: null, secret: "" },
  ],
  [
    { headers: [{ name: "Authorization", value: "Bearer x" }] },
    { headers: [{ name: "Authorization", value: MASKED }] },
  ],
  [
    { name: "Mira", value: "x" },
    { name: "Mira", value: "x" },
  ],
  [{ headers: [["Authorization", "Bearer x"]] }, { headers: [["Authorization", MASKED]] }],
  [{ rawHeaders: ["Host", "a", "Cookie", "b"] }, { rawHeaders: ["Host", "a", "Cookie", MASKED] }],
  [
    { Name: "x-api-key", Values: ["x"] },
    { Name: "x-api-key", Values: [MASKED] },
  ],
  [
    ["Your token has expired", "Hello"],
    ["Your token has expired", "Hello"],
  ],
  [
    { name: "Secret Garden Ltd", value: 3 },
    { name: "Secret Garden Ltd", value: 3 },
  ],
  [
    "https://a.example/b?dub_id=1&code=x#id_token=y",
    `https://a.example/b?dub_id=1&code=${MASKED}#id_token=${MASKED}`,
  ],
  ["postgres://mira:p@ss@db.example/x", `postgres://${MASKED}@db.example/x`],
  ["/sign-in?next=%2Fa%3F%2574oken%3Dx", `/sign-in?next=${MASKED}`],
  ["https://a.example/@mira?q=me@b.example", "https://a.example/@mira?q=me@b.example"],
  [`a=${"a=".repeat(100_000)}`, `a=${MASKED}`],
  ["password", "password"],
  [{ Message: '{ "user": {"otp": "1"} }' }, { Message: `{"user":{"otp":"${MASKED}"}}` }],
  [{ a: '[{"b": "{\\"pin\\": 12}"}]' }, { a: `[{"b":"{\\"pin\\":\\"${MASKED}\\"}"}]` }],
  [{ a: '{ "b": 1 }' }, { a: '{ "b": 1 }' }],
  [{ a: "{password" }, { a: "{password" }],
  [{ a: "[".repeat(100_000) }, { a: "[".repeat(100_000) }],
  [null, null],
])("%j is shown as %j", (value, shown) => {
  expect(mask(value)).toEqual(shown);
});

const CANARY = "kept-from-view";
const credential = fc.constantFrom(...CREDENTIALS.split(/\s+/));
const separated = fc
  .tuple(fc.constantFrom("password", "secret", "token", "api_key"), fc.constantFrom("_", "-", " ", "."))
  .map(([word, by]) => word.replace("_", by))
  .chain((word) =>
    fc
      .array(fc.boolean(), { minLength: 12, maxLength: 12 })
      .map((upper) => [...word].map((letter, i) => (upper[i] ? letter.toUpperCase() : letter)).join("")),
  );

it("no value under such a key is shown, however deep and however the key is written", () => {
  fc.assert(
    fc.property(
      fc.oneof(credential, separated),
      fc.jsonValue({ maxDepth: 3 }),
      fc.array(fc.oneof(fc.string(), fc.constantFrom(null, "text")), { maxLength: 6 }),
      fc.constantFrom<((inner: unknown) => unknown)[]>(
        [(x) => x],
        [(x) => [x]],
        [(x) => ({ inner: x })],
        [(x) => JSON.stringify({ inner: x })],
        [(x) => [{ a: 1, list: [x] }]],
      ),
      fc.constantFrom<((key: string, inner: unknown) => unknown)[]>(
        [(key, inner) => ({ [key]: inner })],
        [(key, inner) => [key, inner]],
        [(key, inner) => ["accept", "x", key, inner]],
        [(key, inner) => ({ name: key, value: inner })],
        [(key) => `https://a.example/b?x=1&${encodeURIComponent(key)}=${CANARY}#c`],
        [(key) => `/b?next=${encodeURIComponent(`https://a.example?${encodeURIComponent(key)}=${CANARY}`)}`],
        [() => `see https://mira:${CANARY}@a.example/b`],
      ),
      fc.nat({ max: 300 }),
      (key, beside, way, [wrap], [shape], left) => {
        const at = (inner: unknown) => ({ ...Object(beside), inner: shape?.(key.replace(" ", "-"), inner) });
        let value: unknown = at(wrap?.(CANARY));
        for (const step of way)
          value = step === null ? [1, value] : step === "text" ? JSON.stringify(value) : { [step]: value };
        expect(JSON.stringify(mask(value))).not.toContain(CANARY);
        expect(JSON.stringify(maskBeginning(value))).not.toContain(CANARY);
        // Wherever the beginning of a large value ends.
        const pad = "x ".repeat(4990);
        const large = {
          pad: Array(10).fill(pad),
          rest: "y".repeat(left),
          value,
          more: Array(50).fill(value),
        };
        expect(JSON.stringify(maskBeginning(large))).not.toContain(CANARY);
      },
    ),
  );
});

const at = "https://a.example/b";
it.each([
  [{ list: Array(60_000).fill(7) }, /^\{"list":\[7,.*7,"… \d{5} more"\]\}$/],
  [
    Object.fromEntries(Array.from({ length: 60_000 }, (_, i) => [`k${i}`, "v"])),
    /^\{"k0":"v",.*"…":"… \d{5} more"\}$/,
  ],
  [
    { text: `see ${at} ${"x ".repeat(10_000)}` },
    /^\{"text":"see https:\/\/a\.example\/b x .* … \(\d{5} characters\)"\}$/,
  ],
  [{ token: "x".repeat(900_000), id: 1 }, /^\{"token":"\[hidden\]","id":1\}$/],
])("of a large value, the beginning is shown, and how much is left out (%#)", (value, shown) => {
  expect(JSON.stringify(maskBeginning(value))).toMatch(shown);
});

it.each([
  { text: `${" ".repeat(273)}https://mira:${CANARY}@a.example/${"x".repeat(20_000)}` },
  { text: `${" ".repeat(262)}/b?next=%2Fa%3Ftoken%3D${CANARY}%20${"y".repeat(20_000)}` },
  { text: `${at}?code=${CANARY}${"x".repeat(20_000)}` },
  { text: JSON.stringify({ password: CANARY, pad: "x".repeat(200_000) }) },
  { text: ` ["password", "${CANARY}", "${"x".repeat(200_000)}"]` },
  {
    value: CANARY,
    ...Object.fromEntries(Array.from({ length: 60_000 }, (_, i) => [`k${i}`, 1])),
    name: "password",
  },
  { list: [...Array(12_490).fill(1), ...Array(20).fill({ name: "password", value: CANARY })] },
])("what is cut shows no credential (%#)", (value) => {
  expect(JSON.stringify(maskBeginning(value))).not.toContain(CANARY);
});

it("of a value that is not large, all is shown", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(maskBeginning(value)).toEqual(mask(value));
    }),
  );
});

it("nothing else is changed", () => {
  const key = fc.constantFrom(...OTHERS.split(/\s+/));
  const value = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie("tree")),
      fc.dictionary(key, tie("tree")),
    ),
  })).tree;
  fc.assert(
    fc.property(value, (one) => {
      expect(mask(one)).toEqual(one);
    }),
  );
});
