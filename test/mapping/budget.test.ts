/** Expressions that run wild: they end with an error after a bounded number of steps, and what others use is not touched. */
import { describe, expect, it } from "vitest";
import { mapWebhook } from "../../src/mapping/apply.ts";
import { BudgetError, EXPRESSION_STEPS, spend, within } from "../../src/mapping/budget.ts";
import { compileMapping, MappingError } from "../../src/mapping/compile.ts";
import { evaluate, evaluateToWrite, parseExpression } from "../../src/mapping/expression.ts";
import { isUsable } from "../../src/usable.ts";

const LIST = Array.from({ length: 2000 }, (_, i) => i);
const EVENT = {
  id: "1",
  type: "a",
  list: LIST,
  texts: LIST.map((i) => `${i}`.repeat(50)),
  long: "a".repeat(250_000),
  blanks: `a${" ".repeat(250_000)}b`,
  infinite: Number.POSITIVE_INFINITY,
  wide: Object.fromEntries(LIST.map((i) => [`k${i}`, i])),
};
const doubled = (times: number) => Array(times).fill("[@,@]").join(" | ");

describe("too many steps", () => {
  it.each([
    ["projections in each other", "list[].map(&map(&map(&@, $.list), $.list), $.list)"],
    ["a filter in a filter", "list[?length($.list[?@ == `-1`]) > `0`]"],
    ["a list that doubles", `list | ${Array(40).fill("[@,@][]").join(" | ")}`],
    ["lists of lists flattened at once", "map(&map(&$.list, $.list), $.list) [][]"],
    ["a text that doubles", `'ab' | ${Array(60).fill("join(@, ['', @, ''])").join(" | ")}`],
    ["a text joined with a long one", "join(long, texts)"],
    ["a text that grows by replacing", "replace(long, 'a', $.long)"],
    ["a text that grows by replacing some", "replace('aaaa', 'a', $.long, `100000000`)"],
    ["padding", "pad_left('a', `400000000`)"],
    ["padding right", "pad_right('a', `400000000`, '-')"],
    ["sorting again and again", "map(&sort($.texts), list)"],
    ["sorting long texts by themselves", "sort_by(list[].[$.long, $.blanks][], &@)"],
    ["the greatest of long texts", "max_by(list[].[$.long, $.blanks][], &@)"],
    ["the least of long texts", "min_by(list[].[$.long, $.blanks][], &@)"],
    ["a number without an end", "pad_left('a', infinite)"],
    ["no number of times", "replace(long, 'a', $.long, infinite - infinite)"],
    ["searching again and again", "map(&contains($.long, 'b'), list)"],
    ["a long search text", "contains(long, $.long)"],
    ["looking through a list again and again", "map(&contains($.list, `-1`), list)"],
    ["keys again and again", "map(&keys($.wide), list)"],
    ["splitting again and again", "map(&split($.long, ''), list)"],
    ["comparing long texts", "map(&($.long == $.blanks), list)"],
    ["comparing what was put together", `[${doubled(40)}, ${doubled(40)}] | [0] == [1]`],
    ["as text", `to_string(${doubled(40)})`],
    ["inside of let", "let $l = list in $l[].map(&map(&map(&@, $.list), $.list), $.list)"],
  ])("%s", (_name, source) => {
    expect(() => evaluate(parseExpression(source), EVENT)).toThrow(BudgetError);
    expect(() => evaluate(parseExpression(source), EVENT)).toThrow("it takes more than 1,000,000 steps");
  });

  it("a value that can't be written", () => {
    const small = parseExpression(doubled(40));
    expect(() => evaluateToWrite(small, EVENT)).toThrow(BudgetError);
  });
});

describe("what others use", () => {
  it.each([
    ["list[?@ == `7`] | [0]", 7],
    ["length(long)", 250_000],
    ["length(trim(blanks))", 250_002],
    ["texts[-1]", "1999".repeat(50)],
    ["sum(map(&@, list))", 1_999_000],
    ["length(replace(long, 'a', 'bc'))", 500_000],
    ["replace('aaa', 'a', '$&-', `2`)", "$&-$&-a"],
    ["length(keys(wide))", 2000],
    ["wide == wide", true],
    ["list[] == texts[]", false],
    ["length([long, long, long, long, long][])", 5],
    ["max_by(texts[].{t: @, n: length(@)}, &n).n", 200],
    ["sort_by(texts, &@)[0]", "0".repeat(50)],
    ["trim_left('  a ')", "a "],
    ["trim_right('  a ')", "  a"],
    ["trim('xyaxy', 'yx')", "a"],
    ["trim_right('a\\nb  ')", "a\\nb"],
    ["trim('')", ""],
  ])("%s", (source, value) => {
    expect(evaluate(parseExpression(source), EVENT)).toEqual(value);
  });
});

it.each([
  "pad_left('a', infinite - infinite)",
  "pad_left('a', `-100000000`)",
  "replace('a', 'a', '', infinite)",
])("counting goes on after %s", (source) => {
  within(EXPRESSION_STEPS, () => {
    expect(() => evaluate(parseExpression(source), EVENT)).toThrow();
    expect(() => spend(EXPRESSION_STEPS + 1)).toThrow(BudgetError);
  });
});

it("the event ends with an error that names the expression; the next event and the other fields are as always", () => {
  const file = (lead: object) => ({
    name: "Any",
    docs: "https://example.com",
    verify: { scheme: "token", header: "authorization" },
    type: "type",
    leads: [
      { on: ["a"], lead: { clickId: "click_id(@)", eventName: "'X'", customerExternalId: "id", ...lead } },
    ],
  });
  const wild = "map(&map(&map(&@, $.list), $.list), list)";
  const map = (lead: object) =>
    mapWebhook(
      compileMapping("any", file(lead)),
      { body: { ...EVENT, dub_id: "abcdefgh12345678" }, headers: new Headers(), deliveryId: "1" },
      { acceptTestEvents: false },
    )[0]?.outcome;

  expect(map({ eventName: wild })).toEqual({
    kind: "ended",
    reason: "expression_failed",
    detail: "leads[0].lead.eventName: it takes more than 1,000,000 steps: simplify it",
    warnings: [],
  });
  expect(map({ customerName: wild, metadata: { a: wild, b: "id" } })).toMatchObject({
    kind: "lead",
    warnings: [
      {
        field: "customerName",
        did: expect.stringContaining("dropped: leads[0].lead.customerName: it takes"),
      },
      { field: "metadata", did: expect.stringContaining("dropped: leads[0].lead.metadata.a: it takes") },
    ],
  });
  expect(map({ customerName: "type" })).toMatchObject({ kind: "lead", lead: { customerName: "a" } });
});

describe("mapping files that run wild", () => {
  const file = (expression: string, names: string[] = []) => ({
    name: "Any",
    docs: "https://example.com",
    verify: { scheme: "token", header: "authorization" },
    type: "type",
    let: Object.fromEntries(names.map((source, i) => [`n${i}`, source])),
    leads: [
      {
        on: ["a"],
        lead: { eventName: "'X'", customerExternalId: "id", metadata: { a: expression } },
        withoutClickId: "send",
      },
    ],
  });
  const chain = (count: number, next: (before: string) => string) =>
    Array.from({ length: count }, (_, i) => (i === 0 ? "id" : next(`$n${i - 1}`)));
  const problemOf = (expression: string, names?: string[]) => {
    try {
      compileMapping("any", file(expression, names));
    } catch (error) {
      if (error instanceof MappingError) return error.problems[0];
      throw error;
    }
    return undefined;
  };

  it.each<[string, string[]]>([
    ["names that stand for names that stand for names", chain(60, (before) => `[${before}, ${before}]`)],
    ["names that nest what stands for them", chain(60, (before) => `${"!".repeat(1000)}${before}`)],
  ])("%s", (_name, names) => {
    expect(problemOf("$n59", names)?.message).toMatch(/it takes too many steps: simplify it/);
  });

  it("a value that is nested too deep to be written", () => {
    const names = chain(300, (before) => `[${before}]`);
    const [mapped] = mapWebhook(
      compileMapping("any", file("$n299", names)),
      { body: EVENT, headers: new Headers(), deliveryId: "1" },
      { acceptTestEvents: false },
    );
    expect(mapped?.outcome).toMatchObject({
      kind: "lead",
      warnings: [
        { field: "metadata", did: "dropped: leads[0].lead.metadata.a: the value is nested too deep" },
      ],
    });
  });

  it.each(["!", "(", "[", "a[?", "a ? b : "])(
    "a long expression that nests %s is right or has a problem",
    (part) => {
      expect(() => problemOf(`${part.repeat(3999 / part.length)}a`)).not.toThrow();
    },
  );

  it.each<[string, string, number]>([
    [`${"a.b || ".repeat(1000)}c`, "it has more than 4,000 characters", 4001],
    [`${"a || ".repeat(300)}]`, '"]" is not expected here', 1501],
    [`${"a || ".repeat(150)}] ${"|| a".repeat(150)}`, '"]" is not expected here', 751],
    [`${"a || ".repeat(150)}b.c d ${"|| a".repeat(150)}`, '"d" is not expected here', 755],
  ])("a long expression with a mistake: %#", (expression, message, column) => {
    expect(problemOf(expression)).toMatchObject({ path: "leads[0].lead.metadata.a", message, column });
  });
});

it("steps that are used inside count outside, too", () => {
  const outer = () =>
    within(100, () => {
      within(90, () => spend(80));
      within(50, () => spend(30));
    });
  expect(outer).toThrow("not evaluated: the steps for all expressions are used up");
  expect(within(EXPRESSION_STEPS, () => 1)).toBe(1);
});

it.each(["${", '"', "@", "undefined,", "[", "*", "a@"])(
  "a long text of %j is looked through in a time that grows as its length",
  (part) => {
    const text = `${part.repeat(500_000 / part.length)} x`;
    for (const field of ["customerName", "customerExternalId", "customerEmail", "clickId", "metadata"])
      isUsable(field, text);
    expect(isUsable("customerName", "a".repeat(2000))).toBe(true);
  },
);

it.each([
  ["a.*", ["a.", "a.b", "a.b.c"], ["a", "b.a.c"]],
  ["*", ["", "a"], []],
  ["a*a", ["aa", "aba"], ["a", "ab"]],
  ["*.created", ["user.created", ".created"], ["created", "user.created.x"]],
  ["a*b*c", ["abc", "axxbxxc", "abbcc"], ["acb", "ab", "abcd"]],
  ["a.b", ["a.b"], ["axb", "a.b\n"]],
  ["*a".repeat(60), ["a".repeat(60), "ba".repeat(60)], ["a".repeat(59), `${"a".repeat(100_000)}b`]],
])("types %s", (pattern, taken, others) => {
  const mapping = compileMapping("any", {
    name: "Any",
    docs: "https://example.com",
    verify: { scheme: "token", header: "authorization" },
    type: "type",
    leads: [{ on: [pattern], lead: { eventName: "'X'", customerExternalId: "id" } }],
  });
  const types = mapping.rules[0]?.on[0]?.types;
  expect(taken.filter((type) => !types?.test(type))).toEqual([]);
  expect(others.filter((type) => types?.test(type))).toEqual([]);
});
