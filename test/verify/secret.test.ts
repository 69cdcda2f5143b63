/** What a Worker secret must be: usable, or refused at once with a sentence that says what was entered instead. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createVerifier, type Verify } from "../../src/verify/schemes.ts";
import { SecretError } from "../../src/verify/secret.ts";

const SCHEMES: Record<string, Verify> = {
  clerk: { scheme: "standard-webhooks" },
  stripe: { scheme: "stripe" },
  token: { scheme: "token", header: "authorization", prefix: "Bearer " },
  bare: { scheme: "token", header: "x-token" },
  hmac: { scheme: "hmac", signature: { header: "x-signature" }, encoding: "hex" },
  both: {
    scheme: "hmac",
    signature: { header: "x-signature" },
    encoding: "hex",
    secret: { strip: ["whsec_"], encoding: ["base64", "utf8"] },
  },
};
const LONG = "kP3vX9qLm2RtYw7BnH5sD8fG";
const BASE64 = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/** null when the secret can be used, else what the operator is told. */
async function problemOf(scheme: string, text: string): Promise<string | null> {
  try {
    await createVerifier(SCHEMES[scheme] as Verify, "THE_SECRET", text);
    return null;
  } catch (error) {
    if (!(error instanceof SecretError)) throw error;
    expect(error.secret).toBe("THE_SECRET");
    return error.message;
  }
}

it.each([
  ["clerk", `whsec_${BASE64}`],
  ["clerk", `v1,whsec_${BASE64}`],
  ["clerk", BASE64],
  ["clerk", `whsec_${BASE64} v1,whsec_${BASE64}\n`],
  ["stripe", `whsec_${LONG}`],
  ["stripe", ` whsec_${LONG}\twhsec_${LONG}x `],
  ["token", LONG],
  ["token", `Bearer ${LONG}`],
  ["token", `Bearer ${LONG} bearer ${LONG}x`],
  ["bare", "p@ss=w0rd/with+signs"],
  ["hmac", LONG],
  ["hmac", "sixteen-letters!"],
  ["hmac", "ä".repeat(8)],
  ["both", `whsec_${BASE64}`],
  ["both", LONG],
])("%s takes %s", async (scheme, text) => expect(await problemOf(scheme, text)).toBeNull());

describe("what is entered instead of a secret", () => {
  const all = Object.keys(SCHEMES);
  it.each([
    [all, `"whsec_${LONG}"`, "contains quotation marks"],
    [all, `'whsec_${LONG}'`, "contains quotation marks"],
    [all, `“whsec_${LONG}”`, "contains quotation marks"],
    [all, `\`${LONG}\``, "contains quotation marks"],
    [all, `"Bearer ${LONG}"`, "contains quotation marks"],
    [all, `{"secret":"${LONG}"}`, "contains quotation marks"],
    [all, `STRIPE_WEBHOOK_SECRET=whsec_${LONG}`, "contains a name and ="],
    [all, `export AUTH0_WEBHOOK_SECRET=${LONG}`, "contains a name and ="],
    [all, `secret=${LONG}`, "contains a name and ="],
    [all, `CLERK_WEBHOOK_SECRET = whsec_${BASE64}`, "contains a name and ="],
    [all, `Authorization: Bearer ${LONG}`, "contains the name of a header"],
    [all, `Authorization:${LONG}`, "contains the name of a header"],
    [all, `X-Api-Key: ${LONG}`, "contains the name of a header"],
    [all, `Basic ${BASE64}`, 'begins with "Basic"'],
    [["clerk", "stripe", "bare", "hmac", "both"], `Bearer ${LONG}`, 'begins with "Bearer"'],
    [all, `sk_live_${LONG}`, "is an API key"],
    [all, `rk_test_${LONG}`, "is an API key"],
    [all, `pk_test_${LONG}`, "is an API key"],
    [all, `dub_${LONG}`, "is an API key of Dub"],
    [all, `we_1${LONG}`, "is the id of a webhook endpoint"],
    [all, `ep_${LONG}`, "is the id of a webhook endpoint"],
    [all, `whsec_${LONG} we_1${LONG}`, "is the id of a webhook endpoint"],
    [all, "https://leads.example/webhooks/stripe", "is an address"],
    [all, `<${LONG}>`, "is a placeholder"],
    [all, `whsec_${LONG},whsec_${LONG}`, "contains a comma"],
    [all, `${LONG}, ${LONG}`, "contains a comma"],
    [all, `${LONG};${LONG}`, "contains a comma or semicolon"],
    [["clerk"], "whsec_!!!!", 'is not base64 after "v1,whsec_" or "whsec_": copy the whole'],
    [["clerk"], "whsec_c2hvcnQ=", "decodes to 5 bytes, at least 16 are needed: copy the whole"],
    [
      ["clerk"],
      `whsec_${BASE64} whsec_c2hvcnQ=`,
      "contains 2 secrets separated by white space, one of them of 5",
    ],
    [["stripe"], LONG, 'does not begin with "whsec_"'],
    [["stripe"], "x", 'does not begin with "whsec_"'],
    [["stripe"], "whsec_", 'has 0 bytes after "whsec_"'],
    [["stripe"], "whsec_fifteen-letters", 'has 15 bytes after "whsec_", at least 16 are needed'],
    [["stripe"], `whsec_${LONG} x`, 'does not begin with "whsec_"'],
    [["hmac", "both"], "x", "has 1 bytes, at least 16 are needed"],
    [["hmac", "both"], "fifteen-letters", "has 15 bytes, at least 16 are needed"],
    [["hmac"], "my secret is very long indeed", "contains 6 secrets separated by white space"],
    [["hmac"], `${LONG} short`, "must not contain white space"],
    [["token", "bare"], "fifteen-letters", "must have at least 16 characters: make one with"],
    [["token", "bare"], "my secret is very long indeed", "holds 6 values separated by white space"],
    [["token", "bare"], `${LONG} short`, "must not contain white space"],
    [["token"], "Bearer", "must have at least 16 characters"],
  ] as [string[], string, string][])("%j: %s", async (schemes, text, said) => {
    for (const scheme of schemes) {
      const problem = await problemOf(scheme, text);
      expect(problem, scheme).toMatch(/^THE_SECRET (?!THE_SECRET)/);
      expect(problem, scheme).toContain(said);
      expect(problem).not.toContain(LONG);
    }
  });
});

it("no word of a text is a key unless each of them is long enough", async () => {
  const word = fc.stringMatching(/^[a-zA-Z0-9]{1,24}$/);
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom("token", "bare", "hmac"),
      fc.array(word, { minLength: 1 }),
      async (scheme, words) => {
        fc.pre(!words.some((one) => /^(bearer|basic)$/i.test(one)));
        const problem = await problemOf(scheme, words.join(" "));
        expect(problem === null).toBe(words.every(({ length }) => length >= 16));
        for (const one of words.filter(({ length }) => length >= 8)) expect(problem ?? "").not.toContain(one);
      },
    ),
  );
});
