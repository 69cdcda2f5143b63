/** The project's files, as the tools on this side read them. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";
import { compileMapping, formatProblem, type Mapping, MappingError } from "../mapping/compile.ts";
import { Sample } from "../mapping/schema.ts";
import { UserError } from "./user-error.ts";

export const ROOT = resolve(import.meta.dirname, "../..");
export const MAPPINGS = join(ROOT, "mappings");

/** Files of your own: the folder of a provider in here is used instead of the shipped one of the same name. */
export const OWN = join(MAPPINGS, "own");

/** A provider's folder: `mapping.json`, `README.md` and `samples/`. `shown` is its path as people read it. */
export type ProviderFolder = { provider: string; own: boolean; path: string; shown: string };

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
      `There is no mappings/${provider}/mapping.json. There are: ${providers().join(", ")}.`,
    );
  return folder;
}

/** The JSON of a file; the error names the file, line and column. */
export function readJson(path: string): unknown {
  const text = readFileSync(path, "utf8");
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UserError(`${path}: ${(error as Error).message}`);
  }
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

/** The samples in a provider's folder by name, in alphabetical order. Throws a UserError for a file that is no sample. */
export function readSamples({ path, shown }: ProviderFolder): Map<string, Sample> {
  const folder = join(path, "samples");
  if (!existsSync(folder)) return new Map();
  const names = readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .map((file) => basename(file, ".json"))
    .sort();
  return new Map(
    names.map((name) => {
      const parsed = Sample.safeParse(readJson(join(folder, `${name}.json`)));
      if (!parsed.success) {
        const issues = parsed.error.issues.map(
          (issue) => `${issue.path.join(".") || "(file)"}: ${issue.message}`,
        );
        throw new UserError(`${shown}/samples/${name}.json: ${issues.join("; ")}`);
      }
      return [name, parsed.data];
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
      `There is no ${folder.shown}/samples/${name}.json. There are: ${[...samples.keys()].join(", ")}.`,
    );
  return sample;
}
