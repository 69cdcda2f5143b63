/** The sign-up pages of examples/: they find the click id, and the providers' pages show their code. CI builds them. */
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import fc from "fast-check";
import Stripe from "stripe";
import { describe, expect, it, vi } from "vitest";
import { clickId, clickIdOfPage } from "../../examples/click-id.ts";
import { createApp } from "../../examples/stripe/app.ts";
import { tellClick } from "../../examples/stripe/tell-click.ts";
import { ROOT, readJson } from "../../src/dev/files.ts";

const CLICK = "Xk3pQ9vLm2RtYw7B";
const OTHER = "Lw2aT8cVn5KdPq9E";
const examples = globSync("examples/*/package.json", { cwd: ROOT }).map((file) => file.split("/")[1] ?? "");

describe("clickIdOfPage", () => {
  it.each([
    ["the address", `?dub_id=${CLICK}`, "", CLICK],
    ["the cookie", "", `dub_id=${CLICK}`, CLICK],
    ["the cookie among others", "?via=mira", `a=1; dub_id=${CLICK}; b=2`, CLICK],
    ["the address before the cookie", `?a=1&dub_id=${CLICK}`, `dub_id=${OTHER}`, CLICK],
    ["the cookie if the address has nothing", "?dub_id=", `dub_id=${CLICK}`, CLICK],
    ["the cookie if the address has no click id", "?dub_id=%7B%7Bdub_id%7D%7D", `dub_id=${CLICK}`, CLICK],
    ["no cookie of a similar name", "", `my_dub_id=${CLICK}; dub_id2=${CLICK}`, undefined],
    ["nothing too long for a provider", `?dub_id=${"a".repeat(201)}`, "", undefined],
    ["nothing", "", "", undefined],
  ])("reads %s", (_, search, cookies, expected) => {
    expect(clickIdOfPage(search, cookies)).toBe(expected);
  });
  it("never fails, and gives only what can be a click id, whatever a visitor writes", () => {
    const text = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("%", "%E0%A4%A", "dub_id=;", "=;="));
    fc.assert(
      fc.property(text, text, (address, cookie) => {
        const found = clickIdOfPage(`?dub_id=${address}`, `a=b; dub_id=${cookie}`);
        expect(found === undefined || /^[\w.~+/=-]{1,200}$/.test(found)).toBe(true);
      }),
    );
  });
  it("takes the first value that can be a click id, of any type", () => {
    expect(clickId(undefined, null, 7, [CLICK], OTHER, CLICK)).toBe(OTHER);
  });
});

describe("examples/stripe", () => {
  /** Posts the form, and returns what Stripe would have been sent. */
  async function signUp(address: string, cookie = ""): Promise<URLSearchParams> {
    let sent = "";
    const stripe = new Stripe("sk_test_none", {
      httpClient: Stripe.createFetchHttpClient(async (_: unknown, init?: RequestInit) => {
        sent = String(init?.body);
        return Response.json({
          id: "cs_test_1",
          object: "checkout.session",
          url: "https://checkout.example/",
        });
      }),
    });
    const body = new URLSearchParams({ email: "mira@orchard.example" });
    const response = await createApp(stripe, "price_1").request(address, {
      method: "POST",
      headers: { cookie },
      body,
    });
    expect([response.status, response.headers.get("location")]).toEqual([303, "https://checkout.example/"]);
    return new URLSearchParams(sent);
  }

  it.each([
    ["from the address", `/?dub_id=${CLICK}`, `dub_id=${OTHER}`],
    ["from the cookie", "/", `dub_id=${CLICK}`],
  ])("passes the click id %s, to session and subscription", async (_, address, cookie) => {
    const sent = await signUp(address, cookie);
    expect(sent.get("metadata[dubClickId]")).toBe(CLICK);
    expect(sent.get("subscription_data[metadata][dubClickId]")).toBe(CLICK);
    expect(sent.get("metadata[dubCustomerExternalId]")).toMatch(/^[0-9a-f-]{36}$/);
    expect(sent.get("subscription_data[metadata][dubCustomerExternalId]")).toBe(
      sent.get("metadata[dubCustomerExternalId]"),
    );
  });
  it("tells the click on the page after a checkout, for the customer's id of the mapping file", async () => {
    const told = async (session: object) => {
      const requests: Request[] = [];
      const answer = async (...given: Parameters<typeof fetch>) => {
        requests.push(new Request(...given));
        return Response.json({ events: 1 });
      };
      const stripe = new Stripe("sk_test_none", {
        httpClient: Stripe.createFetchHttpClient(async () =>
          Response.json({ object: "checkout.session", ...session }),
        ),
      });
      vi.stubGlobal("fetch", answer);
      vi.stubEnv("CLICKS_TOKEN", "token-of-the-site");
      await tellClick(stripe, "cs_1", CLICK, `1773144000000.${CLICK}`).finally(() => vi.unstubAllGlobals());
      vi.unstubAllEnvs();
      const [request] = requests;
      expect([request?.method, request?.url]).toEqual(["POST", "https://leads.example.com/clicks"]);
      expect(request?.headers.get("authorization")).toBe("Bearer token-of-the-site");
      return request?.json();
    };
    const guest = { customer: null, customer_details: { email: "Mira@orchard.example" } };
    const own = { ...guest, customer: "cus_1", metadata: { dubCustomerExternalId: "user_1" } };
    const clicked = { clickId: CLICK, clickedAt: 1773144000000 };
    expect(await told(own)).toEqual({ ...clicked, customerExternalId: "user_1" });
    expect(await told({ ...own, metadata: {} })).toEqual({ ...clicked, customerExternalId: "cus_1" });
    expect(await told(guest)).toEqual({ ...clicked, customerExternalId: "mira@orchard.example" });
  });
  it("signs up without a click id, too", async () => {
    const sent = await signUp("/");
    expect(sent.get("metadata[dubCustomerExternalId]")).toMatch(/./);
    expect([...sent.keys()].filter((key) => key.includes("dubClickId"))).toEqual([]);
  });
  it("its form is sent to the page's own address, with the click id in it", async () => {
    const page = await createApp(new Stripe("sk_test_none"), "price_1").request(`/?dub_id=${CLICK}`);
    expect(await page.text()).toContain('<form method="post">');
  });
});

describe("a provider's page shows code of its example", () => {
  const lines = (text: string) => text.split("\n").map((line) => line.trim());
  const blocks = examples.flatMap((provider) => {
    const page = readFileSync(join(ROOT, "mappings", provider, "README.md"), "utf8");
    const found = [...page.matchAll(/^```[jt]sx?\n([\s\S]*?)^```/gm)];
    return found.flatMap(([, block = ""]) =>
      block.split("\n\n").map((part) => [provider, part.trim()] as const),
    );
  });

  it("each example has such a page", () => {
    expect([...new Set(blocks.map(([provider]) => provider))]).toEqual(examples);
  });
  it.each(blocks)("%s: %s", (provider, part) => {
    const files = globSync(`examples/${provider}/**/*.{ts,tsx,js}`, {
      cwd: ROOT,
      exclude: (name) => ["node_modules", ".next", "dist"].includes(basename(name)),
    });
    const wanted = `\n${lines(part).join("\n")}\n`;
    const having = files.filter((file) =>
      `\n${lines(readFileSync(join(ROOT, file), "utf8")).join("\n")}\n`.includes(wanted),
    );
    expect(having, `no file of examples/${provider} has these lines:\n${part}`).not.toEqual([]);
  });
});

describe.each(examples)("examples/%s", (name) => {
  it("is built in CI", () => {
    const [, list = ""] =
      /example: \[([^\]]+)\]/.exec(readFileSync(join(ROOT, ".github/workflows/ci.yml"), "utf8")) ?? [];
    expect(list.split(", ")).toContain(name);
    expect(readJson(join(ROOT, `examples/${name}/package.json`))).toMatchObject({
      private: true,
      scripts: { build: expect.any(String), dev: expect.any(String) },
    });
  });
  it("is locked, without the address of a registry", () => {
    const lock = readFileSync(join(ROOT, `examples/${name}/package-lock.json`), "utf8");
    expect(Object.keys(JSON.parse(lock).packages).length).toBeGreaterThan(3);
    expect(lock).not.toContain('"resolved"');
  });
});
