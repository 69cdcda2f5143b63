/** Files made from the source: the JSON Schemas for editors and README's tables of reasons and answers. A test keeps them current. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod/mini";
import { MappingFile, Sample } from "../mapping/schema.ts";
import { ANSWERS } from "../receive/answer.ts";
import { REASONS, STATUSES } from "../states.ts";
import { MAPPINGS, ROOT } from "./files.ts";

/** Path → content. */
export function generated(): Map<string, string> {
  const schema = (type: z.core.$ZodType, title: string) =>
    `${JSON.stringify({ ...z.toJSONSchema(type, { io: "input" }), title }, null, 2)}\n`;
  const readme = join(ROOT, "README.md");
  const reasons = STATUSES.flatMap((status) =>
    Object.entries(REASONS)
      .filter(([, reason]) => reason.status === status)
      .map(([name, { means, todo }]) => [status, `\`${name}\``, means, todo]),
  );
  const answers = Object.entries(ANSWERS).map(([name, { status, means, todo }]) => [
    String(status),
    `\`${name}\``,
    means,
    todo,
  ]);
  const tables = {
    reasons: table(["status", "reason", "what it means", "what to do"], reasons),
    answers: table(["answer", "reason", "what it means", "what to do"], answers),
  };
  return new Map([
    [join(MAPPINGS, "mapping.schema.json"), schema(MappingFile, "Mapping file of webhook-to-lead")],
    [join(MAPPINGS, "sample.schema.json"), schema(Sample, "Sample webhook of webhook-to-lead")],
    [readme, withTables(readFileSync(readme, "utf8"), tables)],
  ]);
}

function table(head: string[], rows: string[][]): string {
  const lines = [head, head.map(() => "---"), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** Puts each table between the comments `<!-- name -->` and `<!-- /name -->`. */
function withTables(text: string, tables: Record<string, string>): string {
  return Object.entries(tables).reduce(
    (all, [name, rows]) =>
      all.replace(
        new RegExp(`(<!-- ${name} -->\n)[\\s\\S]*?(\n<!-- /${name} -->)`),
        (_, begin, end) => `${begin}\n${rows}\n${end}`,
      ),
    text,
  );
}
