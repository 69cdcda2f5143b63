/** The Worker's handlers in Node, which can't load the pages' JSX by itself. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { ROOT } from "../src/dev/files.ts";

export async function loadApp(): Promise<typeof import("../src/app.ts")> {
  const folder = mkdtempSync(join(tmpdir(), "app-"));
  try {
    const outfile = join(folder, "app.mjs");
    await build({ entryPoints: [join(ROOT, "src/app.ts")], bundle: true, format: "esm", outfile });
    return (await import(outfile)) as typeof import("../src/app.ts");
  } finally {
    rmSync(folder, { recursive: true });
  }
}
