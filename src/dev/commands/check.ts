/**
 * `npm run check`: every mapping file against its schema, its expressions and its samples. `-- --write` first writes
 * what is generated, `-- --accept` first takes over what the samples become now.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { acceptable } from "../check/accept.ts";
import { checkProvider, FolderError, type Found, loadFolder, writeSchemaLines } from "../check/provider.ts";
import { showDifferences, showFound } from "../check/show.ts";
import { command, exitWith, jsonOption, run } from "../command.ts";
import { folderOf, type ProviderFolder, providerFolders, providers, ROOT } from "../files.ts";
import { generated, mappingLists } from "../generated.ts";
import { UserError } from "../user-error.ts";

type Result = {
  found: Found[];
  /** What to know or to do about them. */
  notes: string[];
};

/** Everything wrong with all mapping files. */
function checkAll(): Result {
  const folders = providerFolders().map((folder) => ({ folder, ...checkProvider(folder) }));
  const outdated = [...mappingLists()]
    .filter(([path, content]) => !existsSync(path) || readFileSync(path, "utf8") !== content)
    .map(([path]) => ({
      file: relative(ROOT, path),
      path: "",
      line: 1,
      column: 1,
      message: 'is out of date: run "npm run check -- --write"',
    }));
  return {
    found: [...folders.flatMap(({ found }) => found), ...outdated],
    notes: folders.flatMap(({ folder, found, following }) => notesOn(folder, found, following)),
  };
}

function notesOn(folder: ProviderFolder, found: Found[], following: number): string[] {
  const { provider, shown } = folder;
  const differ = found.filter(({ differences }) => differences !== undefined);
  return [
    ...(following > 0
      ? [`${following} samples of ${shown} become something else than they expect because of the above.`]
      : []),
    ...(differ.length > 0 &&
    differ.length === found.length &&
    folderOf(provider).shown === shown &&
    canAccept(folder)
      ? [`If this is what you mean, "npm run check -- --accept ${provider}" writes it into the samples.`]
      : []),
  ];
}

const canAccept = (folder: ProviderFolder) => acceptable(folder, loadFolder(folder)).refused.length === 0;

function show({ found, notes }: Result): string {
  return [...found.map(showFound), ...(notes.length > 0 ? ["", ...notes] : [])].join("\n");
}

/** A problem as `--json` prints it. */
function forScripts({ shown: _, differences, ...found }: Found) {
  const rows = differences?.map(({ sample, event, field, expected, got }) => ({
    sample,
    event,
    field,
    expected,
    got,
  }));
  return { ...found, ...(rows && { differences: rows }) };
}

/** Throws a UserError that names everything wrong, and says `more`; wrangler's own message of a failed build is no help. */
export async function refuseWrongMappings(more?: string): Promise<void> {
  const result = checkAll();
  if (result.found.length > 0) throw new UserError([show(result), more].filter(Boolean).join("\n"));
}

/** Writes what is generated. */
async function writeGenerated(): Promise<void> {
  for (const folder of providerFolders()) writeSchemaLines(folder);
  const writeAll = (files: Map<string, string>) => {
    for (const [path, content] of files) writeFileSync(path, content);
  };
  // The rest is made by code that imports the lists.
  writeAll(mappingLists());
  writeAll(await generated());
}

/**
 * Writes into the samples of a provider, or of all, what they become now, and shows it. What is wrong with a mapping
 * file itself keeps its samples as they are, and is returned.
 */
function accept(folders: ProviderFolder[], say: (text: string) => void): Found[] {
  return folders.flatMap((folder) => {
    try {
      const { refused, accepted } = acceptable(folder, loadFolder(folder));
      for (const { file, text, differences } of accepted) {
        say(`${folder.shown}/${file}: expect is changed\n${showDifferences(differences, ["before", "now"])}`);
        writeFileSync(join(folder.path, file), text);
      }
      return refused;
    } catch (error) {
      if (error instanceof FolderError) return error.found;
      throw error;
    }
  });
}

type Options = { write?: true; accept?: string | true; json?: true };

async function check(options: Options): Promise<number> {
  if (options.write) await writeGenerated();
  if (options.accept !== undefined) {
    const folders = options.accept === true ? providerFolders() : [folderOf(options.accept)];
    const refused = accept(folders, options.json ? console.error : console.log);
    if (refused.length > 0)
      console.error("No sample is changed where the mapping file itself has problems: correct them first.");
  }
  const result = checkAll();
  const { found } = result;
  if (options.json) console.log(JSON.stringify(found.map(forScripts), null, 2));
  else if (found.length > 0) console.log(show(result));
  console.error(
    found.length > 0
      ? `\n${found.length} problem(s)`
      : `${providers().length} mapping files are right: ${providers().join(", ")}`,
  );
  return found.length > 0 ? 1 : 0;
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
  .option(
    "--accept [provider]",
    "first write what the samples become now into their expect, and show the change; not where the mapping file itself has problems",
  )
  .addOption(jsonOption())
  .action(exitWith(check));

if (import.meta.main) void run(program);
