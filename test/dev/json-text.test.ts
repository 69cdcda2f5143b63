import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { distance, nearest } from "../../src/dev/near.ts";
import { parseJson } from "../../src/json.ts";
import { JsonError, positionOf, readJsonText } from "../../src/json-text.ts";

const problem = (text: string): string => {
  try {
    readJsonText(text);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    return `${error.line}:${error.column} ${error.message}`;
  }
  return "none";
};

describe("JSON text", () => {
  it.each([
    ['{ "a": 1, }', "1:9 remove this comma: nothing follows it"],
    ["[1,\n2,\n]", "2:2 remove this comma: nothing follows it"],
    ['{ "a": 1\n  "b": 2 }', '1:9 "," or "}" is missing here'],
    ['{ "a" 1 }', '1:7 ":" is missing after "a"'],
    ['{ "a": }', "1:8 a value is missing here"],
    ['{ "a": 1 /* x */ }', "1:10 JSON has no comments: remove it"],
    ["{ 'a': 1 }", `1:3 a key stands in double quotes, write " instead of '`],
    ["{ a: 1 }", "1:3 a key in double quotes is missing here"],
    ['{ "a": True }', "1:8 True is no JSON, write true"],
    ['{ "a": None }', "1:8 None is no JSON, write null"],
    ['{ "a": Sign Up }', "1:8 Sign is no JSON: text stands in double quotes"],
    ['{ "a": 01 }', "1:8 01 is no JSON: text stands in double quotes"],
    ['{ "a": "x\n" }', '1:8 the closing " of this text is missing in its line'],
    ['{ "a": "x\ty" }', "1:10 a text has no tab or other control character: write \\t for a tab"],
    ['{ "a": "\\d" }', '1:9 "\\" begins an escape that JSON does not have, write "\\\\"'],
    ['{ "a": “x” }', '1:8 “ is a typographic quotation mark, write "'],
    ['{ "a": "x” }', '1:10 ” is a typographic quotation mark, write "'],
    ['{ "a": 1, "a": 2 }', '1:11 "a" is there twice: remove one'],
    ['{ "a": [1', '1:10 "]" is missing for the "[" of line 1'],
    ["{}\n{}", "2:1 nothing may follow the end of the JSON"],
    ["", "1:1 the file ends before it is complete"],
    ["\ufeff{}", "1:1 the file begins with a byte order mark (BOM): save it as UTF-8 without BOM"],
    ["{\0}\0", "1:1 the file is not UTF-8: save it as UTF-8 without BOM"],
  ])("%j: %s", (text, said) => expect(problem(text)).toBe(said));

  it("takes DEL and the control characters after it, as JSON does", () =>
    expect(readJsonText('"\u007f\u0085"').value).toBe("\u007f\u0085"));

  it("reads what JSON.parse reads, and refuses what it refuses", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(), fc.string({ maxLength: 2 }), (value, at, piece) => {
        const right = JSON.stringify(value, null, 2);
        expect(readJsonText(right).value).toEqual(parseJson(right));
        const place = at % (right.length + 1);
        const text = right.slice(0, place) + piece + right.slice(place + 1);
        let refused = false;
        try {
          JSON.parse(text);
        } catch {
          refused = true;
        }
        const said = problem(text);
        // A key that is there twice is refused here only.
        if (!said.includes("is there twice")) expect(said !== "none").toBe(refused);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ["a", {}, "2:8"],
    ["a", { key: true }, "2:3"],
    ["a", { column: 3 }, "2:12"],
    ['on["user.created"][1]', {}, "3:29"],
    ["a.missing.deep", {}, "2:3"],
    ["nowhere", {}, "1:1"],
  ])("the place of %s with %j", (path, how, place) => {
    const text = '{\n  "a": "\\"xyz",\n  "on": {"user.created": [1,2]}\n}';
    const { line, column } = positionOf(readJsonText(text), path, how);
    expect(`${line}:${column}`).toBe(place);
  });
});

describe("did you mean", () => {
  it.each([
    ["typ", ["type", "id"], "type"],
    ["customerExternalID", ["customerEmail", "customerExternalId"], "customerExternalId"],
    ["first_name", ["firstName"], "firstName"],
    ["crated", ["created", "updated"], "created"],
    ["id", ["is", "at"], undefined],
    ["metadata", ["type"], undefined],
  ])("%s among %j: %s", (given, known, meant) => expect(nearest(given, known)).toBe(meant));

  it("a swap is one step", () => expect(distance("udpated", "updated")).toBe(1));
  it("distance is symmetric, and zero for the same text", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        expect(distance(a, b)).toBe(distance(b, a));
        expect(distance(a, a)).toBe(0);
        expect(distance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
  });
});
