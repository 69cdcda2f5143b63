/** A real browser for the tests of the pages and their pictures, out of npm packages: no system package is needed. */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { ROOT, readJson } from "./files.ts";

/** What @sparticuz/chromium starts it with and a page must not run without: the browser's own checks. */
const UNSAFE = /web-security|insecure-content|site-isolation|disable-features|headless|single-process/;

/** Starts it, with flags of its own. On Linux (x64) it is Chromium of an npm package, elsewhere the installed Chrome. */
export async function startBrowser(flags: string[] = []): Promise<Browser> {
  if (process.platform !== "linux" || process.arch !== "x64")
    return chromium.launch({ channel: "chrome", args: flags });
  // With this it brings the libraries that Chromium needs, for machines without them.
  process.env.AWS_EXECUTION_ENV = "AWS_Lambda_nodejs24.x";
  const { default: packed } = await import("@sparticuz/chromium");
  const folder = await unpacked(() => packed.executablePath());
  return chromium.launch({
    executablePath: join(folder, "chromium"),
    args: [...packed.args.filter((arg) => !UNSAFE.test(arg)), ...flags],
    env: {
      ...process.env,
      LD_LIBRARY_PATH: join(folder, "al2023/lib"),
      FONTCONFIG_PATH: join(folder, "fonts"),
    },
  });
}

/** The folder with Chromium, which is unpacked once: 200 MB. */
async function unpacked(unpack: () => Promise<string>): Promise<string> {
  const { version } = readJson(join(ROOT, "node_modules/@sparticuz/chromium/package.json")) as {
    version: string;
  };
  const parent = join(ROOT, "node_modules/.cache");
  const folder = join(parent, `chromium-${version}`);
  if (existsSync(folder)) return folder;
  mkdirSync(parent, { recursive: true });
  // Others that start now unpack, too; the first to end has it.
  const own = mkdtempSync(join(parent, "unpacking-"));
  const { TMPDIR } = process.env;
  process.env.TMPDIR = own;
  try {
    await unpack();
    renameSync(own, folder);
  } catch (error) {
    rmSync(own, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  } finally {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
  }
  return folder;
}
