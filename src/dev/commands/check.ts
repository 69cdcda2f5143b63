/**
 * `npm run check`: every mapping file against its schema, its expressions and its samples. `-- --write` first writes
 * what is generated: the lists of mapping files, the JSON Schemas, the tables of the documentation.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { relative } from "node:path";
import { checkProvider, writeSchemaLines } from "../check/provider.ts";
import { command, exitWith, run } from "../command.ts";
import { providerFolders, providers, ROOT } from "../files.ts";
import { generated, mappingLists } from "../generated.ts";
import { UserError } from "../user-error.ts";

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

async function check(write: boolean): Promise<number> {
  if (write) {
    for (const folder of providerFolders()) writeSchemaLines(folder);
    const writeAll = (files: Map<string, string>) => {
      for (const [path, content] of files) writeFileSync(path, content);
    };
    // The rest is made by code that imports the lists.
    writeAll(mappingLists());
    writeAll(await generated());
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

export const program = command(
  "check",
  "Checks every mapping file against its schema, its expressions and its samples.",
  {
    0: "all mapping files are right",
    1: "problems were found",
  },
)
  .option(
    "--write",
    "first write what is generated: lists of mapping files, JSON Schemas, tables of the documentation",
  )
  .action(exitWith(({ write }) => check(write ?? false)));

if (import.meta.main) void run(program);
