/**
 * `/clicks.js` in a real browser: a site, the app that it leads to and the Worker on origins of their own, under a strict
 * Content-Security-Policy and without third-party cookies. Chromium finds every name below `localhost` on this machine.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import type { Browser, BrowserContext, Cookie, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startBrowser } from "../../src/dev/browser.ts";
import { ROOT, readSample } from "../../src/dev/files.ts";
import { triggerCron } from "../../src/dev/process/cron.ts";
import { postSample } from "../../src/dev/samples/post.ts";
import { secretFor } from "../../src/dev/samples/secrets.ts";
import { setPath } from "../../src/dev/samples/set.ts";
import { HOUR } from "../../src/time.ts";
import { startTestWorker, type TestWorker, TOKEN } from "./support/worker.ts";

const CLICK = "Yb7nT2kLq9WsXe4D";
const OTHER = "Qm5rV8cJz1HdUo3F";
const keys = await generateKeyPair("RS256");

let worker: TestWorker;
let browser: Browser;
let server: Server;
let port: number;
/** Answers of the Worker wait for it. */
let gate: Promise<void>;
/** The Worker is not reached. */
let down = false;
/** What came to the Worker at /clicks: the bodies of POST. */
let told: { clickId: string; clickedAt: number; sentAt: number }[] = [];
/** Cookies with which the tracker was asked. */
let tracked: (string | undefined)[] = [];

beforeAll(async () => {
  server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ({ port } = server.address() as AddressInfo);
  const settings = { CLERK_WEBHOOK_SECRET: secretFor("clerk"), CLERK_ISSUER: `http://127.0.0.1:${port}` };
  [browser, worker] = await Promise.all([
    // Chrome has it by default, the packaged Chromium not.
    startBrowser(["--site-per-process"]),
    startTestWorker(settings),
  ]);
});
afterAll(async () => {
  await browser.close();
  await worker.stop();
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  gate = Promise.resolve();
  down = false;
  told = [];
  tracked = [];
});

const at = (host: string, path = "/") => `http://${host}.localhost:${port}${path}`;
/** The Worker on the site's own domain, and on another. */
const SAME_SITE = "leads.orchard";
const CROSS_SITE = "leads.acme";

/** Every host of the test. The Worker is reached through it, so that a test can hold its answers. */
async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { host = "", origin, cookie } = request.headers;
  const { pathname, searchParams } = new URL(request.url ?? "/", `http://${host}`);
  const name = host.split(".localhost")[0] ?? "";
  if (name === SAME_SITE || name === CROSS_SITE) return forward(request, response);
  if (pathname === "/.well-known/jwks.json") {
    const jwk = { ...(await exportJWK(keys.publicKey)), kid: "key_1", alg: "RS256" };
    response.end(JSON.stringify({ keys: [jwk] }));
    return;
  }
  if (name === "tracker") {
    tracked.push(cookie);
    response.setHeader("set-cookie", "third=1; SameSite=None; Secure; Path=/");
    if (pathname === "/shared" && origin) {
      response.setHeader("access-control-allow-origin", origin);
      response.setHeader("access-control-allow-credentials", "true");
    }
    response.end("tracked");
    return;
  }
  if (pathname === "/dub.js") {
    response.setHeader("content-type", "text/javascript");
    response.end(DUB);
    return;
  }
  response.setHeader("content-type", "text/html");
  const leads = at(searchParams.get("leads") ?? CROSS_SITE, "");
  const domain = searchParams.get("domain");
  if (name.endsWith(".orchard"))
    response.setHeader(
      "content-security-policy",
      `default-src 'none'; script-src 'self' ${leads}; connect-src ${leads} ${at("tracker", "")}; require-trusted-types-for 'script'`,
    );
  const scripts = name.endsWith("orchard")
    ? `<script src="/dub.js"></script><script src="${leads}/clicks.js" ${domain === null ? "" : `data-domain="${domain}"`} defer></script>`
    : "";
  response.end(`<!doctype html><title>${name}</title>${scripts}`);
}

/** What Dub's script does with `?dub_id=`, told by data-cookie-options to use the whole domain. */
const DUB = `
const id = new URLSearchParams(location.search).get("dub_id");
if (id) document.cookie = "dub_id=" + id + "; domain=.orchard.localhost; path=/; max-age=7776000; samesite=lax";
`;

async function forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const { method = "GET", url = "/", headers } = request;
  if (method === "POST") told.push(JSON.parse(body.toString()));
  if (url === "/clicks") await gate;
  if (down && url === "/clicks") return void response.destroy();
  const passed = Object.entries(headers).filter(([name]) =>
    /^(origin|authorization|access-control|content-type|cookie)/.test(name),
  );
  const answered = await fetch(worker.url + url, {
    method,
    headers: passed as [string, string][],
    ...(method === "POST" && { body }),
  });
  response.writeHead(
    answered.status,
    Object.fromEntries(
      [...answered.headers].filter(
        ([name]) => !/^(content-encoding|content-length|transfer-encoding|connection)$/.test(name),
      ),
    ),
  );
  response.end(Buffer.from(await answered.arrayBuffer()));
}

type Visitor = { context: BrowserContext; page: Page; problems: string[] };
let visitors: BrowserContext[] = [];
afterEach(async () => {
  await Promise.all(visitors.map((context) => context.close()));
  visitors = [];
});

/** A browser of somebody new; `problems` collects what the console says. */
async function visitor(): Promise<Visitor> {
  const context = await browser.newContext();
  visitors.push(context);
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  const problems: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(error.message));
  return { context, page, problems };
}

let customers = 0;

/** Signs somebody new up at the provider, whose webhook has no click id. */
async function signUp() {
  const user = `user_of_the_browser_${++customers}`;
  const sample = readSample("clerk", "organic");
  const now = Date.now();
  const values = { "data.id": user, "data.created_at": now, "data.updated_at": now, timestamp: now };
  for (const [path, value] of Object.entries(values)) setPath(sample.webhook, path.split("."), value);
  const { events } = await postSample("clerk", sample, worker.url);
  expect(events).toMatchObject([{ status: "skipped", reason: "no_click_id" }]);
  const [event] = events;
  return { user, event: event && "id" in event ? event.id : "" };
}

const tokenOf = (user: string) =>
  new SignJWT({ iss: `http://127.0.0.1:${port}` })
    .setProtectedHeader({ alg: "RS256", kid: "key_1" })
    .setSubject(user)
    .setIssuedAt()
    .setExpirationTime("60s")
    .sign(keys.privateKey);

const tell = (page: Page, token: string | null) => page.evaluate((one) => window.tellClick?.(one), token);

/** The click with which a customer is credited at Dub, once what is due is delivered. */
async function credited(user: string): Promise<string | null | undefined> {
  const lead = async () => {
    await triggerCron(worker.url);
    return worker.dub.recorded.find((one) => one.customerExternalId === user);
  };
  await expect.poll(lead, { timeout: 20_000, interval: 300 }).toBeDefined();
  return (await lead())?.clickId;
}

/** The cookie `dub_at` of a domain. */
const dubAt = async (context: BrowserContext, domain = ".orchard.localhost") =>
  (await context.cookies()).find((cookie) => cookie.name === "dub_at" && cookie.domain === domain);

/** Comes by a Dub link an hour ago; resolves with when the script first saw the click. */
async function arrive({ context, page }: Visitor, click = CLICK, leads = CROSS_SITE): Promise<number> {
  await page.goto(at("www.orchard", `/?dub_id=${click}&domain=.orchard.localhost&leads=${leads}`));
  const seen = await dubAt(context);
  expect(seen?.value).toMatch(new RegExp(`^\\d{13}\\.${click}$`));
  const time = Number(seen?.value.split(".")[0]) - HOUR;
  await context.addCookies([{ ...(seen as Cookie), value: `${time}.${click}` }]);
  return time;
}

describe("the browser's own checks are on", () => {
  it("what another origin does not share can't be read", async () => {
    const { page } = await visitor();
    await page.goto(at("evil"));
    const read = (url: string) =>
      page.evaluate((one) => fetch(one, { credentials: "include" }).then((got) => got.text(), String), url);
    expect(await read(at("tracker"))).toBe("TypeError: Failed to fetch");
    expect(await read(at("tracker", "/shared"))).toBe("tracked");
  });
  it("a page of another site has a process of its own", async () => {
    const { page } = await visitor();
    await page.goto(at("evil"));
    await page.evaluate(
      (src) => document.body.append(Object.assign(document.createElement("iframe"), { src })),
      at("tracker"),
    );
    const session = await browser.newBrowserCDPSession();
    const frames = async () => {
      const { targetInfos } = await session.send("Target.getTargets", { filter: [{ type: "iframe" }] });
      return targetInfos.map(({ url }) => url);
    };
    await expect.poll(frames).toContain(at("tracker"));
  });
});

describe.each([
  ["the site's own domain", SAME_SITE],
  ["another site", CROSS_SITE],
])("the Worker on %s, third-party cookies blocked", (_, leads) => {
  async function open() {
    const one = await visitor();
    const { context, page } = one;
    await page.goto(at("tracker"));
    const session = await context.newCDPSession(page);
    await session.send("Network.enable");
    await session.send("Network.setCookieControls" as never, BLOCK as never);
    tracked = [];
    return one;
  }
  const BLOCK = {
    enableThirdPartyCookieRestriction: true,
    disableThirdPartyCookieMetadata: true,
    disableThirdPartyCookieHeuristics: true,
  };

  it("a sign-up on the provider's own page becomes a lead of the click, which is told once", async () => {
    const one = await open();
    const { page, problems } = one;
    const seen = await arrive(one, CLICK, leads);
    await page.evaluate((url) => fetch(url, { credentials: "include" }), at("tracker", "/shared"));
    expect(tracked, "third-party cookies are blocked").toEqual([undefined]);

    await page.goto(at("accounts.provider"));
    const { user } = await signUp();
    const app = at("app.orchard", `/?domain=.orchard.localhost&leads=${leads}`);
    await page.goto(app);
    expect(await tell(page, await tokenOf(user))).toBe(true);
    expect(told).toEqual([{ clickId: CLICK, clickedAt: seen, sentAt: expect.any(Number) }]);
    expect(await credited(user)).toBe(CLICK);

    await page.goto(app);
    expect(await tell(page, await tokenOf(user))).toBe(true);
    expect(told).toHaveLength(1);
    expect(await tell(page, await tokenOf("user_of_the_same_computer"))).toBe(true);
    expect(told).toHaveLength(2);
    expect(problems).toEqual([]);
  });

  it("is told while the customer leaves the page", async () => {
    const one = await open();
    const { page, problems } = one;
    await arrive(one, CLICK, leads);
    const { user } = await signUp();
    let release = () => {};
    gate = new Promise((resolve) => {
      release = resolve;
    });
    const token = await tokenOf(user);
    await page.evaluate(
      ([one, next]) => {
        window.tellClick?.(one);
        location.href = next as string;
      },
      [token, at("accounts.provider")],
    );
    await page.waitForURL(at("accounts.provider"));
    // Until now nothing was answered, neither the preflight nor the claim.
    release();
    await expect.poll(() => told).toHaveLength(1);
    expect(await credited(user)).toBe(CLICK);
    expect(problems).toEqual([]);
  });
});

describe("tellClick", () => {
  it("is called twice at once, and tells once", async () => {
    const one = await visitor();
    await arrive(one);
    const token = await tokenOf("user_twice");
    const both = await one.page.evaluate(
      (given) => Promise.all([window.tellClick?.(given), window.tellClick?.(given)]),
      token,
    );
    expect([both, told.length]).toEqual([[true, true], 1]);
  });
  it("tells it again after a failure, with the time at which it was first seen", async () => {
    const one = await visitor();
    const seen = await arrive(one);
    const { user } = await signUp();
    down = true;
    expect(await tell(one.page, await tokenOf(user))).toBe(false);
    down = false;
    await one.page.reload();
    expect(await tell(one.page, "no.token.")).toBe(false);
    expect(await tell(one.page, `e30.${btoa("{}")}.`)).toBe(false);
    expect(await tell(one.page, await tokenOf(user))).toBe(true);
    expect(told.at(-1)).toMatchObject({ clickId: CLICK, clickedAt: seen });
    expect(await credited(user)).toBe(CLICK);
  });
  it("asks nobody without a click or a token", async () => {
    const one = await visitor();
    await one.page.goto(at("www.orchard"));
    expect(await tell(one.page, await tokenOf("user_organic"))).toBe(false);
    expect(await dubAt(one.context)).toBeUndefined();
    await arrive(one);
    for (const token of [null, "", "opaque", "a.b.c"]) expect(await tell(one.page, token)).toBe(false);
    expect(told).toEqual([]);
    expect(one.problems).toEqual([]);
  });
});

describe("the cookie dub_at", () => {
  it("keeps the first time of a click, and gets that of another one, also on a page that stays open", async () => {
    const one = await visitor();
    const seen = await arrive(one);
    await one.page.goto(at("www.orchard", "/?domain=.orchard.localhost"));
    expect((await dubAt(one.context))?.value).toBe(`${seen}.${CLICK}`);
    await one.page.evaluate((id) => {
      // biome-ignore lint/suspicious/noDocumentCookie: as Dub's script does.
      document.cookie = `dub_id=${id}; domain=.orchard.localhost; path=/`;
    }, OTHER);
    const value = async () => (await dubAt(one.context))?.value ?? "";
    await expect.poll(value, { timeout: 10_000 }).toMatch(new RegExp(`\\.${OTHER}$`));
    expect(Number((await value()).split(".")[0])).toBeGreaterThan(seen);
  });
  it("is that of the click, though an older one is left of another domain", async () => {
    const one = await visitor();
    await one.page.goto(at("app.orchard", `/?dub_id=${OTHER}`));
    expect(await dubAt(one.context, ".app.orchard.localhost")).toBeDefined();
    const seen = await arrive(one);
    await one.page.goto(at("app.orchard", "/?domain=.orchard.localhost"));
    expect(await tell(one.page, await tokenOf("user_of_two_domains"))).toBe(true);
    expect(told).toMatchObject([{ clickId: CLICK, clickedAt: seen }]);
  });
  it("notes a click that came while the page was being left", async () => {
    const one = await visitor();
    await one.page.goto(at("www.orchard", "/?domain=.orchard.localhost"));
    await one.page.evaluate(
      ([id, next]) => {
        // biome-ignore lint/suspicious/noDocumentCookie: as Dub's script does.
        document.cookie = `dub_id=${id}; domain=.orchard.localhost; path=/`;
        location.href = next as string;
      },
      [CLICK, at("accounts.provider")],
    );
    await one.page.waitForURL(at("accounts.provider"));
    expect((await dubAt(one.context))?.value).toMatch(new RegExp(`\\.${CLICK}$`));
  });
  it.each([
    ["www.orchard", ".orchard.localhost"],
    ["app.orchard", ".app.orchard.localhost"],
  ])("without data-domain on %s is where Dub's own is: %s", async (host, domain) => {
    const one = await visitor();
    await one.page.goto(at(host, `/?dub_id=${CLICK}`));
    const cookie = await dubAt(one.context, domain);
    expect(cookie).toMatchObject({ path: "/", sameSite: "Lax", httpOnly: false });
    expect((cookie?.expires ?? 0) - Date.now() / 1000).toBeGreaterThan(89 * 86_400);
  });
});

it("a page of anybody else can tell nothing: without a token 401, and a GET never tells", async () => {
  const one = await visitor();
  await arrive(one);
  const { user, event } = await signUp();
  const token = await tokenOf(user);
  const url = at(SAME_SITE, "/clicks");
  const from = (init: { method?: string; headers?: Record<string, string>; body?: string }) =>
    one.page.evaluate(([to, given]) => fetch(to, given).then((got) => got.status), [url, init] as const);
  const body = JSON.stringify({ clickId: CLICK, customerExternalId: user });
  await one.page.goto(at("evil"));
  expect(await from({ method: "POST", body })).toBe(401);
  const authorization = `Bearer ${token}`;
  expect(await from({ headers: { authorization } })).toBe(405);
  const opened = await one.page.goto(`${url}?clickId=${CLICK}&customerExternalId=${user}`);
  expect(opened?.status()).toBe(405);

  const read = await fetch(`${worker.url}/api/events/${event}`, {
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  expect(await read.json()).toMatchObject({ reason: "no_click_id" });
  // The same with the token.
  await one.page.goto(at("evil"));
  expect(
    await from({
      method: "POST",
      headers: { authorization },
      body: JSON.stringify({ clickId: CLICK, clickedAt: Date.now() - HOUR }),
    }),
  ).toBe(200);
  expect(await credited(user)).toBe(CLICK);
});

it("a site's TypeScript knows tellClick by examples/clicks.d.ts", () => {
  const folder = mkdtempSync(join(tmpdir(), "site-"));
  cpSync(join(ROOT, "examples/clicks.d.ts"), join(folder, "clicks.d.ts"));
  const compilerOptions = { strict: true, noEmit: true, lib: ["es2022", "dom"], types: [], target: "es2022" };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts"] }));
  const compile = (site: string) => {
    writeFileSync(join(folder, "site.ts"), `export {};\ndeclare const token: string | null;\n${site}`);
    const { stdout } = spawnSync(join(ROOT, "node_modules/.bin/tsc"), ["-p", folder], { encoding: "utf8" });
    return stdout;
  };
  expect(compile("const taken: boolean | undefined = await window.tellClick?.(token);\nvoid taken;")).toBe(
    "",
  );
  expect(compile("window.tellClick(token);")).toContain("possibly 'undefined'");
  expect(compile("window.tellClick?.(7);")).toContain("'number' is not assignable");
  rmSync(folder, { recursive: true });
});
