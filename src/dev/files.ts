/** The project's files, as the tools on this side read them. */
import { isUtf8 } from "node:buffer";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";
import { JsonError, type JsonText, readJsonText } from "../json-text.ts";
import { compileMapping, formatProblem, type Mapping, MappingError, problemsOf } from "../mapping/compile.ts";
import { Sample } from "../mapping/schema.ts";
import { didYouMean } from "./near.ts";
import { UserError } from "./user-error.ts";

export const ROOT = resolve(import.meta.dirname, "../..");
export const MAPPINGS = join(ROOT, "mappings");

/** Files of your own: the folder of a provider in here is used instead of the shipped one of the same name. */
export const OWN = join(MAPPINGS, "own");

/** A provider's folder: `mapping.json`, `README.md` and `samples/`. `shown` is its path as people read it. */
export type ProviderFolder = { provider: string; own: boolean; path: string; shown: string };

/** Whether a folder's name can be part of an address, of a secret's name and of a name in TypeScript. */
export const isProviderName = (name: string) => /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name);

/** Every folder with a mapping file: the shipped ones, then your own, each in alphabetical order. */
export function providerFolders(): ProviderFolder[] {
  const inside = (root: string, own: boolean) =>
    readdirSync(root)
      .filter((name) => existsSync(join(root, name, "mapping.json")))
      .sort()
      .map((provider) => {
        const path = join(root, provider);
        return { provider, own, path, shown: relative(ROOT, path) };
      });
  return [...inside(MAPPINGS, false), ...(existsSync(OWN) ? inside(OWN, true) : [])];
}

/** Names of the providers that have a mapping file, in alphabetical order. */
export function providers(): string[] {
  return [...new Set(providerFolders().map(({ provider }) => provider))].sort();
}

/** The folder in use for a provider: your own, else the shipped one. Throws a UserError when there is none. */
export function folderOf(provider: string): ProviderFolder {
  const folder = providerFolders().findLast((one) => one.provider === provider);
  if (!folder)
    throw new UserError(
      `There is no mappings/${provider}/mapping.json${didYouMean(provider, providers(), String) || `. There are: ${providers().join(", ")}.`}`,
    );
  return folder;
}

/** A file that is no JSON. `file` is its path as people read it. */
export class JsonFileError extends UserError {
  file: string;
  at: JsonError;
  constructor(path: string, at: JsonError) {
    const file = relative(ROOT, path);
    super(`${file}:${at.line}:${at.column}: ${at.message}\n${at.shown}`);
    this.file = file;
    this.at = at;
  }
}

/** The JSON of a file, with the place of each value. Throws a JsonFileError that shows the line. */
export function readJsonFile(path: string): JsonText {
  try {
    const bytes = readFileSync(path);
    const text = bytes.toString("utf8");
    if (!isUtf8(bytes))
      throw new JsonError(
        "this is not UTF-8: save the file as UTF-8 without BOM",
        text,
        text.indexOf("\ufffd"),
      );
    return readJsonText(text);
  } catch (error) {
    throw error instanceof JsonError ? new JsonFileError(path, error) : error;
  }
}

/** The JSON of a file. Throws a JsonFileError that shows the line. */
export function readJson(path: string): unknown {
  return readJsonFile(path).value;
}

/** The JSON of the mapping file in use for a provider. */
export function readMapping(provider: string): unknown {
  return readJson(join(folderOf(provider).path, "mapping.json"));
}

/** The compiled mapping in use for a provider. Throws a UserError that names everything wrong in the file. */
export function loadMapping(provider: string): Mapping {
  try {
    return compileMapping(provider, readMapping(provider));
  } catch (error) {
    if (!(error instanceof MappingError)) throw error;
    const { shown } = folderOf(provider);
    throw new UserError(
      error.problems.map((problem) => `${shown}/mapping.json: ${formatProblem(problem)}`).join("\n"),
    );
  }
}

/** The names of the samples in a provider's folder, in alphabetical order. */
export function sampleNames({ path }: ProviderFolder): string[] {
  const folder = join(path, "samples");
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter((file) => file.endsWith(".json"));
  return files.map((file) => basename(file, ".json")).sort();
}

/** The file of a sample in its provider's folder. */
export const sampleFile = (name: string) => `samples/${name}.json`;

/** The samples in a provider's folder by name. Throws a UserError for a file that is no sample. */
export function readSamples(folder: ProviderFolder): Map<string, Sample> {
  return new Map(
    sampleNames(folder).map((name) => {
      const parsed = Sample.safeParse(readJson(join(folder.path, sampleFile(name))));
      if (parsed.success) return [name, parsed.data];
      const problems = parsed.error.issues.flatMap(problemsOf).map(formatProblem);
      throw new UserError(`${folder.shown}/${sampleFile(name)}: ${problems.join("; ")}`);
    }),
  );
}

/** The sample that `npm start` sends and `npm run send` takes when none is named. */
export const DEFAULT_SAMPLE = "sign-up";

/** One sample of a provider. Throws a UserError that lists the samples when there is none of that name. */
export function readSample(provider: string, name = DEFAULT_SAMPLE): Sample {
  const folder = folderOf(provider);
  const samples = readSamples(folder);
  const sample = samples.get(name);
  if (!sample)
    throw new UserError(
      `There is no ${folder.shown}/samples/${name}.json${didYouMean(name, samples.keys(), String) || `. There are: ${[...samples.keys()].join(", ")}.`}`,
    );
  return sample;
}
