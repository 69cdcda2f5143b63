/** Everything wrong with one provider's folder: its mapping file, its `$schema` lines and its samples. */
import { existsSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { type JsonText, positionOf } from "../../json-text.ts";
import {
  compileMapping,
  formatProblem,
  type Mapping,
  MappingError,
  type Problem,
  problemsOf,
} from "../../mapping/compile.ts";
import { Sample } from "../../mapping/schema.ts";
import {
  DEFAULT_SAMPLE,
  isProviderName,
  JsonFileError,
  type ProviderFolder,
  readJsonFile,
  sampleFile,
  sampleNames,
} from "../files.ts";
import { causesOf } from "./causes.ts";
import type { Difference } from "./differences.ts";
import { withSuggestions } from "./suggest.ts";

/** A problem with its place. `path`: in the JSON of the file; empty for the file itself. Lines and columns from 1. */
export type Found = {
  file: string;
  path: string;
  line: number;
  column: number;
  message: string;
  /** The line with a mark below the column, where the file is no JSON. */
  shown?: string;
  /** How samples differ from what they expect. */
  differences?: Difference[];
};

/** A provider's folder that can be tried: its mapping file compiles, and its samples are samples. */
export type Loaded = {
  mapping: Mapping;
  file: JsonText;
  samples: Map<string, { sample: Sample; file: JsonText }>;
};

/** A provider's folder; throws a FolderError with everything that keeps it from being tried. */
export function loadFolder(folder: ProviderFolder): Loaded {
  const { provider, shown, path } = folder;
  if (!isProviderName(provider))
    throw new FolderError([
      inFile(
        shown,
        "name the folder with lower-case letters, digits and single dashes between them; it is part of the address",
      ),
    ]);
  const found: Found[] = [];
  const read = (file: string): JsonText | undefined => {
    try {
      return readJsonFile(join(path, file));
    } catch (error) {
      if (!(error instanceof JsonFileError)) throw error;
      const { at } = error;
      const { line, column, message } = at;
      found.push({ file: `${shown}/${file}`, path: "", line, column, message, shown: at.shown });
      return undefined;
    }
  };
  const file = read("mapping.json");
  let mapping: Mapping | undefined;
  try {
    if (file) mapping = compileMapping(provider, file.value);
  } catch (error) {
    if (!(error instanceof MappingError && file)) throw error;
    const problems = withSuggestions(error.problems, "mapping", file.value);
    found.push(...problems.map((problem) => placed(`${shown}/mapping.json`, file, problem)));
  }
  const samples: Loaded["samples"] = new Map();
  for (const name of sampleNames(folder)) {
    const text = read(sampleFile(name));
    if (!text) continue;
    const parsed = Sample.safeParse(text.value);
    if (parsed.success) samples.set(name, { sample: parsed.data, file: text });
    else {
      const problems = withSuggestions(parsed.error.issues.flatMap(problemsOf), "sample", text.value);
      found.push(...problems.map((problem) => placed(`${shown}/${sampleFile(name)}`, text, problem)));
    }
  }
  if (found.length > 0 || !mapping || !file) throw new FolderError(found);
  return { mapping, file, samples };
}

export class FolderError extends Error {
  found: Found[];
  constructor(found: Found[]) {
    super(found.map(({ file, message }) => `${file}: ${message}`).join("\n"));
    this.found = found;
  }
}

/** What a check of a provider's folder gives. `following`: how many samples fail because of what was found. */
export type Checked = { found: Found[]; following: number };

/** Everything wrong in a provider's folder. */
export function checkProvider(folder: ProviderFolder): Checked {
  let loaded: Loaded;
  try {
    loaded = loadFolder(folder);
  } catch (error) {
    if (error instanceof FolderError) return { found: error.found, following: 0 };
    throw error;
  }
  const { shown, own, path } = folder;
  const { causes, following } = causesIn(folder, loaded);
  const found = [...causes];
  for (const { file, line, right, text } of wrongSchemaLines(folder, loaded))
    found.push(
      placed(`${shown}/${file}`, text, {
        path: "$schema",
        message: `is ${line}, write "${right}", or run "npm run check -- --write"`,
      }),
    );
  if (!loaded.samples.has(DEFAULT_SAMPLE))
    found.push(
      inFile(
        `${shown}/samples/${DEFAULT_SAMPLE}.json`,
        "is missing: the sample that is sent when none is named",
      ),
    );
  if (!own && !existsSync(join(path, "README.md")))
    found.push(
      inFile(
        `${shown}/README.md`,
        "is missing: it says where address and secret are entered at the provider, and how the click id is passed",
      ),
    );
  return { found, following: following.size };
}

/** The causes of what is wrong, each with its place. Without `differences` what samples expect does not matter. */
export function causesIn(
  { shown }: ProviderFolder,
  { mapping, file, samples }: Loaded,
  options: { differences?: boolean } = {},
): { causes: Found[]; following: Set<string> } {
  const parsed = new Map([...samples].map(([name, { sample }]) => [name, sample]));
  const { causes, following } = causesOf(mapping, parsed, options);
  return {
    causes: causes.map(({ sample: name, differences, ...problem }) => {
      const sample = name === undefined ? undefined : samples.get(name);
      return {
        ...placed(
          `${shown}/${sample ? sampleFile(name as string) : "mapping.json"}`,
          sample?.file ?? file,
          problem,
        ),
        ...(differences && { differences }),
      };
    }),
    following,
  };
}

function placed(file: string, text: JsonText, problem: Problem): Found {
  const { path, column } = problem;
  const key = problem.message.startsWith("unknown key");
  const [, message = ""] = formatProblem({ ...problem, path: "" }).split(/^: /);
  return { file, path, ...positionOf(text, path, { column, key }), message };
}

const inFile = (file: string, message: string): Found => ({ file, path: "", line: 1, column: 1, message });

type SchemaLine = { file: string; line: string; right: string; text: JsonText };

/** The `$schema` lines of a folder that don't lead to the schema, as after copying a folder to another depth. */
function wrongSchemaLines({ shown }: ProviderFolder, { file, samples }: Loaded): SchemaLine[] {
  const files = [
    { file: "mapping.json", schema: "mapping.schema.json", text: file },
    ...[...samples].map(([name, sample]) => ({
      file: sampleFile(name),
      schema: "sample.schema.json",
      text: sample.file,
    })),
  ];
  return files.flatMap(({ file, schema, text }) => {
    const right = relative(join(shown, file, ".."), join("mappings", schema));
    const { $schema } = text.value as { $schema?: unknown };
    return $schema === undefined || $schema === right
      ? []
      : [{ file, line: JSON.stringify($schema), right, text }];
  });
}

/** Corrects the `$schema` lines of a folder; those of a folder that can't be read stay. */
export function writeSchemaLines(folder: ProviderFolder): void {
  let loaded: Loaded;
  try {
    loaded = loadFolder(folder);
  } catch (error) {
    if (error instanceof FolderError) return;
    throw error;
  }
  for (const { file, line, right, text } of wrongSchemaLines(folder, loaded))
    writeFileSync(join(folder.path, file), text.text.replace(line, JSON.stringify(right)));
}
