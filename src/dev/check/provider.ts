/** Everything wrong with one provider's folder: its mapping file, its `$schema` lines and its samples. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { compileMapping, formatProblem, type Mapping, MappingError } from "../../mapping/compile.ts";
import type { Sample } from "../../mapping/schema.ts";
import { DEFAULT_SAMPLE, MAPPINGS, type ProviderFolder, readJson, readSamples } from "../files.ts";
import { UserError } from "../user-error.ts";
import { mistakesOf } from "./mistakes.ts";
import { asExpected, canonical, resultsOf } from "./results.ts";

/** Everything wrong in a provider's folder, a sentence each. */
export function checkProvider(folder: ProviderFolder): string[] {
  const { provider, own, path, shown } = folder;
  const file = `${shown}/mapping.json`;
  if (!/^[a-z][a-z0-9-]*$/.test(provider))
    return [
      `${shown}: name the folder with lower-case letters, digits and dashes; it is part of the address`,
    ];
  let mapping: Mapping;
  let samples: Map<string, Sample>;
  try {
    mapping = compileMapping(provider, readJson(join(path, "mapping.json")));
    samples = readSamples(folder);
  } catch (error) {
    if (error instanceof MappingError)
      return error.problems.map((problem) => `${file}: ${formatProblem(problem)}`);
    if (error instanceof UserError) return [error.message];
    throw error;
  }
  const wrong = wrongSchemaLines(folder).map(
    ({ shown, line, right }) =>
      `${shown}: $schema is ${line}, write "${right}", or run "npm run check -- --write"`,
  );
  if (!samples.has(DEFAULT_SAMPLE))
    wrong.push(
      `${shown}/samples/${DEFAULT_SAMPLE}.json is missing: the sample that is sent when none is named`,
    );
  if (!own && !existsSync(join(path, "README.md")))
    wrong.push(
      `${shown}/README.md is missing: it says where address and secret are entered at the provider, and how the click id is passed`,
    );
  for (const [name, sample] of samples) {
    const actual = resultsOf(mapping, sample);
    if (!asExpected(sample.expect, actual))
      wrong.push(
        `${shown}/samples/${name}.json: expect is\n  ${canonical(sample.expect)}\nbut the mapping gives\n  ${canonical(actual)}`,
      );
  }
  for (const mistake of mistakesOf(mapping, [...samples.values()]))
    wrong.push(`${file}: ${formatProblem(mistake)}`);
  return wrong;
}

type SchemaLine = { file: string; shown: string; line: string; right: string };

/** The `$schema` lines of a folder that don't lead to the schema, as after copying a folder to another depth. */
function wrongSchemaLines({ path, shown }: ProviderFolder): SchemaLine[] {
  const samples = join(path, "samples");
  const files = [
    ["mapping.json", "mapping.schema.json"] as const,
    ...(existsSync(samples) ? readdirSync(samples) : [])
      .filter((name) => name.endsWith(".json"))
      .map((name) => [`samples/${name}`, "sample.schema.json"] as const),
  ];
  return files.flatMap(([name, schema]) => {
    const file = join(path, name);
    const right = relative(join(file, ".."), join(MAPPINGS, schema));
    const { $schema } = readJson(file) as { $schema?: unknown };
    return $schema === undefined || $schema === right
      ? []
      : [{ file, shown: `${shown}/${name}`, line: JSON.stringify($schema), right }];
  });
}

/** Corrects the `$schema` lines of a folder. */
export function writeSchemaLines(folder: ProviderFolder): void {
  for (const { file, line, right } of wrongSchemaLines(folder))
    writeFileSync(file, readFileSync(file, "utf8").replace(line, JSON.stringify(right)));
}
