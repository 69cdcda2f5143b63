/**
 * `npm run check`: every mapping file against its schema, its expressions and its samples. `-- --write` first writes
 * what is generated: the lists of mapping files, the JSON Schemas, the tables of the documentation.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { relative } from "node:path";
import { checkProvider, writeSchemaLines } from "../check/provider.ts";
import { main, providerFolders, providers, ROOT, UserError } from "../files.ts";
import { generated, mappingLists } from "../generated.ts";

/** Everything wrong with all mapping files, a sentence each. */
function checkAll(): string[] {
  const outdated = [...mappingLists()]
    .filter(([path, content]) => !existsSync(path) || readFileSync(path, "utf8") !== content)
    .map(([path]) => `${relative(ROOT, path)} is out of date: run "npm run check -- --write"`);
  return [...providerFolders().flatMap(checkProvider), ...outdated];
}

/** Throws a UserError that names everything wrong; wrangler's own message of a failed build is no help. */
export async function refuseWrongMappings(): Promise<void> {
  const wrong = checkAll();
  if (wrong.length > 0) throw new UserError(wrong.join("\n"));
}

function check(write: boolean): number {
  if (write) {
    for (const folder of providerFolders()) writeSchemaLines(folder);
    for (const [path, content] of generated()) writeFileSync(path, content);
  }
  const wrong = checkAll();
  for (const line of wrong) console.error(line);
  console.error(
    wrong.length > 0
      ? `\n${wrong.length} problem(s)`
      : `${providers().length} mapping files are right: ${providers().join(", ")}`,
  );
  return wrong.length > 0 ? 1 : 0;
}

if (import.meta.main) await main(() => check(process.argv.includes("--write")));
