/** The documentation is true and complete: its examples work, its links lead somewhere, its tables have everything. */
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, it } from "vitest";
import { REPOSITORY, reasonPage, setUpPage } from "../../src/admin/pages/set-up.ts";
import { ALERTS } from "../../src/alert.ts";
import { ANSWERS as CLICK_ANSWERS, isRefused } from "../../src/clicks/answers.ts";
import { readClaim } from "../../src/clicks/claim.ts";
import { CLICKS_TOKEN } from "../../src/clicks/proof.ts";
import { providerFolders, ROOT, readJson } from "../../src/dev/files.ts";
import { ANSWERS } from "../../src/receive/refuse.ts";
import { LEFT } from "../../src/replay/replay.ts";
import { parseSettings, sessionSettings } from "../../src/settings.ts";
import { REASONS, reasonsWhere, STATUS_NAMES } from "../../src/states.ts";
import { createVerifier, Verify } from "../../src/verify/schemes.ts";

/** The code block that follows `words` in a page. */
function blockAfter(page: string, words: string): string {
  const text = readFileSync(join(ROOT, page), "utf8");
  const after = text.slice(text.indexOf(words) + words.length);
  const block = /^( *)```\w+\n([\s\S]*?)^\1```/m.exec(after);
  if (!text.includes(words) || !block) throw new Error(`${page} has no block after ${words}`);
  return block[2] as string;
}

it("docs/mapping.md: Typeform is added by its two files and one command", () => {
  const copy = mkdtempSync(join(tmpdir(), "docs-"));
  for (const part of ["src", "package.json", "mappings", "README.md", "ARCHITECTURE.md", "docs"])
    cpSync(join(ROOT, part), join(copy, part), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  for (const file of ["mapping.json", "samples/sign-up.json"]) {
    const path = join(copy, "mappings/own/typeform", file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, blockAfter("docs/mapping.md", `\`mappings/own/typeform/${file}\`:`));
  }
  const check = (...args: string[]) =>
    spawnSync(process.execPath, [join(copy, "src/dev/commands/check.ts"), ...args], { encoding: "utf8" });
  expect(check().stdout).toContain("mappings/own/index.ts is out of date");
  expect(check("--write")).toMatchObject({ status: 0 });
  expect(check()).toMatchObject({ status: 0 });
  expect(readFileSync(join(copy, "mappings/own/index.ts"), "utf8")).toContain("  typeform: typeformMapping,");
  rmSync(copy, { recursive: true });
});

it("docs/mapping.md: the scheme hmac takes the secret's bytes as they are, where standard-webhooks needs base64", async () => {
  const { verify } = JSON.parse(`{${blockAfter("docs/mapping.md", "as they are is written as `hmac`:")}}`);
  const secret = "not-base64-but-long-enough";
  const body = new TextEncoder().encode("{}");
  const key = await crypto.subtle.importKey(
    "raw",
    new TextEncoder().encode(secret),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign"],
  );
  const now = Date.parse("2026-03-10T12:00:00Z");
  const signed = new TextEncoder().encode(`msg_1.${now / 1000}.{}`);
  const signature = Buffer.from(await crypto.subtle.sign("HMAC", key, signed)).toString("base64");
  for (const name of ["webhook", "svix"]) {
    const headers = new Headers({
      [`${name}-id`]: "msg_1",
      [`${name}-timestamp`]: String(now / 1000),
      [`${name}-signature`]: `v1,${signature}`,
    });
    const verifier = await createVerifier(Verify.parse(verify), "S", secret);
    const request = { method: "POST", url: "https://leads.example/", headers, body };
    expect(await verifier(request, now)).toEqual({ ok: true, deliveryId: "msg_1" });
    const later = now + 301_000;
    expect(await verifier(request, later)).toMatchObject({ refusal: { reason: "timestamp_too_old" } });
  }
  await expect(createVerifier({ scheme: "standard-webhooks" }, "S", secret)).rejects.toThrow(
    "S is not base64 (a leading whsec_ is ignored): copy the whole",
  );
});

it("mappings/auth0: the post-login Action writes the click id of new users only, and once", async () => {
  const source = blockAfter("mappings/auth0/README.md", "**as the first Action**:");
  const action = new Function("exports", source);
  const DAY = 24 * 60 * 60 * 1000;
  const ago = (days: number) => new Date(Date.now() - days * DAY).toISOString();
  const written = async (event: { user: object; request: object; stats?: object }) => {
    const exported: { onExecutePostLogin?: (event: object, api: object) => Promise<void> } = {};
    action(exported);
    const set: unknown[] = [];
    await exported.onExecutePostLogin?.(
      { stats: { logins_count: 1 }, ...event },
      { user: { setUserMetadata: (...args: unknown[]) => set.push(args) } },
    );
    return set;
  };
  const query = { "ext-dub_id": "Xk3pQ9vLm2RtYw7B" };
  const yes = [["dubClickId", "Xk3pQ9vLm2RtYw7B"]];

  expect(await written({ user: { created_at: ago(0) }, request: { query } })).toEqual(yes);
  // The first login was denied.
  expect(
    await written({ user: { created_at: ago(1) }, request: { query }, stats: { logins_count: 2 } }),
  ).toEqual(yes);
  expect(await written({ user: { created_at: ago(8) }, request: { query } })).toEqual([]);
  // Migrated today, registered years ago.
  const app_metadata = { registered_at: ago(900) };
  expect(await written({ user: { created_at: ago(0), app_metadata }, request: { query } })).toEqual([]);
  const user_metadata = { dubClickId: "Lw2aT8cVn5KdPq9E" };
  expect(await written({ user: { created_at: ago(0), user_metadata }, request: { query } })).toEqual([]);
  // Grants without /authorize.
  expect(await written({ user: { created_at: ago(0) }, request: {} })).toEqual([]);
  expect(await written({ user: { created_at: ago(0) }, request: { body: query } })).toEqual(yes);
});

/** Every page of the documentation: path → text. A user's own mapping files are not ours to test. */
const pages = new Map(
  [
    ...globSync(["*.md", "docs/**/*.md", ".github/*.md"], { cwd: ROOT }),
    ...globSync(["mappings/*/README.md", "examples/README.md"], { cwd: ROOT }),
  ].map((page) => [page, readFileSync(join(ROOT, page), "utf8")]),
);
const textOf = (page: string) => pages.get(page) ?? "";

/** The text of a page from a heading to the next one of its level or a higher one. */
function section(page: string, heading: string): string {
  const level = /^#+/.exec(heading)?.[0].length ?? 0;
  const [, after] = textOf(page).split(`\n${heading}\n`);
  if (after === undefined) throw new Error(`${page} has no heading "${heading}"`);
  return after.split(new RegExp(`^#{1,${level}} `, "m"))[0] ?? "";
}

/** What stands in backticks at the beginning of each cell of a column of the tables in a text. */
function namesIn(text: string, column = 0): string[] {
  const rows = text.split("\n").filter((line) => line.startsWith("| "));
  const cells = rows.map((row) => row.split(" | ")[column]?.replace(/^\| /, "") ?? "");
  return cells.flatMap((cell) => {
    const [names = ""] = /^`[^`]+`(, `[^`]+`)*/.exec(cell) ?? [];
    return [...names.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name);
  });
}

const sorted = (names: Iterable<string>) => [...names].sort();

const scriptsIn = (file: string) =>
  (readJson(join(ROOT, file)) as { scripts: Record<string, string> }).scripts;
const scripts = scriptsIn("package.json");
const scriptsOf = (page: string) =>
  page === "examples/README.md" ? { ...scripts, ...scriptsIn("examples/clerk/package.json") } : scripts;

/** What a link to a page can name after #, as GitHub makes it: headings, and `<a id>`. */
function anchorsOf(text: string): string[] {
  const titles = [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replace(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );
  return [...titles, ...[...text.matchAll(/<a id="([^"]+)"><\/a>/g)].map(([, id = ""]) => id)];
}

it.each([...pages])("%s: its links, npm scripts and files exist", (page, text) => {
  for (const [, link = ""] of text.matchAll(/\]\((?!https?:)([^)]+)\)/g)) {
    const [file = "", anchor] = link.split("#");
    const path = file === "" ? join(ROOT, page) : join(ROOT, dirname(page), file);
    expect(existsSync(path), `${page} links to ${link}`).toBe(true);
    if (anchor === undefined) continue;
    expect(anchorsOf(readFileSync(path, "utf8")), `${page} links to ${link}`).toContain(anchor);
  }
  for (const [command, name = ""] of text.matchAll(/npm (?:run )?(?:--silent )?([\w-]+(?::[\w-]+)*)/g))
    if (command.includes("run ") || ["start", "test"].includes(name))
      expect(Object.keys(scriptsOf(page)), `${page} names ${command}`).toContain(name);
  // The changelog names what was there once.
  if (page === "CHANGELOG.md") return;
  for (const [, file = ""] of text.matchAll(
    /`((?:src|test|bench|docs|mappings(?!\/own|\/typeform))\/[\w./-]+)`/g,
  ))
    expect(existsSync(join(ROOT, file)), `${page} names ${file}`).toBe(true);
});

it("llms.txt names every page once, in the form of llmstxt.org, and nothing else", () => {
  const text = readFileSync(join(ROOT, "llms.txt"), "utf8");
  expect(text).toMatch(/^# webhook-to-lead\n\n> .+\n\n[^#]+\n\n## /);
  const entries = text.split("\n").filter((line) => line.startsWith("- "));
  for (const entry of entries) expect(entry).toMatch(/^- \[[^\]]+\]\([^)]+\): .+\.$/);
  const links = entries.map((entry) => /\(([^)]+)\)/.exec(entry)?.[1] ?? "");
  const toRead = [...pages.keys()].filter((page) => !/^\.github\/|^docs\/decisions\/\d/.test(page));
  expect(sorted(links)).toEqual(sorted(toRead));
});

it("README.md has at most 150 lines and names the test command", () => {
  expect(textOf("README.md").split("\n").length).toBeLessThanOrEqual(151);
  expect(textOf("README.md")).toContain("npm ci && npm test");
});

it("docs/reasons.md has each status, reason, answer and alert once", () => {
  expect(namesIn(section("docs/reasons.md", "## Statuses"))).toEqual(STATUS_NAMES);
  expect(sorted(namesIn(section("docs/reasons.md", "## Reasons")))).toEqual(sorted(Object.keys(REASONS)));
  const answers = namesIn(section("docs/reasons.md", "## Answers to webhooks"), 1);
  expect(sorted(answers)).toEqual(sorted(Object.keys(ANSWERS)));
  const codes = [
    ...Object.keys(ALERTS),
    ...reasonsWhere(({ alert }) => alert === true),
    ...Object.values(ANSWERS).flatMap((answer) => ("alert" in answer ? [answer.alert] : [])),
    ...Object.entries(CLICK_ANSWERS).flatMap(([name, answer]) =>
      "alert" in answer ? [`clicks_${name}`] : [],
    ),
  ];
  expect(sorted(namesIn(section("docs/reasons.md", "## Alerts")))).toEqual(sorted(new Set(codes)));
});

it("docs/click-memory.md has each answer once, and names the fields that are read", () => {
  const text = section("docs/click-memory.md", "## Protocol");
  expect(sorted(namesIn(text, 1))).toEqual(sorted(Object.keys(CLICK_ANSWERS)));
  const fields = ["clickId", "clickedAt", "sentAt", "customerExternalId", "customerEmail"];
  expect(namesIn(text)).toEqual(fields);
});

it("docs/click-memory.md: the call of a server is a claim as the Worker reads it", async () => {
  const source = blockAfter("docs/click-memory.md", "in the callback of the provider for example:");
  const seenAt = Date.UTC(2026, 10, 20);
  const call = async (cookies: object) => {
    const sent: [string, RequestInit][] = [];
    const run = new Function("cookies", "user", "process", "fetch", `return (async () => {${source}})();`);
    const answer = async (url: string, init: RequestInit) => void sent.push([url, init]);
    await run(cookies, { id: "user_1" }, { env: { CLICKS_TOKEN: "token" } }, answer);
    return sent;
  };
  expect(await call({})).toEqual([]);
  for (const [dub_at, clickedAt] of [
    [`${seenAt}.Yb7nT2kLq9WsXe4D`, seenAt],
    [undefined, null],
  ] as const) {
    const [[url, init] = ["", {}]] = await call({ dub_id: "Yb7nT2kLq9WsXe4D", dub_at });
    expect([url, init.method]).toEqual(["https://<your worker>/clicks", "POST"]);
    expect(init.headers).toMatchObject({ authorization: "Bearer token" });
    const claim = readClaim(new TextEncoder().encode(String(init.body)), Date.UTC(2026, 10, 25));
    if (isRefused(claim)) throw new Error(claim.evidence);
    expect(claim).toMatchObject({ clickId: "Yb7nT2kLq9WsXe4D", clickedAt, customerExternalId: "user_1" });
  }
});

it("the admin pages link to pages and anchors that exist", () => {
  const links = [...Object.keys(REASONS), ...Object.keys(ANSWERS)].map(reasonPage);
  links.push(...[...providerFolders().map(({ provider }) => provider), "own-one"].map(setUpPage));
  for (const file of globSync("src/admin/**/*.{ts,tsx}", { cwd: ROOT }))
    for (const [, path = ""] of readFileSync(join(ROOT, file), "utf8").matchAll(
      /\$\{REPOSITORY\}\/([\w./#-]+)[`"]/g,
    ))
      links.push(`${REPOSITORY}/${path}`);
  expect(links.filter((link) => link.includes("your-own-files"))).toHaveLength(1);
  for (const link of links) {
    const [page = "", anchor] = link.replace(`${REPOSITORY}/`, "").split("#");
    expect([...pages.keys()], link).toContain(page);
    // GitHub goes to the first of two.
    if (anchor !== undefined)
      expect(
        anchorsOf(textOf(page)).filter((one) => one === anchor),
        link,
      ).toHaveLength(1);
  }
});

it("docs/settings.md has each setting and secret once, with its default", () => {
  const text = section("docs/settings.md", "## Settings and secrets");
  const defaults = parseSettings({});
  const session = Object.values(sessionSettings("<provider>"));
  const others = ["<PROVIDER>_WEBHOOK_SECRET", "DUB_WEBHOOK_SECRET", "ADMIN_TOKEN", CLICKS_TOKEN, ...session];
  expect(sorted(namesIn(text))).toEqual(sorted([...Object.keys(defaults), ...others]));
  for (const [name, value] of Object.entries(defaults))
    expect(text).toContain(`| \`${name}\` | ${value === undefined ? "" : `\`${value}\` `}|`);
});

it("docs/api.md has each reason why a replay leaves an event", () => {
  const text = section("docs/api.md", "## What a replay does").split("with the reason why:")[1] ?? "";
  expect(sorted(namesIn(text))).toEqual(sorted(Object.keys(LEFT)));
});

it("docs/commands.md has each npm script once", () => {
  const [table = ""] = textOf("docs/commands.md").split("<!-- commands -->");
  const named = [...table.matchAll(/^\|.*?\|/gm)].flatMap(([cell]) =>
    [...cell.matchAll(/`npm (?:run )?([^`]+)`/g)].map(([, name = ""]) => name),
  );
  expect(sorted(named)).toEqual(sorted(Object.keys(scripts)));
});

it("ARCHITECTURE.md has the layers in the order that is tested", () => {
  const [, list = ""] =
    /const LAYERS = \[([^\]]+)\]/.exec(readFileSync(join(ROOT, "test/dev/folders.test.ts"), "utf8")) ?? [];
  const layers = [...list.matchAll(/"([^"]+)"/g)].map(([, layer = ""]) => layer);
  const rows = [...section("ARCHITECTURE.md", "## Folders and their order").matchAll(/^\| (`[^|]+`) \|/gm)];
  expect(rows.map(([, names = ""]) => names.replaceAll("`", ""))).toEqual(layers);
});

it("ARCHITECTURE.md has each table and column of the ledger", () => {
  const database = new DatabaseSync(":memory:");
  const folder = join(ROOT, "src/ledger/migrations");
  for (const file of readdirSync(folder).sort()) database.exec(readFileSync(join(folder, file), "utf8"));
  const columns = (table: string) =>
    database
      .prepare("SELECT name FROM pragma_table_xinfo(?)")
      .all(table)
      .map(({ name }) => String(name));
  const events = section("ARCHITECTURE.md", "### events: one row for each event that a rule takes");
  expect(sorted(namesIn(events))).toEqual(sorted(columns("events")));
  const others = section("ARCHITECTURE.md", "### The other tables");
  const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
  expect(sorted(["events", ...namesIn(others)])).toEqual(sorted(tables.map(({ name }) => String(name))));
  for (const row of others.split("\n").filter((line) => line.startsWith("| `")))
    for (const column of columns(namesIn(row)[0] ?? "")) expect(row).toContain(`\`${column}\``);
});

it("retention deletes each column that ARCHITECTURE.md marks as personal", () => {
  const events = section("ARCHITECTURE.md", "### events: one row for each event that a rule takes");
  const personal = events
    .split("\n")
    .filter((row) => /\| (yes|may be) \|$/.test(row))
    .flatMap((row) => namesIn(row));
  expect(personal.length).toBeGreaterThan(3);
  const purge = readFileSync(join(ROOT, "src/ledger/retention.ts"), "utf8");
  for (const column of personal) expect(purge).toContain(`${column} = NULL`);
});

it("decision records are listed and at most 40 lines long", () => {
  const records = [...pages].filter(([page]) => /^docs\/decisions\/\d/.test(page));
  for (const [page, text] of records) {
    expect(textOf("docs/decisions/README.md")).toContain(`(${basename(page)})`);
    expect(text.split("\n").length, page).toBeLessThanOrEqual(41);
  }
});
