/**
 * `npm run check`: every mapping file against its schema, its expressions and its samples. `-- --write` also makes the
 * JSON Schemas and README's tables of reasons and answers anew.
 */
import { writeFileSync } from "node:fs";
import { mapWebhook } from "../../mapping/apply.ts";
import { compileMapping, formatProblem, type Mapping, MappingError } from "../../mapping/compile.ts";
import type { Sample } from "../../mapping/schema.ts";
import { decodeBody } from "../../receive/body.ts";
import { REASONS } from "../../states.ts";
import { DEFAULT_SAMPLE, main, providers, readMapping, readSamples, UserError } from "../files.ts";
import { generated } from "../generated.ts";
import { unusedExpressions } from "../samples/coverage.ts";
import { sampleBody } from "../samples/sign.ts";

/** What became of one event, in the words of a sample's `expect`. */
type Result = Sample["expect"][number];

/** What the events of a sample come to under a mapping, test events treated as by default. */
function resultsOf(mapping: Mapping, sample: Sample): Result[] {
  return preview(mapping, sampleBody(sample), new Headers(sample.headers));
}

/** What a webhook's body comes to under a mapping; throws a UserError when it can't be read. */
export function preview(mapping: Mapping, body: Uint8Array, headers: Headers): Result[] {
  const decoded = decodeBody(body, mapping.file.format);
  if (!decoded.ok) throw new UserError(`The payload can't be read: ${decoded.problem}`);
  const mapped = mapWebhook(
    mapping,
    { body: decoded.value, headers, deliveryId: "sample" },
    { acceptTestEvents: false },
  );
  return mapped.map(({ outcome }): Result => {
    if (outcome.kind === "ignored") return { ignored: true };
    if (outcome.kind === "ended") {
      const reason = outcome.detail ? `${outcome.reason} (${outcome.detail})` : outcome.reason;
      return REASONS[outcome.reason].status === "skipped" ? { skipped: reason } : { rejected: reason };
    }
    const warnings = outcome.warnings.map(({ field, did }) => `${field}: ${did}`);
    return { lead: outcome.lead, ...(warnings.length > 0 && { warnings }) };
  });
}

/** Everything wrong with one provider's mapping file and samples, a sentence each. */
function checkProvider(provider: string): string[] {
  const file = `mappings/${provider}.json`;
  let mapping: Mapping;
  try {
    mapping = compileMapping(provider, readMapping(provider));
  } catch (error) {
    if (error instanceof MappingError)
      return error.problems.map((problem) => `${file}: ${formatProblem(problem)}`);
    if (error instanceof UserError) return [error.message];
    throw error;
  }
  let samples: Map<string, Sample>;
  try {
    samples = readSamples(provider);
  } catch (error) {
    if (error instanceof UserError) return [error.message];
    throw error;
  }
  const wrong: string[] = [];
  if (!samples.has(DEFAULT_SAMPLE))
    wrong.push(
      `mappings/samples/${provider}/${DEFAULT_SAMPLE}.json is missing: the sample that is sent when none is named`,
    );
  for (const [name, sample] of samples) {
    const actual = resultsOf(mapping, sample);
    if (canonical(actual) !== canonical(withoutDetail(sample.expect, actual)))
      wrong.push(
        `mappings/samples/${provider}/${name}.json: expect is\n  ${canonical(sample.expect)}\nbut the mapping gives\n  ${canonical(actual)}`,
      );
  }
  for (const { path, source } of unusedExpressions(mapping, [...samples.values()]))
    wrong.push(
      `${file}: ${path}: ${source} gives no value in any sample of mappings/samples/${provider}. Is there a typo? Otherwise add a sample where it does`,
    );
  return wrong;
}

/** A sample may leave the detail of a rejection out. */
function withoutDetail(expected: Result[], actual: Result[]): Result[] {
  return expected.map((one, i) => {
    const other = actual[i];
    return "rejected" in one && other && "rejected" in other && other.rejected.startsWith(`${one.rejected} (`)
      ? other
      : one;
  });
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** Everything wrong with all mapping files. */
async function checkAll(): Promise<string[]> {
  const wrong = providers().flatMap(checkProvider);
  // Loaded late: a file that is no JSON has been named by now.
  const index = await import("../../../mappings/index.ts").catch(() => undefined);
  if (!index) return wrong.length > 0 ? wrong : ["mappings/index.ts can't be loaded"];
  const named = Object.keys(index.mappings);
  return [
    ...wrong,
    ...named
      .filter((provider) => !providers().includes(provider))
      .map((provider) => `mappings/index.ts: there is no mappings/${provider}.json`),
    ...providers()
      .filter((provider) => !named.includes(provider))
      .map((provider) => `mappings/${provider}.json: not named in mappings/index.ts`),
  ];
}

/** Throws a UserError that names everything wrong; wrangler's own message of a failed build is no help. */
export async function refuseWrongMappings(): Promise<void> {
  const wrong = await checkAll();
  if (wrong.length > 0) throw new UserError(wrong.join("\n"));
}

async function check(write: boolean): Promise<number> {
  if (write) for (const [path, content] of generated()) writeFileSync(path, content);
  const wrong = await checkAll();
  for (const line of wrong) console.error(line);
  console.error(
    wrong.length > 0
      ? `\n${wrong.length} problem(s)`
      : `${providers().length} mapping files are right: ${providers().join(", ")}`,
  );
  return wrong.length > 0 ? 1 : 0;
}

if (import.meta.main) await main(() => check(process.argv.includes("--write")));
