/** Usual mistakes of a person who edits a mapping file: each is named in the first line, and gives hardly more. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { checkProvider } from "../../src/dev/check/provider.ts";
import { showFound } from "../../src/dev/check/show.ts";
import { ROOT } from "../../src/dev/files.ts";

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "causes-"));
});
afterAll(() => rmSync(root, { recursive: true }));

/** What the check of a provider's shipped folder says after one change of its mapping file, a text for each problem. */
function checked(provider: string, change: (text: string) => string, file = "mapping.json"): string[] {
  const path = join(root, provider);
  rmSync(path, { recursive: true, force: true });
  cpSync(join(ROOT, "mappings", provider), path, { recursive: true });
  const text = readFileSync(join(path, file), "utf8");
  const changed = change(text);
  expect(changed).not.toBe(text);
  writeFileSync(join(path, file), changed);
  const { found } = checkProvider({ provider, own: false, path, shown: `mappings/${provider}` });
  return found.map((one) => stripVTControlCharacters(showFound(one)));
}

const replaced = (from: string | RegExp, to: string) => (text: string) => {
  expect(text).toMatch(from);
  return text.replace(from, () => to);
};
const without = (rule: number) => (text: string) => {
  const json = JSON.parse(text) as { leads: unknown[] };
  json.leads.splice(rule, 1);
  return JSON.stringify(json, null, 2);
};

type Mistake = [
  what: string,
  provider: string,
  from: string | RegExp,
  to: string,
  named: string,
  said?: string,
];

const MISTAKES: Mistake[] = [
  [
    "a typo in type",
    "clerk",
    '"type": "type"',
    '"type": "typ"',
    "type: ",
    "no sample has the field typ. Did you mean type?",
  ],
  ["a typo in type", "stripe", '"type": "type"', '"type": "typ"', "type: "],
  ["a typo in type", "auth0", "replace(type,", "replace(typ,", "type: "],
  ["another field as type", "clerk", '"type": "type"', '"type": "object"', "type"],
  ["a type that is nowhere", "clerk", '"type": "type"', '"type": "event.kind"', "type: "],
  [
    "a path without its parent",
    "clerk",
    '"customerExternalId": "data.id"',
    '"customerExternalId": "id"',
    "leads[0].lead.customerExternalId: ",
  ],
  ["a typo in a path", "clerk", "data.username", "data.usernme", "leads[0].lead.customerName"],
  [
    "a typo in a path",
    "clerk",
    "[data.first_name, data",
    "[data.firstname, data",
    "let.fullName: ",
    "Did you mean first_name?",
  ],
  [
    "a typo in a path",
    "clerk",
    "data.unsafe_metadata",
    "data.unsafe_metdata",
    "let.clickId: ",
    "Did you mean unsafe_metadata?",
  ],
  [
    "a typo in a path",
    "clerk",
    "data.primary_email_address_id].email",
    "data.primary_email_adress_id].email",
    "let.primaryEmail: ",
  ],
  [
    "a typo in a path",
    "clerk",
    "days_between(data.created_at, timestamp)",
    "days_between(data.create_at, timestamp)",
    "let.isOldUser: ",
  ],
  [
    "a typo in a path",
    "auth0",
    '"user": "data.object"',
    '"user": "data.objet"',
    "let.user: ",
    "Did you mean object?",
  ],
  [
    "a typo in a path",
    "auth0",
    "|| $user.created_at",
    "|| $user.createdAt",
    "let.registeredAt: ",
    "Did you mean created_at?",
  ],
  ["a typo in a path", "stripe", '"resource": "data.object"', '"resource": "data.obejct"', "let.resource: "],
  [
    "a typo in a path",
    "stripe",
    "$resource.customer_details.email",
    "$resource.customer_detail.email",
    "let.email: ",
  ],
  [
    "a typo in a path",
    "stripe",
    "items.data[0].quantity",
    "items.data[0].quantiy",
    "leads[2].lead.eventQuantity: ",
  ],
  ["a wrong id path", "stripe", '"id": "id"', '"id": "event_id"', "id: "],
  ["a wrong id path", "auth0", '"id": "id"', '"id": "data.id"', "id: "],
  [
    "another field of the lead",
    "stripe",
    '"customerName": "$resource.name"',
    '"customerName": "$resource.email"',
    "leads[0].lead.customerName",
  ],
  [
    "an unknown key",
    "clerk",
    '"customerExternalId": "data.id"',
    '"customerExternalID": "data.id"',
    "leads[0].lead.customerExternalID: ",
    'unknown key. Did you mean "customerExternalId"?',
  ],
  ["an unknown key", "clerk", '"withoutClickId"', '"withoutClickID"', "leads[1].withoutClickID: "],
  ["an unknown key", "auth0", '"test":', '"tests":', "tests: ", 'Did you mean "test"?'],
  ["an unknown key", "stripe", '"leads":', '"lead":', "lead: ", 'Did you mean "leads"?'],
  [
    "a key of the lead at the wrong place",
    "clerk",
    '"withoutClickId": "send"',
    '"mode": "async"',
    "leads[1].mode: ",
  ],
  [
    "a typo in an event name",
    "clerk",
    '"user.created"',
    '"user.crated"',
    'leads[0].on["user.crated"]: ',
    'Did you mean "user.created"?',
  ],
  ["a typo in an event name", "auth0", '"user.updated"', '"user.udpated"', 'leads[0].on["user.udpated"]: '],
  ["a typo in an event name", "clerk", '"waitlistEntry.created"', '"waitlist.created"', "leads[1].on[0]: "],
  [
    "an event name of its own",
    "stripe",
    '"customer.created": true',
    '"user.new": true',
    'leads[0].on["user.new"]: ',
  ],
  [
    "no quotes around a text",
    "clerk",
    `"'Sign Up'"`,
    '"Sign Up"',
    "leads[0].lead.eventName: ",
    "write 'Sign Up'",
  ],
  [
    "no quotes around a text",
    "clerk",
    `"'Sign Up'"`,
    '"SignUp"',
    "leads[0].lead.eventName: ",
    "write 'SignUp'",
  ],
  [
    "no quotes around a text",
    "clerk",
    `"'Sign Up'"`,
    '"Sign-Up"',
    "leads[0].lead.eventName: ",
    "write 'Sign-Up'",
  ],
  [
    "no quotes around a text",
    "stripe",
    `"'Started Trial'"`,
    '"Started a Trial!"',
    "leads[2].lead.eventName: ",
    "write 'Started a Trial!'",
  ],
  [
    "no quotes around a text",
    "auth0",
    `"'auth0'"`,
    '"auth0"',
    "leads[0].lead.metadata.source: ",
    "write 'auth0'",
  ],
  [
    "no quotes around a text",
    "stripe",
    "$resource.mode != 'setup'",
    "$resource.mode != setup",
    'leads[1].on["checkout.session.completed"]: ',
  ],
  [
    "= for ==",
    "stripe",
    "$resource.status == 'trialing'",
    "$resource.status = 'trialing'",
    'leads[2].on["customer.subscription.created"]: ',
  ],
  [
    "== for !=",
    "stripe",
    "$resource.mode != 'setup'",
    "$resource.mode == 'setup'",
    'leads[1].on["checkout.session.completed"]: ',
  ],
  [
    "a typo in a compared text",
    "stripe",
    "$resource.status == 'trialing'",
    "$resource.status == 'trialling'",
    'leads[2].on["customer.subscription.created"]: ',
  ],
  ["a condition without its !", "clerk", '"!$isOldUser"', '"$isOldUser"', 'leads[0].on["user.created"]: '],
  [
    "> for <",
    "auth0",
    "$clickId && days_between($registeredAt, $user.updated_at) < `7`",
    "$clickId && days_between($registeredAt, $user.updated_at) > `7`",
    "let.getsClickId",
  ],
  ["> for <", "clerk", "timestamp) > `7`", "timestamp) < `7`", "let.isOldUser"],
  ["test events the wrong way round", "stripe", "livemode == `false`", "livemode == `true`", "test: "],
  [
    "no backticks",
    "stripe",
    "livemode == `false`",
    "livemode == false",
    "test: ",
    "write `false` in backticks",
  ],
  ["another event name", "stripe", `"'Started Trial'"`, `"'Trial'"`, "leads[2].lead.eventName: "],
  [
    "a name that is not defined",
    "auth0",
    '"$clickId"',
    '"$clikId"',
    "leads[0].lead.clickId: ",
    "Did you mean $clickId?",
  ],
  ["an unknown function", "stripe", "lower($email", "lowercase($email", "leads[1].lead.customerExternalId: "],
  [
    "an unknown function",
    "clerk",
    "click_id(data.un",
    "clickId(data.un",
    "let.clickId: ",
    "Did you mean click_id()?",
  ],
  [
    "an unknown function",
    "clerk",
    "days_between(data.created_at, data",
    "day_between(data.created_at, data",
    'leads[0].on["user.updated"]: ',
    "Did you mean days_between()?",
  ],
  [
    "a wrong verify key",
    "auth0",
    '"header": "authorization"',
    '"heder": "authorization"',
    "verify.heder: ",
    'Did you mean "header"?',
  ],
  [
    "a wrong scheme",
    "clerk",
    '"standard-webhooks"',
    '"standard-webhook"',
    "verify.scheme: ",
    'Did you mean "standard-webhooks"?',
  ],
  ["a wrong format", "auth0-logs", '"json-lines"', '"jsonlines"', "format: ", 'Did you mean "json-lines"?'],
  ["a wrong format", "auth0-logs", '"json-lines"', '"json"', "format"],
  ["a typo in each", "auth0-logs", "[logs || @][]", "[log || @][]", "each: "],
  ["a wrong each", "auth0-logs", '"[logs || @][]"', '"logs"', "each"],
  ["no otherAccount", "stripe", '  "otherAccount": "account",\n', "", "otherAccount"],
  ["no thin", "stripe", /\n {2}"thin": .*/, "", "thin"],
  ["no withoutClickId", "clerk", ',\n      "withoutClickId": "send"', "", "leads[1].withoutClickId"],
  ["a trailing comma", "clerk", '"send"\n', '"send",\n', ":31: remove this comma"],
  [
    "a missing comma",
    "stripe",
    '"type": "type",',
    '"type": "type"',
    'mapping.json:12:17: "," or "}" is missing here',
  ],
  ["a comment", "auth0", '  "test":', '  // why\n  "test":', "mapping.json:14:3: JSON has no comments"],
  [
    "a byte order mark",
    "clerk",
    /^/,
    "\ufeff",
    "mapping.json:1:1: the file begins with a byte order mark (BOM)",
  ],
  [
    "typographic quotation marks",
    "clerk",
    '"type": "type"',
    "“type”: “type”",
    "mapping.json:11:3: “ is a typographic quotation mark",
  ],
  [
    "a typographic quotation mark",
    "clerk",
    '"type": "type"',
    '"type": "type”',
    "mapping.json:11:16: ” is a typographic quotation mark",
  ],
  ["single quotes", "stripe", '"id": "id"', "'id': 'id'", "mapping.json:13:3: a key stands in double quotes"],
  [
    "a key that is there twice",
    "clerk",
    '"clickId": "$clickId"',
    '"eventName": "$clickId"',
    ':9: "eventName" is there twice',
  ],
];

it.each(MISTAKES)("%s, %s: %s → %s", (_, provider, from, to, named, said = "") => {
  const problems = checked(provider, replaced(from, to));
  expect(problems.length, problems.join("\n")).toBeGreaterThan(0);
  const [first = ""] = (problems[0] as string).split("\n");
  expect(first).toContain(named);
  expect(first).toContain(said);
  expect(problems.length, problems.join("\n")).toBeLessThanOrEqual(2);
  for (const line of problems.flatMap((problem) => problem.split("\n").slice(1)))
    expect(line.length, line).toBeLessThanOrEqual(100);
});

it.each([
  ["clerk", 1, 'leads: no rule is for events of type "waitlistEntry.created"'],
  ["stripe", 0, 'leads: no rule is for events of type "customer.created", "customer.updated"'],
  ["stripe", 1, 'leads: no rule is for events of type "checkout.session.completed"'],
  [
    "stripe",
    2,
    'leads: no rule is for events of type "customer.subscription.created", "customer.subscription.updated"',
  ],
])("a removed rule, %s: %i", (provider, rule, said) => {
  const problems = checked(provider, without(rule));
  expect(problems, problems.join("\n")).toHaveLength(1);
  expect(problems[0]).toContain(said);
});
