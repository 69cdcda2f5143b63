/** The project's files, as the tools on this side read them. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { parseEnv } from "node:util";
import { Sample } from "../mapping/schema.ts";
import { SecretError } from "../verify/secret.ts";

export const ROOT = resolve(import.meta.dirname, "../..");
export const MAPPINGS = join(ROOT, "mappings");

/** A mistake of the person at the keyboard: printed without a stack. */
export class UserError extends Error {}

/** Names of the providers that have a mapping file. */
export function providers(): string[] {
  return readdirSync(MAPPINGS)
    .filter((file) => file.endsWith(".json") && !file.endsWith(".schema.json"))
    .map((file) => basename(file, ".json"))
    .sort();
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

export function readMapping(provider: string): unknown {
  const path = join(MAPPINGS, `${provider}.json`);
  if (!providers().includes(provider))
    throw new UserError(`There is no mappings/${provider}.json. There are: ${providers().join(", ")}.`);
  return readJson(path);
}

/** The samples of a provider by name, in alphabetical order; throws a UserError for a file that is no sample. */
export function readSamples(provider: string): Map<string, Sample> {
  const folder = join(MAPPINGS, "samples", provider);
  if (!existsSync(folder)) return new Map();
  const names = readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .sort((a, b) => (basename(a, ".json") < basename(b, ".json") ? -1 : 1));
  return new Map(
    names.map((file) => {
      const parsed = Sample.safeParse(readJson(join(folder, file)));
      if (!parsed.success) {
        const issues = parsed.error.issues.map(
          (issue) => `${issue.path.join(".") || "(file)"}: ${issue.message}`,
        );
        throw new UserError(`mappings/samples/${provider}/${file}: ${issues.join("; ")}`);
      }
      return [basename(file, ".json"), parsed.data];
    }),
  );
}

/** The sample that `npm start` sends and `npm run send` takes when none is named. */
export const DEFAULT_SAMPLE = "sign-up";

export function readSample(provider: string, name = DEFAULT_SAMPLE): Sample {
  readMapping(provider);
  const samples = readSamples(provider);
  const sample = samples.get(name);
  if (!sample)
    throw new UserError(
      `There is no mappings/samples/${provider}/${name}.json. There are: ${[...samples.keys()].join(", ")}.`,
    );
  return sample;
}

/** What .dev.vars holds; {} when there is none. */
export function readDevVars(): Record<string, string> {
  const path = join(ROOT, ".dev.vars");
  return existsSync(path) ? (parseEnv(readFileSync(path, "utf8")) as Record<string, string>) : {};
}

/** Runs a command-line tool: a UserError is printed as it is and exits with 1. */
export async function main(run: () => Promise<number | undefined> | number | undefined): Promise<void> {
  try {
    process.exitCode = (await run()) ?? 0;
  } catch (error) {
    if (!(error instanceof UserError || error instanceof SecretError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
