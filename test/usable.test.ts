import { describe, expect, it } from "vitest";
import { clickIdProblem, isUsable, usableClickId } from "../src/usable.ts";

const PLACEHOLDERS = [
  ...[
    "",
    "  ",
    "\u200b",
    "undefined",
    "Undefined",
    "null",
    "NULL",
    "NaN",
    "nil",
    "None",
    "n/a",
    "N/A",
    "not set",
  ],
  ...[
    "[object Object]",
    "[object Undefined]",
    "{{user.id}}",
    "{{ dub_id }}",
    "\u0024{user.id}",
    "{user_id}",
    "[user_id]",
  ],
  ...[
    "<user id>",
    "%USER_ID%",
    "YOUR_USER_ID",
    "your-user-id",
    '"undefined"',
    "(null)",
    "-",
    "—",
    "...",
    "***",
  ],
  ...["user_undefined", "%!s(<nil>)", "Not Available", "auth0|undefined", "undefined undefined", "null null"],
];

describe("placeholders are no values", () => {
  it.each(["customerExternalId", "customerName", "customerEmail", "customerAvatar", "clickId", "eventName"])(
    "in %s",
    (field) => {
      for (const text of PLACEHOLDERS) expect([text, isUsable(field, text)]).toEqual([text, false]);
    },
  );

  it.each<[string, string[], string[]]>([
    [
      "customerExternalId",
      [
        "user_31Q",
        "42",
        "0b7f1c2a9d3e4f5061728394a5b6c7d8",
        "auth0|66f0a1",
        "jen.null@orchard.example",
        "test",
        "Mira S",
      ],
      [
        "Null",
        "missing-id",
        "MISSING_ID",
        "anonymous",
        "unknown",
        "guest",
        "auth0|null",
        "m***@orchard.example",
        "id",
      ],
    ],
    [
      "customerName",
      [
        "Null",
        "Test",
        "Jennifer Null",
        "Nan",
        "Guest",
        "mira_s",
        "Zoë 🌱",
        "美羅",
        "O'Neil",
        "X Æ A-12",
        "[Jo",
        "7",
      ],
      [
        "+15555550123",
        "+1XXXXXX0123",
        "0b7f1c2a9d3e4f5061728394a5b6c7d8",
        "(415) 555-0100",
        "tel:+15555550123",
        "Mira@Orchard.example",
        "m***@orchard.example",
        "M*****",
      ],
    ],
    [
      "customerEmail",
      ["mira@orchard.example"],
      ["mira", "mira@localhost", "m***@orchard.example", "undefined@orchard.example"],
    ],
    ["metadata", ["true", "false", "test", "unknown", '{"dub_id":"x"}', "undefined behaviour"], []],
  ])("%s takes %j and not %j", (field, usable, unusable) => {
    for (const text of usable) expect([text, isUsable(field, text)]).toEqual([text, true]);
    for (const text of unusable) expect([text, isUsable(field, text)]).toEqual([text, false]);
  });
});

it.each<[unknown, string | undefined]>([
  [" Xk3pQ9vLm2RtYw7B ", "Xk3pQ9vLm2RtYw7B"],
  ["dub_id_Xk3pQ9vLm2RtYw7B", "Xk3pQ9vLm2RtYw7B"],
  ["imported-click_0001", "imported-click_0001"],
  ["x".repeat(200), "x".repeat(200)],
  ["x".repeat(201), undefined],
  [12, "12"],
  ...[
    ...[
      "",
      "  ",
      "n/a",
      "N/A",
      "undefined",
      "null",
      "Null",
      "test",
      "TEST",
      "dub_id_",
      "dub_id_undefined",
      "NaN",
    ],
    ...[
      "[object Object]",
      "{{dub_id}}",
      "dub_id_{{dub_id}}",
      "{dub_id}",
      "\u0024{clickId}",
      "<click id>",
      "two words",
    ],
    ...[
      "YOUR_CLICK_ID",
      "dub_id",
      "dubClickId",
      "CLICK_ID",
      "click_id_here",
      "INSERT-CLICK-ID",
      "(none)",
      "a;b",
      "Ab3d***",
      null,
      undefined,
      {},
      true,
    ],
  ].map((value) => [value, undefined] as [unknown, undefined]),
])("usableClickId(%j) is %j", (value, expected) => {
  expect(usableClickId(value)).toBe(expected);
});

it.each<[unknown, string | undefined]>([
  ["{{dub_id}}", "which the sign-up form did not fill in"],
  ["{{ dub_id }}", "which the sign-up form did not fill in"],
  ["dub_id_{{dub_id}}", "which the sign-up form did not fill in"],
  ["[object Object]", "which the sign-up form did not fill in"],
  ["YOUR_CLICK_ID", "which the sign-up form did not fill in"],
  ["your click id", "which the sign-up form did not fill in"],
  ["<click id>", "which the sign-up form did not fill in"],
  ["%DUB_ID%", "which the sign-up form did not fill in"],
  ["\u0024{clickId}", "which the sign-up form did not fill in"],
  ["CLICK_ID", "which the sign-up form did not fill in"],
  ["Ab3d {x}", "which the sign-up form did not fill in"],
  ["undefined", "undefined or null"],
  ["dub_id_null", "undefined or null"],
  ["N/A", "undefined or null"],
  ["my click!", "blanks or other characters that"],
  ["a;b", "characters that no click id has"],
  ["https://go.example/a?dub_id=Xk3pQ9vLm2RtYw7B", "characters that no click id has"],
  ["x".repeat(201), "over 200 characters"],
  ...["", "  ", "\u200b", null, undefined, {}, 7, "Xk3pQ9vLm2RtYw7B", "imported-click_0001"].map(
    (value): [unknown, undefined] => [value, undefined],
  ),
])("clickIdProblem(%j) says %j", (value, problem) => {
  const said = clickIdProblem(value);
  if (problem === undefined) expect(said).toBeUndefined();
  else expect(said).toMatch(new RegExp(`^dropped: .*${problem}`));
  if (typeof value === "string" && said)
    expect(said.replace("{{dub_id}} or YOUR_CLICK_ID", "").replace("undefined or null", "")).not.toContain(
      value,
    );
});
