/** The file by which npm run dev gives values to wrangler, read as wrangler reads it. */
import { mkdtempSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { unstable_getVarsForDev as varsForDev } from "wrangler";
import { writeEnvFile } from "../../src/dev/local-token.ts";

it("wrangler reads each value as it was written, and only this user can read the file", () => {
  const file = join(mkdtempSync(join(tmpdir(), "env-file-")), "vars");
  writeFileSync(file, "OLD=1\n", { mode: 0o644 });
  const text = fc.string({ unit: fc.constantFrom(..."aZ09$ {}#=+/_-:'\"".split("")), minLength: 1 });
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom("A", "B_C", "TOKEN"), text), (values) => {
      writeEnvFile(file, values);
      const read = varsForDev(file, [file], {}, undefined, true);
      expect(
        Object.entries(read)
          .map(([name, { value }]) => [name, value])
          .sort(),
      ).toEqual(Object.entries(values).sort());
    }),
  );
  expect(statSync(file).mode & 0o777).toBe(0o600);
});
