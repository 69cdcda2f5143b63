import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { unstable_getVarsForDev as getVarsForDev } from "wrangler";
import { providerFolders, ROOT, readJson } from "../../src/dev/files.ts";
import { UserError } from "../../src/dev/user-error.ts";
import { parseVars, problemsOf, readVars } from "../../src/dev/vars.ts";
import { secretName } from "../../src/settings.ts";

const SECRET = "c29tZSBzZWNyZXQgYnl0ZXMgZm9yIHRlc3Rz";

/** What wrangler's own reader makes of a file. */
function asWranglerReads(text: string): Record<string, unknown> {
  const folder = mkdtempSync(join(tmpdir(), "vars-"));
  writeFileSync(join(folder, ".dev.vars"), text);
  const vars = getVarsForDev(join(folder, "wrangler.toml"), undefined, {}, undefined, true);
  return Object.fromEntries(Object.entries(vars).map(([name, { value }]) => [name, value]));
}

describe("a line of .dev.vars", () => {
  it.each<[line: string, value: string | undefined, problem: string | undefined]>([
    ["NAME=value", "value", undefined],
    ["  NAME=value  ", "value", undefined],
    ["NAME=", "", undefined],
    ["NAME=a=b", "a=b", undefined],
    ["NAME='value'", "value", undefined],
    ['NAME="value" # said', "value", undefined],
    ["NAME=value # said", "value", undefined],
    ["# NAME=value", undefined, undefined],
    ["", undefined, undefined],
    ["NAME: value", "value", 'NAME is followed by ":": write NAME=value (it is read all the same)'],
    ["NAME = value", "value", 'NAME has white space around "=": write NAME=value (it is read all the same)'],
    ["export NAME=value", "value", 'NAME has "export" before it: write NAME=value (it is read all the same)'],
    ["NAME:value", undefined, "is not NAME=value, and is not read"],
    ["NAME value", undefined, "is not NAME=value, and is not read"],
    ["value", undefined, "is not NAME=value, and is not read"],
    ['NAME="value', undefined, 'NAME begins with " and does not end with it on this line'],
    ["NAME='value' more", undefined, "NAME has text after the closing '"],
    ["NAME=val#ue", "val", 'NAME is cut at "#", which begins a comment: put the value in single quotes'],
  ])("%s", (line, value, problem) => {
    const { values, problems } = parseVars(`\n${line}\n`);
    expect(values.NAME).toBe(value);
    expect(problems).toEqual(
      problem === undefined
        ? []
        : [{ line: 2, message: problem, ...(problem.startsWith("NAME") && { name: "NAME" }) }],
    );
  });

  it("has the value that wrangler gives it, and none that wrangler drops", () => {
    const piece = fc.constantFrom("A", "B_1", "=", ":", " ", '"', "'", "`", "#", "\\", "n", "export ", "\t");
    const line = fc.oneof(
      fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join("")),
      fc
        .tuple(fc.constantFrom("A=", "A: ", "B = "), fc.array(piece, { maxLength: 5 }))
        .map(([begin, pieces]) => begin + pieces.join("")),
    );
    const file = fc.tuple(fc.array(line, { maxLength: 4 }), fc.constantFrom("\n", "\r\n"));
    fc.assert(
      fc.property(file, ([lines, end]) => {
        const text = lines.join(end);
        const { values, problems } = parseVars(text);
        // A line that can't be read, such as one with an open quotation mark, can change how wrangler reads the next.
        if (problems.some(({ message }) => /not NAME|does not end|has text/.test(message))) return;
        expect(values).toEqual(asWranglerReads(text));
      }),
      { numRuns: 2000 },
    );
  });
});

it("names duplicates, unknown names and wrong kinds of key by line, without a value", async () => {
  const file = [
    `CLERK_WEBHOOK_SECRET=sk_test_${SECRET}`,
    "DUB_API_KEY=dub_pk_1234567890",
    `STRIPE_WEBHOOK_SECRET=whsec_${SECRET}`,
    `STRIPE_WEBHOOK_SECRET=whsec_${SECRET}`,
    `CLERK_SECRET=whsec_${SECRET}`,
    "COLOUR=green",
    "ADMIN_TOKEN=short",
    "RETENTION_DAYS=week",
    "AUTH0_WEBHOOK_SECRET=",
    `AUTH0_LOGS_WEBHOOK_SECRET="${SECRET}`,
    "CLICKS_TOKEN=short",
    "CLERK_ISSUER=clerk.example.com",
    "AUTH0_JWKS_URL=http://tenant.example/keys",
    "AUTH0_AUDIENCE=client_1",
    "CLERK_ISUER=https://clerk.example.com",
    "STRIPE_ISSUER=https://stripe.example",
  ];
  const problems = await problemsOf(parseVars(file.join("\n")));
  expect(problems.map(({ line, message }) => `${line} ${message}`)).toEqual([
    "1 CLERK_WEBHOOK_SECRET is an API key, not the secret of the webhook: copy the webhook's signing secret",
    "2 DUB_API_KEY must be an API key of a Dub workspace: it starts with dub_ and not with dub_pk_ (a publishable key).",
    "4 STRIPE_WEBHOOK_SECRET is also on line 3; the last one counts",
    "5 CLERK_SECRET is not a name that the Worker reads: did you mean CLERK_WEBHOOK_SECRET?",
    "6 COLOUR is not a name that the Worker reads",
    '7 ADMIN_TOKEN must have at least 16 characters: make one with "openssl rand -hex 32"',
    "8 RETENTION_DAYS must be a whole number of days from 1 to 3650.",
    '10 AUTH0_LOGS_WEBHOOK_SECRET begins with " and does not end with it on this line',
    '11 CLICKS_TOKEN must have at least 16 characters: make one with "openssl rand -hex 32"',
    "12 CLERK_ISSUER must be the https address that the tokens have as iss.",
    "13 AUTH0_JWKS_URL must be the https address of the key set.",
    "15 CLERK_ISUER is not a name that the Worker reads: did you mean CLERK_ISSUER?",
    `16 STRIPE_ISSUER can't be used: the mapping file of stripe has no "session"`,
  ]);
  expect(JSON.stringify(problems)).not.toContain(SECRET);
});

it("names a file that can't be read", () => {
  expect(() => readVars("mappings")).toThrow(UserError);
  expect(() => readVars("mappings")).toThrow(`The file "mappings" can't be read: `);
});

it("npm start: a bad secret turns off its provider, and the others are in the table", () => {
  const { status, stdout } = spawnSync(process.execPath, ["src/dev/commands/start.ts", "--once"], {
    cwd: ROOT,
    encoding: "utf8",
    env: { ...process.env, CLERK_WEBHOOK_SECRET: `sk_test_${SECRET}` },
  });
  expect(status).toBe(1);
  expect(stdout).toMatch(/^clerk +off +CLERK_WEBHOOK_SECRET is an API key/m);
  expect(stdout).toMatch(/^stripe .* delivered /m);
  expect(stdout).not.toContain(SECRET);
});

describe(".dev.vars.example", () => {
  const example = readFileSync(join(ROOT, ".dev.vars.example"), "utf8");
  const { cloudflare, repository } = readJson(join(ROOT, "package.json")) as {
    cloudflare: { bindings: Record<string, { description: string }> };
    repository: string;
  };
  it("has a line without a value for each secret, and nothing else", async () => {
    const shipped = providerFolders().flatMap(({ provider, own }) => (own ? [] : [provider]));
    const vars = parseVars(example.replaceAll(/^# (?=[A-Z0-9_]+=)/gm, ""));
    expect(await problemsOf(vars)).toEqual([]);
    expect(Object.keys(vars.values).sort()).toEqual(
      ["DUB_API_KEY", "ADMIN_TOKEN", "ALERT_WEBHOOK_URL", "CLICKS_TOKEN", ...shipped.map(secretName)].sort(),
    );
    expect(new Set(Object.values(vars.values))).toEqual(new Set([""]));
  });
  it("package.json describes each secret that the button asks for, and each binding", () => {
    const asked = Object.keys(parseVars(example).values);
    expect(Object.keys(cloudflare.bindings).sort()).toEqual(["DB", "EVENTS", ...asked].sort());
  });
  it("the button has the address of the repository", () => {
    const link = `https://deploy.workers.cloudflare.com/?url=https://github.com/${repository.replace("github:", "")})`;
    for (const page of ["README.md", "docs/deploy.md"])
      expect(readFileSync(join(ROOT, page), "utf8")).toContain(link);
  });
  it("git ignores files of secrets, and keeps the example", () => {
    const files = [".dev.vars", ".dev.vars.staging", ".prod.vars", ".staging.vars", ".env", ".env.local"];
    const ignored = execFileSync("git", ["check-ignore", "--no-index", ...files, ".dev.vars.example"], {
      cwd: ROOT,
      encoding: "utf8",
    });
    expect(ignored.trim().split("\n")).toEqual(files);
  });
});

it.each([
  ["CLERK_WEBHOK_SECRET", "CLERK_WEBHOOK_SECRET"],
  ["CLERK_SECRET", "CLERK_WEBHOOK_SECRET"],
  ["dub_api_key", "DUB_API_KEY"],
  ["GITHUB_WEBHOOK_SECRET", undefined],
  ["KEY", undefined],
])("%s is meant as %s", async (name, meant) => {
  const [problem] = await problemsOf(parseVars(`${name}=x`));
  expect(/did you mean (\w+)\?/.exec(problem?.message ?? "")?.[1]).toBe(meant);
});
