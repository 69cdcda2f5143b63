/** Imports in src go downwards only, in no circle, and to Node modules only from src/dev. Type imports count. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ROOT } from "../../src/dev/files.ts";

/** From top to bottom. A file may import from lower layers and from its own folder. */
const LAYERS = [
  "dev worker",
  "app",
  "chores admin",
  "reconcile",
  "replay receive deliver clicks",
  "alert queue",
  "ledger",
  "mapping dub body",
  "verify",
  "transitions lead settings context json-text",
  "states usable hash log json json-text time",
];
const layerOf = (part: string) => LAYERS.findIndex((layer) => layer.split(" ").includes(part));
const partOf = (file: string) => file.split("/")[0]?.replace(/\.tsx?$/, "") ?? "";

const src = join(ROOT, "src");
const imports = new Map(
  globSync("**/*.{ts,tsx}", { cwd: src }).map((file) => {
    const text = readFileSync(join(src, file), "utf8");
    const found = [...text.matchAll(/(?:from|import\(|import) ?"([^"]+)"/g)].map(([, name = ""]) => name);
    return [file, found.map((name) => (name.startsWith(".") ? join(file, "..", name) : name))];
  }),
);

it.each([...imports])("%s", (file, names) => {
  const own = partOf(file);
  expect(layerOf(own), `${own} is in no layer: add it to LAYERS`).toBeGreaterThanOrEqual(0);
  for (const name of names.filter((one) => imports.has(one) && partOf(one) !== own))
    expect(layerOf(partOf(name)), `${file} imports ${name}, which is not below it`).toBeGreaterThan(
      layerOf(own),
    );
  if (own !== "dev") expect(names.filter((name) => name.startsWith("node:"))).toEqual([]);

  const reached = new Set(names);
  for (const name of reached) for (const next of imports.get(name) ?? []) reached.add(next);
  expect([...reached], `${file} imports itself by a circle`).not.toContain(file);
});
