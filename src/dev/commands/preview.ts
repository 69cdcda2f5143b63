/** `npm run preview -- <provider> <sample or file>`: what a webhook becomes and why, without network. */
import { existsSync } from "node:fs";
import { parseJson } from "../../json.ts";
import type { MappedEvent } from "../../mapping/apply.ts";
import type { Mapping } from "../../mapping/compile.ts";
import { resultOf } from "../../mapping/result.ts";
import { Sample } from "../../mapping/schema.ts";
import { REASONS, statusOf } from "../../states.ts";
import { mapBody } from "../check/results.ts";
import { command, exitWith, jsonOption, repeated, run } from "../command.ts";
import { folderOf, loadMapping, providers, readMapping, readSample, sampleNames } from "../files.ts";
import { givenHeaders, readBytes, replaced, toHeaders } from "../headers.ts";
import { styled } from "../print.ts";
import { sampleBody } from "../samples/sign.ts";
import { UserError } from "../user-error.ts";
import { whyIgnored } from "../why-ignored.ts";

type Given = { body: Uint8Array; headers: Record<string, string> };

/** A sample by its name, else a file: a webhook's body, or a sample. */
function read(provider: string, given: string): Given {
  const names = sampleNames(folderOf(provider));
  if (names.includes(given)) return ofSample(readSample(provider, given));
  if (given !== "-" && !/[./\\]/.test(given) && !existsSync(given))
    throw new UserError(`There is neither a sample nor a file "${given}". Samples: ${names.join(", ")}.`);
  const body = readBytes(given);
  const sample = sampleIn(body);
  return sample ? ofSample(sample) : { body, headers: {} };
}

const ofSample = (sample: Sample): Given => ({ body: sampleBody(sample), headers: sample.headers ?? {} });

function sampleIn(body: Uint8Array): Sample | undefined {
  try {
    return Sample.safeParse(parseJson(new TextDecoder().decode(body))).data;
  } catch {
    return undefined;
  }
}

/** What becomes of an event, in lines for people. */
function describe(mapping: Mapping, { event, type, outcome }: MappedEvent): string[] {
  const name = type ?? "(no type)";
  const line = (what: string, said = "") => `${name}  →  ${styled(what, what)}${said}`;
  if (outcome.kind === "ignored")
    return [
      line("ignored", ": no rule takes it"),
      ...whyIgnored(mapping, name, event).map((one) => `  ${one}`),
    ];
  const warnings = outcome.warnings.map(({ field, did }) => `  Warning: ${field}: ${did}`);
  const lead = outcome.lead
    ? JSON.stringify(outcome.lead, null, 2)
        .split("\n")
        .map((one) => `  ${one}`)
    : [];
  if (outcome.kind === "lead") return [line("lead"), ...lead, ...warnings];
  const { means, todo } = REASONS[outcome.reason];
  return [
    line(statusOf(outcome.reason), ` (${outcome.reason})`),
    `  ${means}`,
    ...(outcome.detail ? [`  ${outcome.detail}`] : []),
    `  What to do: ${todo}`,
    ...warnings,
    ...(lead.length > 0 ? ["  The lead would be:", ...lead] : []),
  ];
}

export const program = command("preview", "Says what a webhook becomes, and why. Nothing is sent.", {
  0: "the webhook is mapped, whatever it becomes",
})
  .argument("<provider>", "a folder of mappings, such as clerk")
  .argument(
    "<webhook>",
    "the name of a sample, or a file with the body as the provider sends it; - reads standard input",
  )
  .option(
    "--headers <file or name=value>",
    "headers of the webhook, for mapping files that read one; may be repeated",
    repeated,
    [],
  )
  .addOption(jsonOption())
  .action(
    exitWith((provider, webhook, { headers: given, json }) => {
      const mapping = loadMapping(provider);
      const { body, headers } = read(provider, webhook);
      const all = replaced(toHeaders(Object.entries(headers)), givenHeaders(given));
      const files = Object.fromEntries(providers().map((name) => [name, readMapping(name)]));
      const mapped = mapBody(mapping, body, all, files, webhook);
      if (json) console.log(JSON.stringify(mapped.map(resultOf), null, 2));
      else if (mapped.length === 0) console.log("The webhook holds no event.");
      else console.log(mapped.map((one) => describe(mapping, one).join("\n")).join("\n\n"));
      return 0;
    }),
  );

if (import.meta.main) void run(program);
