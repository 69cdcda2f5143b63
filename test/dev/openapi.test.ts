/** docs/openapi.json: a valid document, and the same requests as in docs/api.md. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Validator } from "@seriousme/openapi-schema-validator";
import { expect, it } from "vitest";
import { ROUTES } from "../../src/admin/schema.ts";
import { ROOT, readJson } from "../../src/dev/files.ts";

const document = readJson(join(ROOT, "docs/openapi.json")) as {
  paths: Record<string, Record<string, { parameters?: { name: string; in: string }[] }>>;
};

it("is a valid OpenAPI document of version 3.1", async () => {
  const validator = new Validator();
  expect(await validator.validate(structuredClone(document))).toEqual({ valid: true });
  expect(validator.version).toBe("3.1");
});

it("has no parameter with personal data in an address", () => {
  for (const operations of Object.values(document.paths))
    for (const { parameters = [] } of Object.values(operations))
      expect(parameters.map(({ name }) => name)).not.toContain("find");
});

it("docs/api.md names each request", () => {
  const text = readFileSync(join(ROOT, "docs/api.md"), "utf8").replace(/\\?<id\\?>/g, "{id}");
  for (const { method, path } of ROUTES) expect(text).toContain(`${method.toUpperCase()} ${path}`);
});
