import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { deploy } from "../../src/dev/commands/deploy.ts";
import { wrangler } from "../../src/dev/process/wrangler.ts";
import { UserError } from "../../src/dev/user-error.ts";

describe("npm run deploy", () => {
  const names = { database: "db", queues: ["q", "dead"] };
  const record = (missing: string[]) => {
    const calls: string[] = [];
    const run = async (args: string[]) => {
      const call = args.join(" ");
      calls.push(call);
      if (missing.includes(call)) throw new UserError("missing");
      return "";
    };
    return { calls, run };
  };

  it("creates what is missing, then migrates, then deploys", async () => {
    const { calls, run } = record(["d1 info db", "queues info dead"]);
    await deploy(run, names, ["--env", "production"]);
    expect(calls).toEqual([
      "whoami",
      "d1 info db",
      "d1 create db",
      "queues info q",
      "queues info dead",
      "queues create dead",
      "d1 migrations apply db --remote",
      "deploy --env production",
    ]);
  });
  it("creates nothing that is there", async () => {
    const { calls, run } = record([]);
    await deploy(run, names, []);
    expect(calls.filter((call) => call.includes("create"))).toEqual([]);
  });
  it("does not deploy what could not be migrated", async () => {
    const { calls, run } = record(["d1 migrations apply db --remote"]);
    await expect(deploy(run, names, [])).rejects.toThrow("missing");
    expect(calls).not.toContain("deploy ");
  });
  it("says how to log in", async () => {
    await expect(
      deploy(async () => "You are not authenticated. Please run `wrangler login`.", names, []),
    ).rejects.toThrow("npx wrangler login");
  });
});

it("wrangler deploy --dry-run passes, and the bundle is at most 72 kB gzipped", async () => {
  const outdir = mkdtempSync(join(tmpdir(), "bundle-"));
  await wrangler(["deploy", "--dry-run", "--outdir", outdir]);
  const kilobytes = gzipSync(readFileSync(join(outdir, "worker.js"))).length / 1000;
  expect(kilobytes).toBeLessThanOrEqual(72);
});
