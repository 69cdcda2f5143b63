/** Sentences with code and texts from outside. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { inline } from "../../src/admin/display.ts";
import { exact, partsOf, quoted, wordingOf } from "../../src/admin/marked.ts";

const shown = (marked: string) => partsOf(marked).map(({ text, code }) => (code ? `<${text}>` : text));

it.each([
  ["no code", ["no code"]],
  ["set `A` and `B`.", ["set ", "<A>", " and ", "<B>", "."]],
  ["`A`", ["<A>"]],
  [`on ${exact("`true`")}: \`A\``, ["on ", "`true`", ": ", "<A>"]],
  [`\`npx ${exact("a`b")}\` runs`, ["<npx >", "<a`b>", " runs"]],
  ["at 2026-03-10T12:00:00.123Z", ["at 2026-03-10 12:00:00 (UTC)"]],
  [exact("2026-03-10T12:00:00.123Z"), ["2026-03-10T12:00:00.123Z"]],
])("%j", (marked, parts) => expect(shown(marked)).toEqual(parts));

const outside = fc.oneof(
  fc.string({ unit: "binary", maxLength: 400 }),
  fc.string({ unit: fc.constantFrom("`", "”", "\u0002", "\u0003", "a", "2026-03-10T12:00:00.000Z") }),
);

it("a text from outside is shown as it is, and changes nothing around it", () => {
  fc.assert(
    fc.property(outside, outside, (one, other) => {
      const marked = `Set \`A\`: ${quoted(one)} and \`B\`, ${exact(other)}.`;
      const before = ["Set ", "<A>", ": “"];
      const after = [", ", ...(other === "" ? [""] : [inline(other)]), "."];
      expect(shown(marked)).toEqual([...before, inline(one), "” and ", "<B>", ...after]);
      expect(wordingOf(marked)).toEqual({
        says: `Set \`A\`: “${inline(one)}” and \`B\`, ${inline(other)}.`,
        marked,
      });
    }),
  );
});
