/** What all commands of package.json have in common. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT, readJson } from "../../src/dev/files.ts";

const { scripts } = readJson(join(ROOT, "package.json")) as { scripts: Record<string, string> };
const commands = Object.entries(scripts).flatMap(([name, script]): [string, string][] => {
  const [, file] = /^node (\S+)$/.exec(script) ?? [];
  return file === undefined ? [] : [[name, file]];
});
/** These hand what they don't know to wrangler. */
const WRAPPERS = ["dev", "deploy"];

function run(file: string, ...args: string[]) {
  const { FORCE_COLOR: _, NO_COLOR: __, ...env } = process.env;
  return spawnSync(process.execPath, [join(ROOT, file), ...args], { encoding: "utf8", env });
}

describe.each(commands)("npm run %s", (name, file) => {
  it("prints its help and its exit codes, without colour in a pipe", () => {
    const { status, stdout, stderr } = run(file, "--help");
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(new RegExp(`^Usage: npm (run )?${name} -- `));
    expect(stdout).toMatch(/^Exit codes:\n[\s\S]*^ {2}2 /m);
    expect(stdout).not.toContain("\u001b");
  });
  it.skipIf(WRAPPERS.includes(name))(
    "exits with 2 for an option that it does not have, named on stderr",
    () => {
      const { status, stdout, stderr } = run(file, "--nonsense");
      expect([status, stdout]).toEqual([2, ""]);
      expect(stderr).toContain("unknown option '--nonsense'");
      expect(stderr).toContain("--help");
    },
  );
});
