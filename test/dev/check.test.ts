import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { setPath } from "../../src/dev/commands/send.ts";
import { providers, ROOT } from "../../src/dev/files.ts";
import { generated } from "../../src/dev/generated.ts";

/** What holds generated tables. */
const PAGES = ["README.md", "ARCHITECTURE.md", "docs"];

/** Runs a tool of src/dev in a copy of the project. */
function run(root: string, tool: string, ...args: string[]): { code: number; output: string } {
  try {
    return {
      code: 0,
      output: execFileSync(process.execPath, [join(root, "src/dev/commands", tool), ...args], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"],
      }),
    };
  } catch (error) {
    const { status, stdout, stderr } = error as { status: number; stdout: string; stderr: string };
    return { code: status, output: stdout + stderr };
  }
}

describe("npm run check names what is wrong", () => {
  let copy: string;
  beforeAll(() => {
    copy = mkdtempSync(join(tmpdir(), "check-"));
    for (const part of ["src", "package.json"])
      cpSync(join(ROOT, part), join(copy, part), { recursive: true });
    symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  });
  beforeEach(() => cpSync(join(ROOT, "mappings"), join(copy, "mappings"), { recursive: true, force: true }));
  afterAll(() => rmSync(copy, { recursive: true }));

  it.each([
    [
      "a typo in a path",
      "mappings/clerk/mapping.json",
      '"data.id"',
      '"data.idd"',
      'mappings/clerk/mapping.json: leads[0].lead.customerExternalId: "data.idd" gives no value in any sample',
    ],
    [
      "a typo in an argument of click_id",
      "mappings/clerk/mapping.json",
      "data.public_metadata)",
      "data.publc_metadata)",
      "let.clickId: argument 2 of click_id in",
    ],
    [
      "a typo in a named expression",
      "mappings/clerk/mapping.json",
      "data.external_accounts[0]",
      "data.external_acounts[0]",
      'let.account: "data.external_acounts[0]" gives no value in any sample',
    ],
    [
      "a typo in a branch of ||",
      "mappings/clerk/mapping.json",
      "data.username",
      "data.usrname",
      "the branch data.usrname of",
    ],
    [
      "a syntax error",
      "mappings/clerk/mapping.json",
      '"data.id"',
      '"data.[id"',
      "mappings/clerk/mapping.json: leads[0].lead.customerExternalId: ",
    ],
    [
      "an unknown key",
      "mappings/stripe/mapping.json",
      '"thin":',
      '"thinn":',
      "mappings/stripe/mapping.json: thinn: unknown key",
    ],
    [
      "= for ==",
      "mappings/stripe/mapping.json",
      "$object.status == 'trialing'\"",
      "$object.status = 'trialing'\"",
      'leads[2].on["customer.subscription.created"]: "=" is no comparison, write "==" at column 16 of "$object.status = \'trialing\'"',
    ],
    [
      "double quotes around a text",
      "mappings/stripe/mapping.json",
      "$object.status == 'trialing'\"",
      '$object.status == \\"trialing\\""',
      'leads[2].on["customer.subscription.created"]: "trialing" in double quotes is the name of a field, and no sample has it. For text write \'trialing\' at column 19 of',
    ],
    [
      "double quotes around a constant",
      "mappings/stripe/mapping.json",
      "\"'Started Trial'\"",
      '"\\"Started Trial\\""',
      "leads[2].lead.eventName: \"Started Trial\" in double quotes is the name of a field, and no sample has it. For text write 'Started Trial' at column 1 of",
    ],
    [
      "no quotes around a constant",
      "mappings/stripe/mapping.json",
      "\"'Started Trial'\"",
      '"Started Trial"',
      "leads[2].lead.eventName: text stands in single quotes, write 'Started Trial' at column 9 of",
    ],
    [
      "no quotes around a text",
      "mappings/stripe/mapping.json",
      "$object.mode != 'setup'",
      "$object.mode != setup",
      "setup is the name of a field, and no sample has it. For text write 'setup' at column 17 of",
    ],
    [
      "quotes around a field",
      "mappings/clerk/mapping.json",
      '"customerExternalId": "data.id"',
      '"customerExternalId": "\'data.id\'"',
      "leads[0].lead.customerExternalId: 'data.id' is text. For the field write data.id at column 1 of",
    ],
    [
      "one id for everybody",
      "mappings/clerk/mapping.json",
      '"customerExternalId": "data.id"',
      '"customerExternalId": "\'user\'"',
      "leads[0].lead.customerExternalId: is the same for every event, so that all customers would be one",
    ],
    [
      "a condition that is always true",
      "mappings/stripe/mapping.json",
      "$object.mode != 'setup'",
      "$object.mode != 'stup'",
      "is true for each of the 6 sample events it is tried on. Is there a mistake? Otherwise add a sample for which it is false",
    ],
    [
      "a condition that is never true",
      "mappings/stripe/mapping.json",
      "$object.status == 'trialing'\"",
      "$object.status == 'trailing'\"",
      "is false for each of the 3 sample events it is tried on. Is there a mistake? Otherwise add a sample for which it is true",
    ],
    [
      "test events that are all events",
      "mappings/stripe/mapping.json",
      "livemode == `false`",
      "livemode != `null`",
      'mappings/stripe/mapping.json: test: "livemode != `null`" is true for each of the',
    ],
    [
      "| for ||",
      "mappings/stripe/mapping.json",
      "$object.mode != 'setup'",
      "$object.mode == 'payment' | $object.mode == 'subscription'",
      'leads[1].on["checkout.session.completed"]: "|" passes what is left of it to what is right of it. For "or" write "||" at column 27 of',
    ],
    [
      "an order of texts",
      "mappings/clerk/mapping.json",
      "data.updated_at) < `7`",
      "data.updated_at) < '7'",
      "only numbers have an order; text in single quotes is no number. Write numbers in backticks at column",
    ],
    [
      "too few arguments",
      "mappings/clerk/mapping.json",
      "days_between(data.created_at, data.updated_at)",
      "days_between(data.created_at)",
      'leads[0].on["user.updated"]: days_between() takes',
    ],
    [
      "a typo in an event type",
      "mappings/clerk/mapping.json",
      '"waitlistEntry.created"',
      '"waitlistEntry.craeted"',
      'leads[1].on: no sample has an event of type "waitlistEntry.craeted"',
    ],
    [
      "a name that is used nowhere",
      "mappings/clerk/mapping.json",
      '"customerEmail": "$primaryEmail"',
      '"customerEmail": "data.email_addresses[0].email_address"',
      "let.primaryEmail: is used nowhere. Write $primaryEmail where you need it",
    ],
    ["broken JSON", "mappings/stripe/mapping.json", '"thin":', '"thin"', "mappings/stripe/mapping.json: "],
    [
      "a sample that becomes something else",
      "mappings/stripe/samples/sign-up.json",
      '"customerName": "Mira Solberg"',
      '"customerName": "Mira"',
      "mappings/stripe/samples/sign-up.json: expect is",
    ],
    [
      "a sample of another form",
      "mappings/stripe/samples/sign-up.json",
      '"title"',
      '"titel"',
      "mappings/stripe/samples/sign-up.json: ",
    ],
    [
      "a list of mapping files that forgets one",
      "mappings/index.ts",
      "  stripe: stripeMapping,",
      "",
      'mappings/index.ts is out of date: run "npm run check -- --write"',
    ],
    [
      "a $schema that leads nowhere",
      "mappings/stripe/samples/sign-up.json",
      '"../../sample.schema.json"',
      '"../sample.schema.json"',
      'mappings/stripe/samples/sign-up.json: $schema is "../sample.schema.json", write "../../sample.schema.json"',
    ],
  ])("%s", (_, file, from, to, said) => {
    const path = join(copy, file);
    const text = readFileSync(path, "utf8");
    expect(text).toContain(from);
    writeFileSync(path, text.replace(from, to));
    const { code, output } = run(copy, "check.ts");
    expect(output).toContain(said);
    expect(output).not.toContain("    at ");
    expect(code).toBe(1);
  });
});

it("JSON Schemas and the tables of the documentation are made from the source", () => {
  for (const [path, content] of generated())
    expect(readFileSync(path, "utf8"), `run "npm run check -- --write"`).toBe(content);
});

describe("files of your own", () => {
  it("win over the shipped ones, are checked, and merge with every update", () => {
    const root = mkdtempSync(join(tmpdir(), "own-"));
    const [upstream, fork] = [join(root, "upstream"), join(root, "fork")];
    const git = (at: string, ...args: string[]) =>
      execFileSync("git", ["-C", at, "-c", "user.name=t", "-c", "user.email=t@orchard.example", ...args], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"],
      });
    const change = (at: string, file: string, from: string, to: string) => {
      const text = readFileSync(join(at, file), "utf8");
      expect(text).toContain(from);
      writeFileSync(join(at, file), text.replaceAll(from, to));
    };
    const commit = (at: string) => {
      git(at, "add", ".");
      git(at, "commit", "--quiet", "--message", "change");
    };
    for (const part of ["src", "package.json", "mappings", ...PAGES, ".gitignore"])
      cpSync(join(ROOT, part), join(upstream, part), { recursive: true });
    rmSync(join(upstream, "mappings/own"), { recursive: true });
    cpSync(join(ROOT, "mappings/own/README.md"), join(upstream, "mappings/own/README.md"));
    symlinkSync(join(ROOT, "node_modules"), join(upstream, "node_modules"), "dir");
    expect(run(upstream, "check.ts", "--write")).toMatchObject({ code: 0 });
    git(upstream, "init", "--quiet");
    writeFileSync(join(upstream, ".git/info/exclude"), "node_modules\n");
    commit(upstream);
    git(root, "clone", "--quiet", upstream, fork);
    symlinkSync(join(ROOT, "node_modules"), join(fork, "node_modules"), "dir");
    writeFileSync(join(fork, ".git/info/exclude"), "node_modules\n");

    // The user changes a copy of a shipped provider.
    cpSync(join(fork, "mappings/stripe"), join(fork, "mappings/own/stripe"), { recursive: true });
    change(fork, "mappings/own/stripe/mapping.json", "'Sign Up'", "'Joined'");
    expect(run(fork, "check.ts").output).toContain("mappings/own/stripe/samples/sign-up.json: expect is");
    for (const file of readdirSync(join(fork, "mappings/own/stripe/samples"))) {
      const path = `mappings/own/stripe/samples/${file}`;
      if (readFileSync(join(fork, path), "utf8").includes('"Sign Up"'))
        change(fork, path, '"Sign Up"', '"Joined"');
    }
    expect(run(fork, "check.ts").output).toContain("mappings/own/index.ts is out of date");
    expect(run(fork, "check.ts", "--write")).toMatchObject({ code: 0 });
    commit(fork);

    // Upstream changes the same provider and adds another.
    change(upstream, "mappings/stripe/mapping.json", "'Started Trial'", "'Trial'");
    for (const file of readdirSync(join(upstream, "mappings/stripe/samples"))) {
      const path = `mappings/stripe/samples/${file}`;
      if (readFileSync(join(upstream, path), "utf8").includes('"Started Trial"'))
        change(upstream, path, '"Started Trial"', '"Trial"');
    }
    cpSync(join(upstream, "mappings/clerk"), join(upstream, "mappings/other"), { recursive: true });
    expect(run(upstream, "check.ts", "--write")).toMatchObject({ code: 0 });
    commit(upstream);

    git(fork, "pull", "--quiet", "--no-rebase", "--no-edit");
    expect(git(fork, "status", "--porcelain")).toBe("");
    expect(run(fork, "check.ts")).toMatchObject({ code: 0 });
    const payload = join(root, "payload.json");
    for (const [sample, name] of [
      ["sign-up", "Joined"],
      ["trial", "Started Trial"],
    ]) {
      const { webhook } = JSON.parse(
        readFileSync(join(fork, `mappings/stripe/samples/${sample}.json`), "utf8"),
      );
      writeFileSync(payload, JSON.stringify(webhook));
      expect(run(fork, "preview.ts", "stripe", payload).output).toContain(`"eventName": "${name}"`);
    }
    rmSync(root, { recursive: true });
  });

  it("a copied provider gets the right $schema lines", () => {
    const root = mkdtempSync(join(tmpdir(), "schema-"));
    for (const part of ["src", "package.json", "mappings", ...PAGES])
      cpSync(join(ROOT, part), join(root, part), { recursive: true });
    symlinkSync(join(ROOT, "node_modules"), join(root, "node_modules"));
    cpSync(join(root, "mappings/clerk"), join(root, "mappings/own/clerk"), { recursive: true });
    expect(run(root, "check.ts").output).toContain(
      'mappings/own/clerk/mapping.json: $schema is "../mapping.schema.json", write "../../mapping.schema.json"',
    );
    expect(run(root, "check.ts", "--write")).toMatchObject({ code: 0 });
    rmSync(root, { recursive: true });
  });
});

describe("npm run preview", () => {
  const payload = join(mkdtempSync(join(tmpdir(), "preview-")), "payload.json");
  it("prints leads, skips and warnings as JSON", () => {
    const sample = JSON.parse(
      readFileSync(join(ROOT, "mappings/stripe/samples/trial-of-many-seats.json"), "utf8"),
    );
    writeFileSync(payload, JSON.stringify(sample.webhook));
    const { code, output } = run(ROOT, "preview.ts", "stripe", payload);
    expect([code, JSON.parse(output)]).toEqual([0, sample.expect]);
  });
  it.each([
    [["nobody", "x.json"], `There is no mappings/nobody/mapping.json. There are: ${providers().join(", ")}.`],
    [["clerk", "/nowhere.json"], "no such file or directory"],
    [[], "npm run preview -- <provider> <payload.json>"],
  ])("%j", (args, said) => {
    const { code, output } = run(ROOT, "preview.ts", ...args);
    expect(output).toContain(said);
    expect(code).toBe(1);
  });
});

it("setPath reaches into lists and makes what is missing", () => {
  const root = { data: { list: [{ id: 1 }] } };
  setPath(root, "data.list[0].id", 2);
  setPath(root, "data.more.deep", "x");
  expect(root).toEqual({ data: { list: [{ id: 2 }], more: { deep: "x" } } });
});
