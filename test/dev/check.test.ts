import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { setPath } from "../../src/dev/commands/send.ts";
import { ROOT } from "../../src/dev/files.ts";
import { generated } from "../../src/dev/generated.ts";

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
      "mappings/clerk.json",
      '"data.id"',
      '"data.idd"',
      'mappings/clerk.json: leads[0].lead.customerExternalId: "data.idd" gives no value in any sample',
    ],
    [
      "a typo in a branch of ||",
      "mappings/clerk.json",
      "data.username",
      "data.usrname",
      "the branch data.usrname of",
    ],
    [
      "a syntax error",
      "mappings/clerk.json",
      '"data.id"',
      '"data.[id"',
      "mappings/clerk.json: leads[0].lead.customerExternalId: ",
    ],
    [
      "an unknown key",
      "mappings/stripe.json",
      '"thin":',
      '"thinn":',
      "mappings/stripe.json: thinn: unknown key",
    ],
    ["broken JSON", "mappings/stripe.json", '"thin":', '"thin"', "mappings/stripe.json: "],
    [
      "a sample that becomes something else",
      "mappings/samples/stripe/sign-up.json",
      '"customerName": "Mira Solberg"',
      '"customerName": "Mira"',
      "mappings/samples/stripe/sign-up.json: expect is",
    ],
    [
      "a sample of another form",
      "mappings/samples/stripe/sign-up.json",
      '"title"',
      '"titel"',
      "mappings/samples/stripe/sign-up.json: ",
    ],
    [
      "a provider that index.ts forgets",
      "mappings/index.ts",
      "  stripe,",
      "",
      "mappings/stripe.json: not named in mappings/index.ts",
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

it("JSON Schemas and README's table are made from the source", () => {
  for (const [path, content] of generated())
    expect(readFileSync(path, "utf8"), `run "npm run check -- --write"`).toBe(content);
  expect(readFileSync(join(ROOT, "README.md"), "utf8")).toContain("| `no_click_id` |");
});

describe("npm run preview", () => {
  const payload = join(mkdtempSync(join(tmpdir(), "preview-")), "payload.json");
  it("prints leads, skips and warnings as JSON", () => {
    const sample = JSON.parse(
      readFileSync(join(ROOT, "mappings/samples/stripe/trial-of-many-seats.json"), "utf8"),
    );
    writeFileSync(payload, JSON.stringify(sample.webhook));
    const { code, output } = run(ROOT, "preview.ts", "stripe", payload);
    expect([code, JSON.parse(output)]).toEqual([0, sample.expect]);
  });
  it.each([
    [["nobody", "x.json"], "There is no mappings/nobody.json. There are: auth0, auth0-logs, clerk, stripe."],
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
