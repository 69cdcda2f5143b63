/** The admin pages in a real browser, against a Worker on this machine. */
import { fork } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startBrowser } from "../../src/dev/browser.ts";
import { ROOT, readSample } from "../../src/dev/files.ts";
import type { BuiltWorker } from "../../src/dev/process/build.ts";
import { buildWorker } from "../../src/dev/process/build.ts";
import { triggerCron } from "../../src/dev/process/cron.ts";
import { postSample } from "../../src/dev/samples/post.ts";
import { secretFor } from "../../src/dev/samples/secrets.ts";
import { startTestWorker, type TestWorker, TOKEN } from "./support/worker.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SECRETS = { CLERK_WEBHOOK_SECRET: secretFor("clerk"), STRIPE_WEBHOOK_SECRET: secretFor("stripe") };

let browser: Browser;
let folder: string;
let right: BuiltWorker;
let wrong: BuiltWorker;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "pages-"));
  [browser, right, wrong] = await Promise.all([startBrowser(), buildWorker(), buildWith(MISTAKEN)]);
});
afterAll(async () => {
  await browser.close();
  rmSync(folder, { recursive: true });
});

const MAPPING = join(ROOT, "mappings/clerk/mapping.json");
/** Clerk's mapping file as somebody may write it: customers have no `user_id`. */
const MISTAKEN = readFileSync(MAPPING, "utf8").replace('"data.id"', '"data.user_id"');

/** The Worker with another mapping file for Clerk, built from a copy of the project. */
function buildWith(mapping: string): Promise<BuiltWorker> {
  const copy = mkdtempSync(join(folder, "project-"));
  for (const part of ["src", "mappings", "package.json", "tsconfig.json", "wrangler.toml"])
    cpSync(join(ROOT, part), join(copy, part), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"), "dir");
  writeFileSync(join(copy, "mappings/clerk/mapping.json"), mapping);
  return new Promise((resolve, reject) =>
    fork(join(copy, "src/dev/process/build.ts"))
      .once("message", (built) => resolve(built as BuiltWorker))
      .once("exit", () => reject(new Error("it can't be built"))),
  );
}

type Opened = { context: BrowserContext; page: Page; problems: string[] };

/** A page of a new browser that is signed in; `problems` collects what must not happen. */
async function open(url: string, options: Parameters<Browser["newContext"]>[0] = {}): Promise<Opened> {
  const context = await browser.newContext({
    baseURL: url,
    httpCredentials: { username: "anybody", password: TOKEN },
    ...options,
  });
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  const problems: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("dialog", (dialog) => problems.push(`dialog: ${dialog.message()}`));
  page.on("request", (request) => {
    if (!request.url().startsWith(`${url}/`) && !request.url().startsWith("data:"))
      problems.push(`request to ${request.url()}`);
  });
  return { context, page, problems };
}

/** What axe-core finds on a page. Run apart from the page's own scripts, which its Content-Security-Policy limits. */
async function accessibility(page: Page): Promise<string[]> {
  const session = await page.context().newCDPSession(page);
  const { frameTree } = await session.send("Page.getFrameTree");
  const { executionContextId } = await session.send("Page.createIsolatedWorld", {
    frameId: frameTree.frame.id,
  });
  const run = async (expression: string) => {
    const { result, exceptionDetails } = await session.send("Runtime.evaluate", {
      expression,
      contextId: executionContextId,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value as unknown;
  };
  await run(AXE);
  const found = await run(
    `axe.run(document).then(({ violations }) => violations.map(({ id, help, nodes }) => id + ": " + help + ": " + nodes.map((one) => one.target + " " + one.failureSummary).join(" | ")))`,
  );
  await session.detach();
  return found as string[];
}

const overflow = (page: Page) =>
  page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");

describe("a sign-up that became no lead", () => {
  let worker: TestWorker;
  afterAll(() => worker.stop());

  it("is found by e-mail, explained, corrected in the workbench, replayed, and delivered", async () => {
    worker = await startTestWorker(SECRETS, { worker: wrong });
    await postSample("clerk", readSample("clerk"), worker.url);
    let { context, page, problems } = await open(worker.url);

    await page.goto("/admin");
    await page.getByRole("searchbox").fill("Mira@Orchard.example");
    await page.getByRole("button", { name: "Find", exact: true }).click();
    await page
      .getByRole("row", { name: /clerk user\.created/ })
      .getByRole("link")
      .click();
    await page.locator(".verdict").waitFor();
    expect(await page.locator(".verdict").textContent()).toContain("no_customer_id");
    expect(await page.locator(".story").textContent()).toMatch(/signature|verified/i);
    const eventPage = new URL(page.url()).pathname;

    await page.getByRole("link", { name: "Open in the workbench" }).click();
    await page.getByRole("row", { name: /customerExternalId.*data\.user_id/ }).waitFor();
    // The script is there.
    await page.waitForLoadState();
    const mapping = page.getByRole("textbox", { name: "Mapping file" });
    await mapping.fill((await mapping.inputValue()).replace('"data.user_id"', '"data.idd)"'));
    await page.locator("#result").getByText("leads[0].lead.customerExternalId").first().waitFor();
    expect(await page.locator("#result").textContent()).toContain("is not expected here");
    await mapping.fill((await mapping.inputValue()).replace('"data.idd)"', '"data.id"'));
    await page.locator("#result").getByRole("heading", { name: /lead/i }).first().waitFor();
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "Download mapping.json" }).click();
    const corrected = readFileSync(await (await download).path(), "utf8");
    expect(problems).toEqual([]);
    await context.close();

    await worker.stop({ keep: true });
    worker = await startTestWorker(SECRETS, { worker: await buildWith(corrected), state: worker.state });
    ({ context, page, problems } = await open(worker.url));
    await page.goto(eventPage);
    await page.getByRole("link", { name: "Replay …" }).click();
    await page.getByRole("button", { name: "Replay it" }).click();
    await page.getByRole("status").filter({ hasText: "It was replayed." }).waitFor();
    await worker.logged('"reason":"recorded"');
    await page.goto(eventPage);
    expect(await page.locator(".verdict").textContent()).toContain("recorded");
    expect(worker.dub.recorded).toHaveLength(1);
    expect(problems).toEqual([]);
    await context.close();
  });
});

describe("the pages", () => {
  let worker: TestWorker;
  let hostile: string;
  const HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>";
  const STRANGE = `"'<>&\u202e\u0000${"\u{1F600}".repeat(60)}`.slice(0, 255);
  beforeAll(async () => {
    worker = await startTestWorker(SECRETS, { worker: right });
    for (const name of ["sign-up", "organic"])
      await postSample("clerk", readSample("clerk", name), worker.url);
    const sample = readSample("clerk");
    const webhook = sample.webhook as { type: string; data: Record<string, unknown> };
    Object.assign(webhook.data, { id: "user_hostile", first_name: HOSTILE, more: "x".repeat(900_000) });
    const { events } = await postSample("clerk", sample, worker.url);
    hostile = (events[0] as { id: string }).id;
    await postSample("clerk", { ...sample, webhook: { ...webhook, type: STRANGE } }, worker.url);
    await postSample("stripe", readSample("stripe"), worker.url, { headers: [["stripe-signature", ""]] });
    // A webhook of this size is too large for the queue: cron sends it on.
    await triggerCron(worker.url);
    await worker.logged('"reason":"recorded"', 2);
  });
  afterAll(() => worker.stop());

  it.each([
    ["light", 1280],
    ["light", 390],
    ["dark", 1280],
    ["dark", 390],
  ] as const)("%s, %i px wide: accessible, nothing overflows, no error", async (colorScheme, width) => {
    const { context, page, problems } = await open(worker.url, {
      colorScheme,
      viewport: { width, height: 900 },
    });
    const paths = [
      "/admin",
      "/admin?days=30",
      "/admin/events",
      "/admin/events?status=skipped",
      "/admin/events?type=nothing",
      `/admin/events/${hostile}`,
      `/admin/events/${hostile}?ask=replay`,
      `/admin/events/${hostile}/sample`,
      "/admin/workbench",
      `/admin/workbench?event=${hostile}`,
      "/admin/events/unknown",
    ];
    for (const path of paths) {
      await page.goto(path);
      expect(await accessibility(page), path).toEqual([]);
      expect(await overflow(page), path).toBe(0);
    }
    await page.goto("/admin/events");
    await page.getByRole("searchbox").fill("user_hostile");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: /user_hostile/ }).waitFor();
    expect(await accessibility(page)).toEqual([]);
    expect(problems.filter((one) => !one.includes("404"))).toEqual([]);
    await context.close();
  });

  it("what a customer writes is shown as text, and a page stays below 30 kB", async () => {
    const { context, page, problems } = await open(worker.url);
    for (const path of [`/admin/events/${hostile}`, "/admin/events", "/admin"]) {
      const response = await page.goto(path);
      expect((await response?.body())?.length, path).toBeLessThan(30_000);
    }
    await page.goto(`/admin/events/${hostile}`);
    expect(await page.locator("main").textContent()).toContain("<script>alert(1)</script>");
    expect(await page.locator("main script, main img").count()).toBe(0);
    // No rule takes this type of event: the overview names it.
    await page.goto("/admin");
    expect(await page.locator("main").textContent()).toContain(STRANGE.slice(0, 5));
    expect(problems).toEqual([]);
    await context.close();
  });

  it("work without script", async () => {
    const { context, page } = await open(worker.url, { javaScriptEnabled: false });
    await page.goto("/admin/events");
    await page.getByLabel("Status").selectOption("skipped");
    await page.getByRole("button", { name: "Filter" }).click();
    expect(await page.locator("tbody tr").count()).toBe(1);
    await page.getByRole("searchbox").fill("mira@orchard.example");
    await page.getByRole("button", { name: "Find", exact: true }).click();
    await page.locator("tbody a").last().click();
    await page.getByRole("link", { name: "Open in the workbench" }).click();
    await page.getByRole("button", { name: "Try", exact: true }).click();
    expect(await page.locator("#result").textContent()).toContain("mira@orchard.example");
    await context.close();
  });

  it("a live list shows what comes", async () => {
    const { context, page, problems } = await open(worker.url);
    await page.goto("/admin/events?provider=stripe&live=1");
    await page.getByText("No event fits.").waitFor();
    await postSample("stripe", readSample("stripe"), worker.url);
    await page.getByRole("row", { name: /stripe customer\.created/ }).waitFor();
    expect(problems).toEqual([]);
    await context.close();
  });

  it("export a list as CSV and JSON", async () => {
    const { context, page } = await open(worker.url);
    await page.goto("/admin/events?provider=clerk");
    const file = async (format: string) => {
      const download = page.waitForEvent("download");
      await page.getByRole("button", { name: format }).click();
      return readFileSync(await (await download).path(), "utf8");
    };
    const lines = (await file("CSV")).trim().split("\r\n");
    expect(lines[0]).toMatch(/^id,receivedAt,provider,/);
    const { events } = JSON.parse(await file("JSON")) as { events: { provider: string }[] };
    expect(events.length).toBe(lines.length - 1);
    expect(new Set(events.map(({ provider }) => provider))).toEqual(new Set(["clerk"]));
    await context.close();
  });

  it("the link with the token opens them signed in, and their script works there", async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const problems: string[] = [];
    page.on("pageerror", (error) => problems.push(error.message));
    await page.goto(worker.url.replace("http://", `http://admin:${TOKEN}@`).concat("/admin/workbench"));
    await page.getByRole("textbox", { name: "Webhook" }).fill("{");
    await page.locator("#result").getByRole("heading", { name: "Not right yet" }).waitFor();
    expect(problems).toEqual([]);
    await context.close();
  });

  it("show nothing without the password, or with a wrong one", async () => {
    for (const httpCredentials of [undefined, { username: "x", password: "wrong password of somebody" }]) {
      const context = await browser.newContext({
        baseURL: worker.url,
        ...(httpCredentials && { httpCredentials }),
      });
      const page = await context.newPage();
      for (const path of [
        "/admin",
        "/admin/events",
        `/admin/events/${hostile}`,
        "/admin/workbench",
        "/admin/style.css",
      ]) {
        const response = await context.request.get(path);
        expect(response.status(), path).toBe(401);
        expect(await response.text()).not.toMatch(/clerk|user_|<html/);
      }
      await page.close();
      await context.close();
    }
  });
});
