/** `npm run deploy` as a person types it, against a stand-in of Cloudflare's API. */
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { gzipSync } from "node:zlib";
import pty from "@lydell/node-pty";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { experimental_getWranglerCommands as getWranglerCommands } from "wrangler";
import { FLAGS } from "../../src/dev/deploy/flags.ts";
import { hostOf, namesIn } from "../../src/dev/deploy/steps.ts";
import { readTarget } from "../../src/dev/deploy/target.ts";
import { ROOT } from "../../src/dev/files.ts";
import { wrangler } from "../../src/dev/process/wrangler.ts";
import { ACCOUNT, type Cloudflare, serveCloudflare } from "./support/cloudflare.ts";

const COMMAND = "src/dev/commands/deploy.ts";
const NAME = "webhook-to-lead";
const DEAD = "webhook-to-lead-dead-letters";
const WORKER = `/workers/scripts/${NAME}`;
const MIGRATIONS = readdirSync(join(ROOT, "src/ledger/migrations")).sort();
const SECRET = `whsec_${btoa("a secret of sixteen bytes or more")}`;

let cloudflare: Cloudflare;
let home: string;
beforeEach(async () => {
  cloudflare = await serveCloudflare();
  home = mkdtempSync(join(tmpdir(), "home-"));
});
afterEach(() => cloudflare.close());

type Ended = { code: number | null; stdout: string; stderr: string; requests: string[] };

/** Of this process's environment only what a program needs to run: a CI has variables that change what wrangler says. */
const environmentWith = (more: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  TMPDIR: home,
  HOME: home,
  XDG_CONFIG_HOME: home,
  WRANGLER_CACHE_DIR: join(home, "cache"),
  CLOUDFLARE_API_BASE_URL: cloudflare.url,
  CLOUDFLARE_API_TOKEN: "token",
  ...more,
});

/** Runs the command with a token, unless `environment` takes it away, and answers what it asked the API. */
function deploy(args: string[] = [], environment: NodeJS.ProcessEnv = {}): Promise<Ended> {
  cloudflare.requests.length = 0;
  const child = spawn(process.execPath, [COMMAND, ...args], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
    env: environmentWith(environment),
  });
  const ended = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name].on("data", (chunk: Buffer) => {
      ended[name] += chunk;
    });
  return new Promise((resolve) =>
    child.once("close", (code) => resolve({ code, ...ended, requests: [...cloudflare.requests] })),
  );
}

/** Runs it at a terminal, and types each answer when its question is shown. */
function deployAsked(args: string[], answers: [question: string, keys: string][]) {
  const terminal = pty.spawn(process.execPath, [COMMAND, ...args], { cwd: ROOT, env: environmentWith({}) });
  let shown = "";
  let read = 0;
  terminal.onData((data) => {
    shown = stripVTControlCharacters(shown + data);
    const [question, keys] = answers[0] ?? [];
    const at = question === undefined ? -1 : shown.indexOf(question, read);
    if (at < 0) return;
    read = at + 1;
    answers.shift();
    terminal.write(keys ?? "");
  });
  return new Promise<{ code: number; shown: string; unasked: string[] }>((resolve) =>
    terminal.onExit(({ exitCode }) =>
      resolve({ code: exitCode, shown, unasked: answers.map(([question]) => question) }),
    ),
  );
}

/** The project's wrangler.toml with more at its end, as a file elsewhere. */
function configWith(more: string, edit = (text: string) => text): string {
  const file = join(home, "wrangler.toml");
  const text = `${readFileSync(join(ROOT, "wrangler.toml"), "utf8")}\n${more}`
    .replaceAll('"src/', `"${ROOT}/src/`)
    .replace(/^watch_dir.*$/m, "");
  writeFileSync(file, edit(text));
  return file;
}

function fileWith(name: string, lines: string[]): string {
  const file = join(home, name);
  writeFileSync(file, lines.join("\n"));
  return file;
}

/** The environment that docs/deploy.md shows. */
function documented(): string {
  const [, block = ""] =
    /```toml\n(\[env\.staging\][\s\S]*?)```/.exec(readFileSync(join(ROOT, "docs/deploy.md"), "utf8")) ?? [];
  return block;
}

const changes = (requests: string[]) => requests.filter((request) => !request.startsWith("GET "));

describe("npm run deploy", () => {
  it("creates, migrates, deploys, in this order; the second time nothing is created or migrated", async () => {
    const first = await deploy();
    expect(first.code, first.stderr).toBe(0);
    const uploaded = first.requests.indexOf(`PUT ${WORKER}`);
    const query = [`GET /d1/database/${NAME}`, `POST /d1/database/${NAME}/query`];
    expect(first.requests.slice(0, uploaded)).toEqual([
      // The account, then what is there.
      "GET /accounts",
      "GET /memberships",
      "GET /d1/database",
      "GET /queues",
      "GET /queues",
      "POST /d1/database",
      "POST /queues",
      "POST /queues",
      // The table of migrations, those that are applied, then each that is not.
      ...query,
      ...query,
      ...MIGRATIONS.flatMap((file) => [query[0], `${query[1]} ${file}`]),
      // wrangler deploy.
      `GET /workers/services/${NAME}`,
      `GET ${WORKER}/secrets`,
      "GET /queues",
      "GET /workers/subdomain",
      `GET ${WORKER}/deployments`,
      `GET ${WORKER}/settings`,
      "GET /queues",
      `GET /d1/database/${NAME}`,
    ]);
    // Some of these are sent side by side.
    expect(first.requests.slice(uploaded).sort()).toEqual(
      [
        `PUT ${WORKER}`,
        `GET /workers/workers/${NAME}`,
        "GET /workers/subdomain",
        `POST ${WORKER}/subdomain`,
        `PUT ${WORKER}/schedules`,
        ...["GET /queues", "GET /queues", "GET /queues", "GET /queues"],
        `POST /queues/${NAME}/consumers`,
        `POST /queues/${DEAD}/consumers`,
        // Which secrets are missing.
        `GET ${WORKER}/secrets`,
      ].sort(),
    );
    expect(first.stdout).toContain(`https://${NAME}.example.workers.dev/webhooks/clerk`);
    expect(first.stdout).toMatch(/npx wrangler secret put DUB_API_KEY /);
    expect(first.stdout).toContain(`npm run doctor -- --to https://${NAME}.example.workers.dev\n`);
    expect(first.stderr).not.toMatch(/wrangler deploy|wrangler\.jsonc|add the following/i);

    const file = fileWith(".prod.vars", [
      `CLERK_WEBHOOK_SECRET=${SECRET}`,
      "ADMIN_TOKEN='$HOME-of-the-admin'",
    ]);
    const second = await deploy(["--secrets-file", file], { CLERK_WEBHOOK_SECRET: "not of the file" });
    expect(second.code, second.stderr).toBe(0);
    expect(changes(second.requests).sort()).toEqual(
      [
        ...[`POST /d1/database/${NAME}/query`, `POST /d1/database/${NAME}/query`],
        `POST ${WORKER}/versions`,
        `POST ${WORKER}/deployments`,
        `PATCH ${WORKER}/script-settings`,
        `POST ${WORKER}/subdomain`,
        `PUT ${WORKER}/schedules`,
        `POST /queues/${NAME}/consumers`,
        `POST /queues/${DEAD}/consumers`,
      ].sort(),
    );
    // What is in the file, and not what this process's environment has, or a $ could mean.
    expect(Object.fromEntries(cloudflare.workers.get(NAME)?.secrets ?? [])).toEqual({
      CLERK_WEBHOOK_SECRET: SECRET,
      ADMIN_TOKEN: "$HOME-of-the-admin",
    });
    expect(second.stdout).toMatch(/^clerk .* set$/m);
    expect(second.stdout).not.toContain("secret put CLERK_WEBHOOK_SECRET");
    expect(second.stdout + second.stderr).not.toContain(SECRET);
  });

  it("--dry-run asks nothing and needs no login; a wrong secret is named by line", async () => {
    const file = fileWith(".prod.vars", [`CLERK_WEBHOOK_SECRET=${SECRET}`]);
    const none = { CLOUDFLARE_API_TOKEN: undefined };
    const right = await deploy(["--dry-run", "--secrets-file", file, "--message", "try"], none);
    expect([right.code, right.requests]).toEqual([0, []]);
    expect(right.stdout).toContain("Dry run: nothing was changed.");
    expect(right.stdout).toContain("apply new migrations, set CLERK_WEBHOOK_SECRET, deploy ");

    writeFileSync(file, `\nCLERK_WEBHOOK_SECRET=sk_test_${SECRET}\nDUB_KEY=x`);
    const wrong = await deploy(["--secrets-file", file]);
    expect([wrong.code, wrong.stdout, wrong.requests]).toEqual([2, "", []]);
    expect(wrong.stderr).toContain(`${file}:2: CLERK_WEBHOOK_SECRET is an API key`);
    expect(wrong.stderr).toContain(
      `${file}:3: DUB_KEY is not a name that the Worker reads: did you mean DUB_API_KEY?`,
    );
    expect(wrong.stderr).not.toContain(SECRET);
  });

  it("--env staging, as docs/deploy.md shows it, has a Worker, database and queues of its own", async () => {
    const { code, stderr, stdout, requests } = await deploy([
      "--env",
      "staging",
      "-c",
      configWith(documented()),
    ]);
    expect(code, stderr).toBe(0);
    expect([...cloudflare.databases.keys()]).toEqual([`${NAME}-staging`]);
    expect([...cloudflare.queues]).toEqual([`${NAME}-staging`, `${NAME}-staging-dead-letters`]);
    const [[worker, { metadata }] = ["", { metadata: { bindings: [] } }], ...others] = cloudflare.workers;
    expect([worker, others]).toEqual([`${NAME}-staging`, []]);
    expect(metadata.bindings).toContainEqual({ name: "DB", type: "d1", id: `${NAME}-staging` });
    expect(
      requests.filter((request) => request.includes(NAME) && !request.includes(`${NAME}-staging`)),
    ).toEqual([]);
    expect(stdout).toMatch(/secret put DUB_API_KEY +--env=staging/);
  });

  it("does not deploy what could not be migrated, and exits with 1", async () => {
    cloudflare.refuse = `POST /d1/database/${NAME}/query ${MIGRATIONS[1]}`;
    const { code, stderr, requests } = await deploy();
    expect(code).toBe(1);
    expect(requests.at(-1)).toBe(cloudflare.refuse);
    expect(stderr).toContain("wrangler d1 migrations apply");
    expect([...cloudflare.workers]).toEqual([]);
  });

  it("changes nothing when it can't see what is there: a refusal, no login, several accounts", async () => {
    cloudflare.refuse = "GET /queues";
    const forbidden = await deploy();
    expect([forbidden.code, changes(forbidden.requests)]).toEqual([2, []]);
    expect(forbidden.stderr).toContain("refused for the test");

    const anonymous = await deploy([], { CLOUDFLARE_API_TOKEN: undefined });
    expect([anonymous.code, anonymous.requests]).toEqual([2, []]);
    expect(anonymous.stderr).toContain('Not logged in to Cloudflare. Run "npx wrangler login"');

    cloudflare.accounts.push({ id: "b".repeat(32), name: "Other" });
    const cache = { WRANGLER_CACHE_DIR: join(home, "empty") };
    const several = await deploy([], cache);
    expect([several.code, several.requests]).toEqual([2, ["GET /accounts", "GET /memberships"]]);
    expect(several.stderr).toContain("Set CLOUDFLARE_ACCOUNT_ID");
    expect(several.stderr).toContain(`\`Other\`: \`${"b".repeat(32)}\``);
    // In a CI wrangler hides their names.
    expect((await deploy([], { ...cache, CI: "true" })).stderr).toContain(`\`${"b".repeat(32)}\``);
    const chosen = await deploy([], { ...cache, CLOUDFLARE_ACCOUNT_ID: ACCOUNT });
    expect(chosen.requests.slice(0, 2)).toEqual(["GET /d1/database", "GET /queues"]);
  });

  it("hands on wrangler's questions: which account, which workers.dev subdomain; Ctrl-C leaves no file of secrets", async () => {
    const other = "b".repeat(32);
    cloudflare.accounts.push({ id: other, name: "Other" });
    cloudflare.subdomain = undefined;
    const args = ["--secrets-file", fileWith(".prod.vars", [`CLERK_WEBHOOK_SECRET=${SECRET}`])];
    const ended = await deployAsked(args, [
      ["Select an account", "\x1b[B\r"],
      ["[custom build] Running", "\x03"],
    ]);
    expect([ended.code, ended.unasked], ended.shown).toEqual([130, []]);
    expect(readdirSync(home).filter((name) => name.startsWith("deploy-"))).toEqual([]);
    expect([...cloudflare.workers]).toEqual([]);

    const deployed = await deployAsked(args, [
      ["register a workers.dev subdomain", "y"],
      ["What would you like your workers.dev subdomain to be?", "orchard\r"],
      ["Ok to proceed?", "y"],
    ]);
    expect([deployed.code, deployed.unasked], deployed.shown).toEqual([0, []]);
    expect(cloudflare.subdomain).toBe("orchard");
    expect(deployed.shown).toContain(`https://${NAME}.orchard.workers.dev/webhooks/clerk`);
    const elsewhere = cloudflare.requests.filter((request) => !request.includes(` /accounts/${other}/`));
    expect(new Set(elsewhere)).toEqual(new Set(["GET /accounts", "GET /memberships"]));
  });

  it.each<[string[], RegExp]>([
    [["--name", "other"], /--name is refused: a second Worker would use the database/],
    [["--triggers", "0 * * * *"], /--triggers is refused: the Worker needs the cron trigger/],
    [["--no-bundle"], /--no-bundle is refused/],
    [["--cwd=.."], /--cwd is refused/],
    [["--env=nope"], /has no \[env\.nope\]/],
    [["--var", "RETENTION_DAYS:x"], /RETENTION_DAYS must be a whole number/],
    [["--var", "CLERK_ISSUER:clerk.example.com"], /CLERK_ISSUER must be the https address/],
    [["--config=nope.toml"], /nope\.toml/],
    [["--secrets-file=nope"], /there is no file nope/],
    [["--secrets-file=.dev.vars.example"], /sets no secret: each needs a line NAME=value without a #/],
    [["other.ts"], /too many arguments/],
    [["--version"], /unknown option/],
    [["--dryRun"], /unknown option/],
    [["--temporary"], /unknown option/],
  ])("%j is refused before anything is asked", async (args, said) => {
    const { code, stderr, stdout, requests } = await deploy(args);
    expect([code, stdout, requests]).toEqual([2, "", []]);
    expect(stderr).toMatch(said);
  });
});

it("each flag of the installed wrangler deploy is followed or refused", () => {
  const { registry, globalFlags } = getWranglerCommands();
  const { definition } = registry.subtree.get("deploy") ?? {};
  const { args = {} } = definition?.type === "command" ? definition : {};
  const shown = Object.entries({ ...args, ...globalFlags } as Record<string, { hidden?: boolean }>)
    .filter(([, { hidden }]) => !hidden)
    .map(([name]) => name);
  // The entry point is no flag, and -v has nothing to deploy.
  const others = ["path", "v"];
  expect([...Object.keys(FLAGS), ...others].sort()).toEqual(shown.sort());
});

describe("wrangler.toml", () => {
  const staging = (edit: (text: string) => string) => configWith(edit(documented()));
  it.each<[what: string, config: () => string, said: string]>([
    [
      "without a database",
      () => staging((text) => text.replace(/\[\[env\.staging\.d1_[^[]*/, "")),
      'no D1 database with binding = "DB"',
    ],
    [
      "without a queue",
      () => staging((text) => text.replaceAll(/\[\[env\.staging\.queues[^[]*/g, "")),
      'no queue with binding = "EVENTS"',
    ],
    [
      "without a consumer",
      () => staging((text) => text.replaceAll(/\[\[env\.staging\.queues\.consumers[^[]*/g, "")),
      "queues.consumers has no entry for the queue webhook-to-lead-staging",
    ],
    [
      "without dead letters",
      () => staging((text) => text.replace(/dead_letter_queue.*/, "")),
      "needs a dead_letter_queue",
    ],
    [
      "with other migrations",
      () => staging((text) => text.replace(/migrations_dir.*/, "")),
      "migrations_dir of the database must be",
    ],
    [
      "with the database of the top level",
      () => staging((text) => text.replace(/(database_name = ).*/, `$1"${NAME}"`)),
      `[env.staging] and the top level have the same database ${NAME}`,
    ],
    [
      "with the queue of the top level",
      () =>
        staging((text) =>
          text.replaceAll(`"${NAME}-staging"`, `"${NAME}"`).replace(/(database_name = ).*/, '$1"x"'),
        ),
      `[env.staging] and the top level have the same queue ${NAME}`,
    ],
    [
      "with the dead letters of the top level",
      () => staging((text) => text.replaceAll(`${NAME}-staging-dead`, `${NAME}-dead`)),
      `the same queue ${DEAD}`,
    ],
    [
      "with the name of the top level",
      () => staging((text) => text.replace("[env.staging]", `[env.staging]\nname = "${NAME}"`)),
      `the same Worker ${NAME}`,
    ],
    [
      "with an inherited route",
      () => configWith(documented(), (text) => `routes = ["leads.example.com/*"]\n${text}`),
      "the same route leads.example.com/*. Each must have its own: write routes = []",
    ],
    [
      "with a wrong setting",
      () => staging((text) => text.replace(/ACCEPT_TEST_EVENTS.*/, 'RETENTION_DAYS = "x"')),
      "RETENTION_DAYS must be",
    ],
  ])("an environment %s is refused", (_, config, said) => {
    expect(() => readTarget(config(), "staging")).toThrow(said);
  });
  it("the documented environment is right, and the top level beside it", () => {
    const file = configWith(documented());
    expect(readTarget(file, "staging")).toMatchObject({
      worker: `${NAME}-staging`,
      database: `${NAME}-staging`,
    });
    expect(readTarget(file)).toEqual({
      env: "",
      worker: NAME,
      database: NAME,
      created: false,
      queues: [NAME, DEAD],
    });
  });
});

it("the names in a list are read after a warning of wrangler, too", () => {
  expect([...namesIn('▲ [WARNING] "vars" …\n\n[\n  { "name": "A" },\n  { "name": "B" }\n]\n')]).toEqual([
    "A",
    "B",
  ]);
  expect([...namesIn("[]")]).toEqual([]);
});

it.each([
  ["webhook-to-lead.example.workers.dev", ["webhook-to-lead.example.workers.dev"]],
  ["https://webhook-to-lead.example.workers.dev", ["webhook-to-lead.example.workers.dev"]],
  ["leads.example.com (custom domain)", ["leads.example.com"]],
  ["leads.example.com (custom domain - zone name: example.com)", ["leads.example.com"]],
  ["example.com/* (zone name: example.com)", ["example.com"]],
  ["example.com/webhooks/*", ["example.com"]],
  ["example.com/other/*", []],
  ["*.example.com/*", []],
  ["schedule: * * * * *", []],
  ["Producer for webhook-to-lead", []],
  ["...and 3 more routes", []],
])("the host of %s", (target, hosts) => {
  expect(hostOf(target)).toEqual(hosts);
});

it("wrangler deploy --dry-run passes, and the bundle is at most 157 kB gzipped", async () => {
  const outdir = mkdtempSync(join(tmpdir(), "bundle-"));
  await wrangler(["deploy", "--dry-run", "--outdir", outdir]);
  const kilobytes = gzipSync(readFileSync(join(outdir, "worker.js"))).length / 1000;
  expect(kilobytes).toBeLessThanOrEqual(157);
});
