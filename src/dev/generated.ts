/** Files made from the source: the JSON Schemas for editors and README's table of reasons. A test keeps them current. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod/mini";
import { MappingFile, Sample } from "../mapping/schema.ts";
import { REASONS, STATUS_NAMES } from "../states.ts";
import { MAPPINGS, ROOT } from "./files.ts";

/** Path → content. */
export function generated(): Map<string, string> {
  const schema = (type: z.core.$ZodType, title: string) =>
    `${JSON.stringify({ ...z.toJSONSchema(type, { io: "input" }), title }, null, 2)}\n`;
  const readme = join(ROOT, "README.md");
  const rows = STATUS_NAMES.flatMap((status) =>
    Object.entries(REASONS)
      .filter(([, reason]) => reason.status === status)
      .map(([name, { means, todo }]) => `| ${status} | \`${name}\` | ${means} | ${todo} |`),
  );
  const table = [
    "| status | reason | what it means | what to do |",
    "| --- | --- | --- | --- |",
    ...rows,
  ].join("\n");
  return new Map([
    [join(MAPPINGS, "mapping.schema.json"), schema(MappingFile, "Mapping file of webhook-to-lead")],
    [join(MAPPINGS, "sample.schema.json"), schema(Sample, "Sample webhook of webhook-to-lead")],
    [
      readme,
      readFileSync(readme, "utf8").replace(
        /(<!-- reasons -->\n)[\s\S]*?(\n<!-- \/reasons -->)/,
        `$1\n${table}\n$2`,
      ),
    ],
  ]);
}
