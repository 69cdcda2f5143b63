import { execFileSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ROOT } from "../../src/dev/files.ts";
import { generated, mappingLists } from "../../src/dev/generated.ts";

/** What holds generated tables. */
const PAGES = ["README.md", "ARCHITECTURE.md", "docs"];

/** Runs a tool of src/dev in a copy of the project. */
function run(root: string, tool: string, ...args: string[]): { code: number; output: string } {
  try {
    return {
      code: 0,
      output: execFileSync(process.execPath, [join(root, "src/dev/commands", tool), ...args], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"],
      }),
    };
  } catch (error) {
    const { status, stdout, stderr } = error as { status: number; stdout: string; stderr: string };
    return { code: status, output: stdout + stderr };
  }
}

/** A provider of these tests, so that they don't depend on the words of the shipped files. */
const ORCHARD = {
  $schema: "../mapping.schema.json",
  name: "Orchard",
  docs: "https://orchard.example/webhooks",
  verify: { scheme: "token", header: "x-token" },
  type: "type",
  let: {
    resource: "data.resource",
    clickId: "click_id($resource.metadata, $resource.settings)",
    address: "$resource.addresses[0]",
  },
  test: "live == `false`",
  thin: "isThin && 'send the whole event'",
  leads: [
    {
      on: {
        "user.created": true,
        "user.updated": "$clickId && days_between($resource.created, $resource.updated) < `7`",
      },
      lead: {
        clickId: "$clickId",
        eventName: "'Sign Up'",
        customerExternalId: "$resource.id",
        customerName: "$resource.name || $resource.nickname",
        customerEmail: "$address",
      },
    },
    {
      on: { "order.changed": "$resource.status == 'paid'" },
      lead: { eventName: "'First Order'", customerExternalId: "$resource.buyer" },
      withoutClickId: "send",
    },
    {
      on: ["list.joined"],
      when: "$resource.list != 'news'",
      lead: { eventName: "'Joined Waitlist'", customerExternalId: "$resource.person" },
      withoutClickId: "send",
    },
  ],
};

const CLICK = { dubClickId: "Xk3pQ9vLm2RtYw7B" };
const MIRA = { id: "u1", name: "Mira Solberg", addresses: ["mira@orchard.example"], metadata: CLICK };
const [SIGN_UP, ORDER, JOINED] = ["Sign Up", "First Order", "Joined Waitlist"].map((eventName) => ({
  clickId: eventName === "Sign Up" ? CLICK.dubClickId : "",
  eventName,
  customerExternalId: "u1",
}));
const NAMED = { ...SIGN_UP, customerName: "Mira Solberg", customerEmail: "mira@orchard.example" };

/** name → [type, resource, what becomes of it, other fields of the event] */
const SAMPLES: Record<string, [type: string, resource: object, expect: object, more?: object]> = {
  "sign-up": ["user.created", MIRA, { lead: NAMED }],
  nickname: [
    "user.created",
    { id: "u1", nickname: "mira", settings: CLICK },
    { lead: { ...SIGN_UP, customerName: "mira" } },
  ],
  "test-event": ["user.created", MIRA, { skipped: "test_event" }, { live: false }],
  thin: ["user.created", {}, { rejected: "thin_event" }, { isThin: true }],
  "click-id-later": [
    "user.updated",
    { ...MIRA, created: "2026-03-10T12:00:00Z", updated: "2026-03-11T12:00:00Z" },
    { lead: NAMED },
  ],
  "old-user": [
    "user.updated",
    { ...MIRA, created: "2026-01-10T12:00:00Z", updated: "2026-03-11T12:00:00Z" },
    { ignored: true },
  ],
  order: ["order.changed", { buyer: "u1", status: "paid" }, { lead: ORDER }],
  "open-order": ["order.changed", { buyer: "u1", status: "open" }, { ignored: true }],
  waitlist: ["list.joined", { person: "u1", list: "beta" }, { lead: JOINED }],
  newsletter: ["list.joined", { person: "u1", list: "news" }, { ignored: true }],
};

function writeOrchard(folder: string): void {
  mkdirSync(join(folder, "samples"), { recursive: true });
  const write = (name: string, json: object) =>
    writeFileSync(join(folder, name), `${JSON.stringify(json, null, 2)}\n`);
  write("mapping.json", ORCHARD);
  for (const [name, [type, resource, expect, more]] of Object.entries(SAMPLES))
    write(`samples/${name}.json`, {
      $schema: "../../sample.schema.json",
      title: name,
      webhook: { type, ...more, data: { resource } },
      expect: [expect],
    });
  writeFileSync(join(folder, "README.md"), "# Orchard\n");
}

/** Copies what the tools read, into a new folder unless one is given. */
function copyOfProject(parts: string[], copy = mkdtempSync(join(tmpdir(), "check-"))): string {
  for (const part of ["src", "package.json", ...PAGES, ...parts])
    cpSync(join(ROOT, part), join(copy, part), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"), "dir");
  return copy;
}

describe("npm run check names what is wrong", () => {
  const MAPPING = "mappings/orchard/mapping.json";
  const SAMPLE = "mappings/orchard/samples/sign-up.json";
  let copy: string;
  let right: string;
  beforeAll(() => {
    copy = copyOfProject([]);
    writeOrchard(join(copy, "mappings/orchard"));
    mkdirSync(join(copy, "mappings/own"));
    expect(run(copy, "check.ts", "--write")).toEqual({ code: 0, output: "" });
    right = join(copy, "right");
    cpSync(join(copy, "mappings"), right, { recursive: true });
  });
  beforeEach(() => {
    rmSync(join(copy, "mappings"), { recursive: true });
    cpSync(right, join(copy, "mappings"), { recursive: true });
  });
  afterAll(() => rmSync(copy, { recursive: true }));

  it.each([
    [
      "a typo in a path",
      MAPPING,
      '"$resource.buyer"',
      '"$resource.buyr"',
      `${MAPPING}: leads[1].lead.customerExternalId: no sample has the field buyr. Did you mean buyer? at column 11 of "$resource.buyr"`,
    ],
    [
      "a typo in an argument of click_id",
      MAPPING,
      "$resource.settings)",
      "$resource.setings)",
      "let.clickId: no sample has the field setings. Did you mean settings? at column",
    ],
    [
      "a typo in a named expression",
      MAPPING,
      "$resource.addresses[0]",
      "$resource.adresses[0]",
      "let.address: no sample has the field adresses. Did you mean addresses? at column 11 of",
    ],
    [
      "a typo in a branch of ||",
      MAPPING,
      "$resource.nickname",
      "$resource.nicknam",
      "leads[0].lead.customerName: no sample has the field nicknam. Did you mean nickname? at column 29 of",
    ],
    [
      "a syntax error",
      MAPPING,
      '"$resource.id"',
      '"$resource.[id"',
      `${MAPPING}: leads[0].lead.customerExternalId: `,
    ],
    [
      "an unknown key",
      MAPPING,
      '"thin":',
      '"thinn":',
      `${MAPPING}: thinn: unknown key. Did you mean "thin"?`,
    ],
    [
      "= for ==",
      MAPPING,
      "$resource.status == 'paid'",
      "$resource.status = 'paid'",
      'leads[1].on["order.changed"]: "=" is no comparison, write "==" at column 18 of "$resource.status = \'paid\'"',
    ],
    [
      "double quotes around a text",
      MAPPING,
      "$resource.status == 'paid'",
      '$resource.status == \\"paid\\"',
      'leads[1].on["order.changed"]: "paid" in double quotes is the name of a field, and no sample has it. For text write \'paid\' at column 21 of',
    ],
    [
      "double quotes around a constant",
      MAPPING,
      "\"'First Order'\"",
      '"\\"First Order\\""',
      "leads[1].lead.eventName: \"First Order\" in double quotes is the name of a field, and no sample has it. For text write 'First Order' at column 1 of",
    ],
    [
      "no quotes around a constant",
      MAPPING,
      "\"'First Order'\"",
      '"First Order"',
      "leads[1].lead.eventName: text stands in single quotes, write 'First Order' at column 7 of",
    ],
    [
      "no quotes around a text",
      MAPPING,
      "$resource.list != 'news'",
      "$resource.list != news",
      "news is the name of a field, and no sample has it. For text write 'news' at column 19 of",
    ],
    [
      "quotes around a field",
      MAPPING,
      '"$resource.buyer"',
      "\"'data.resource.buyer'\"",
      "leads[1].lead.customerExternalId: 'data.resource.buyer' is text. For the field write data.resource.buyer at column 1 of",
    ],
    [
      "one id for everybody",
      MAPPING,
      '"$resource.buyer"',
      "\"'user'\"",
      "leads[1].lead.customerExternalId: is the same for every event, so that all customers would be one",
    ],
    [
      "a condition that is always true",
      MAPPING,
      "$resource.list != 'news'",
      "$resource.list != 'nws'",
      "is true for each of the 2 sample events it is tried on. Is there a mistake? Otherwise add a sample for which it is false",
    ],
    [
      "a condition that is never true",
      MAPPING,
      "$resource.status == 'paid'",
      "$resource.status == 'payed'",
      "is false for each of the 2 sample events it is tried on. Is there a mistake? Otherwise add a sample for which it is true",
    ],
    [
      "test events that are all events",
      MAPPING,
      "live == `false`",
      "live != `true`",
      `${MAPPING}: test: "live != \`true\`" is true for each of the`,
    ],
    [
      "| for ||",
      MAPPING,
      "$resource.status == 'paid'",
      "$resource.status == 'paid' | $resource.status == 'sent'",
      'leads[1].on["order.changed"]: "|" passes what is left of it to what is right of it. For "or" write "||" at column 28 of',
    ],
    [
      "an order of texts",
      MAPPING,
      "$resource.updated) < `7`",
      "$resource.updated) < '7'",
      "only numbers have an order; text in single quotes is no number. Write numbers in backticks at column",
    ],
    [
      "too few arguments",
      MAPPING,
      "days_between($resource.created, $resource.updated)",
      "days_between($resource.created)",
      'leads[0].on["user.updated"]: days_between() takes',
    ],
    [
      "a typo in an event type",
      MAPPING,
      '"list.joined"',
      '"list.jioned"',
      'leads[2].on[0]: no sample has an event of type "list.jioned". Did you mean "list.joined"?',
    ],
    [
      "a name that is used nowhere",
      MAPPING,
      '"customerEmail": "$address"',
      '"customerEmail": "$resource.addresses[0]"',
      "let.address: is used nowhere. Write $address where you need it",
    ],
    ["broken JSON", MAPPING, '"thin":', '"thin"', `${MAPPING}: `],
    [
      "a sample that becomes something else",
      SAMPLE,
      '"customerName": "Mira Solberg"',
      '"customerName": "Mira"',
      `${SAMPLE}: expect[0].lead.customerName: differs from what the mapping file gives by leads[0].lead.customerName`,
    ],
    [
      "a list that is written as a text",
      MAPPING,
      '[\n        "list.joined"\n      ]',
      '"list.joined"',
      `leads[2].on: expected array or record: write ["list.joined"]`,
    ],
    ["a required key that is misspelt", MAPPING, '"scheme"', '"schema"', 'Is "schema" meant to be it?'],
    [
      "an unknown result of a sample",
      "mappings/orchard/samples/test-event.json",
      '"skipped"',
      '"skiped"',
      'expect[0].skiped: unknown key. Did you mean "skipped"?',
    ],
    [
      "an unknown reason of a sample",
      "mappings/orchard/samples/test-event.json",
      "test_event",
      "test_events",
      "test-event.json:",
    ],
    ["a sample of another form", SAMPLE, '"title"', '"titel"', `${SAMPLE}: `],
    [
      "a list of mapping files that forgets one",
      "mappings/index.ts",
      "  orchard: orchardMapping,",
      "",
      'mappings/index.ts is out of date: run "npm run check -- --write"',
    ],
    [
      "a $schema that leads nowhere",
      SAMPLE,
      '"../../sample.schema.json"',
      '"../sample.schema.json"',
      `${SAMPLE}: $schema: is "../sample.schema.json", write "../../sample.schema.json"`,
    ],
  ])("%s", (_, file, from, to, said) => {
    const path = join(copy, file);
    const text = readFileSync(path, "utf8");
    expect(text).toContain(from);
    writeFileSync(
      path,
      text.replace(from, () => to),
    );
    const { code, output } = run(copy, "check.ts");
    expect(output.replace(/^(\S+):\d+:\d+: /gm, "$1: ")).toContain(said);
    expect(output).not.toContain("    at ");
    expect(code).toBe(1);
  });

  it("--accept writes what samples become now, and shows it; the layout stays", () => {
    const change = (file: string, from: string, to: string) => {
      const text = readFileSync(join(copy, file), "utf8");
      expect(text).toContain(from);
      writeFileSync(
        join(copy, file),
        text.replace(from, () => to),
      );
    };
    const order = "mappings/orchard/samples/order.json";
    const joined = "mappings/orchard/samples/waitlist.json";
    change(order, /\{[\s\S]*/.exec(readFileSync(join(copy, order), "utf8"))?.[0] as string, compact(order));
    const before = readFileSync(join(copy, order), "utf8");
    const untouched = readFileSync(join(copy, joined), "utf8");
    change(MAPPING, "'First Order'", "'Order'");
    const { code, output } = run(copy, "check.ts", "--accept", "orchard");
    expect(output).toContain(
      `${order}: expect is changed\n    sample  event  field      before         now\n    order   1      eventName  "First Order"  "Order"`,
    );
    expect(code).toBe(0);
    expect(readFileSync(join(copy, order), "utf8")).toBe(before.replace('"First Order"', '"Order"'));
    expect(readFileSync(join(copy, joined), "utf8")).toBe(untouched);

    // A lead in place of nothing, and another field: these are written anew.
    change(MAPPING, "$resource.list != 'news'", "$resource.list != 'beta'");
    change(MAPPING, '"$resource.person"', '"$resource.person", "metadata": { "list": "$resource.list" }');
    expect(run(copy, "check.ts").code).toBe(1);
    expect(run(copy, "check.ts", "--accept").code).toBe(0);
    const newsletter = JSON.parse(
      readFileSync(join(copy, "mappings/orchard/samples/newsletter.json"), "utf8"),
    );
    expect(newsletter.expect).toEqual([{ lead: { ...JOINED, metadata: { list: "news" } } }]);
    expect(JSON.parse(readFileSync(join(copy, joined), "utf8")).expect).toEqual([{ ignored: true }]);
  });

  const compact = (file: string) => JSON.stringify(JSON.parse(readFileSync(join(copy, file), "utf8")));

  it.each([
    [
      "a header's name",
      MAPPING,
      '"x-token"',
      '"x token"',
      "verify.header: is no name that a header can have",
    ],
    ["a field", SAMPLE, '"lead": {', '"lead": { "constructor": "x",', 'constructor  "x"       (none)'],
    [
      "a header of a sample",
      SAMPLE,
      "{",
      '{ "headers": { "x topic": "a" },',
      'headers["x topic"]: is no name',
    ],
    [
      "a header's value",
      SAMPLE,
      "{",
      '{ "headers": { "x": "\u20ac" },',
      "headers.x: is no value that a header",
    ],
    ["json-lines without a list", SAMPLE, "{", '{ "send": "json-lines",', "webhook: must be an array"],
    [
      "a name under let",
      MAPPING,
      '"address":',
      '"an address":',
      'let["an address"]: does not fit /^[A-Za-z_]',
    ],
  ])("%s that can't be", (_what, file, from, to, said) => {
    const path = join(copy, file);
    writeFileSync(path, readFileSync(path, "utf8").replace(from, to));
    const { code, output } = run(copy, "check.ts");
    expect(output).toContain(said);
    expect(output).not.toContain("    at ");
    expect(code).toBe(1);
  });

  it("--accept writes several fields of a sample whose keys are in another order", () => {
    const path = join(copy, "mappings/orchard/samples/nickname.json");
    const sample = JSON.parse(readFileSync(path, "utf8"));
    const [{ lead }] = sample.expect;
    const other = {
      customerName: "m",
      customerExternalId: "u",
      eventName: lead.eventName,
      clickId: lead.clickId,
    };
    writeFileSync(path, JSON.stringify({ ...sample, expect: [{ lead: other }] }));
    expect(run(copy, "check.ts", "--accept", "orchard").code).toBe(0);
    expect(readFileSync(path, "utf8")).toBe(
      JSON.stringify({
        ...sample,
        expect: [{ lead: { ...other, customerName: "mira", customerExternalId: "u1" } }],
      }),
    );
  });

  it("a file that is not UTF-8", () => {
    const path = join(copy, MAPPING);
    writeFileSync(path, Buffer.from(readFileSync(path, "utf8").replace("Orchard", "Verg\u00e9"), "latin1"));
    const { code, output } = run(copy, "check.ts");
    expect(output).toContain(`${MAPPING}:3:16: this is not UTF-8: save the file as UTF-8 without BOM`);
    expect(code).toBe(1);
  });

  it.each(["orchard-", "orchard--eu", "My Orchard"])("a folder %j, which --write does not list", (name) => {
    cpSync(join(copy, "mappings/orchard"), join(copy, "mappings", name), { recursive: true });
    const lists = () => readFileSync(join(copy, "mappings/index.ts"), "utf8");
    const before = lists();
    const { code, output } = run(copy, "check.ts", "--write");
    expect(output).toContain(`mappings/${name} name the folder with lower-case letters`);
    expect(output).toContain("\n1 problem(s)");
    expect(code).toBe(1);
    expect(lists()).toBe(before);
  });

  it("preview takes headers in place of those of the sample", () => {
    const path = join(copy, MAPPING);
    writeFileSync(
      path,
      readFileSync(path, "utf8").replace('"type": "type"', '"type": { "header": "x-topic" }'),
    );
    const sample = join(copy, "mappings/orchard/samples/order.json");
    const json = JSON.parse(readFileSync(sample, "utf8"));
    writeFileSync(sample, JSON.stringify({ ...json, headers: { "x-topic": "order.changed" } }));
    const preview = (...more: string[]) => run(copy, "preview.ts", "orchard", "order", ...more).output;
    expect(preview()).toMatch(/^order\.changed .* lead/);
    expect(preview("--headers", "x-topic=order.sent")).toMatch(/^order\.sent .* ignored/);
  });

  it("--accept changes nothing where the mapping file itself has problems", () => {
    const path = join(copy, MAPPING);
    const text = readFileSync(path, "utf8").replace("'First Order'", "'Order'");
    writeFileSync(path, text.replace('"$resource.buyer"', '"$resource.buyr"'));
    const sample = readFileSync(join(copy, "mappings/orchard/samples/order.json"), "utf8");
    const { code, output } = run(copy, "check.ts", "--accept", "orchard");
    expect(output).toContain("No sample is changed where the mapping file itself has problems");
    expect(code).toBe(1);
    expect(readFileSync(join(copy, "mappings/orchard/samples/order.json"), "utf8")).toBe(sample);
    expect(run(copy, "check.ts", "--accept", "orchrd")).toMatchObject({
      code: 2,
      output: "There is no mappings/orchrd/mapping.json. Did you mean orchard?\n",
    });
  });

  it("--accept is not offered where it would be refused", () => {
    const path = join(copy, MAPPING);
    const text = readFileSync(path, "utf8");
    writeFileSync(path, text.replace('"$resource.buyer"', '"$resource.owner"'));
    const { output } = run(copy, "check.ts");
    expect(output).toContain('"$resource.owner" gives no value in any sample');
    expect(output).not.toContain("--accept");
  });

  it("--json prints a list of problems", () => {
    const path = join(copy, MAPPING);
    writeFileSync(path, readFileSync(path, "utf8").replace('"$resource.buyer"', '"$resource.buyr"'));
    const { output } = run(copy, "check.ts", "--json");
    expect(JSON.parse(output.slice(0, output.lastIndexOf("]") + 1))).toEqual([
      {
        file: MAPPING,
        path: "leads[1].lead.customerExternalId",
        line: 37,
        column: 42,
        message: 'no sample has the field buyr. Did you mean buyer? at column 11 of "$resource.buyr"',
      },
    ]);
  });

  it("says everything about a condition without samples in one line", () => {
    const path = join(copy, MAPPING);
    writeFileSync(path, readFileSync(path, "utf8").replace('"order.changed"', '"order.sent"'));
    const { output } = run(copy, "check.ts");
    expect(output.split("\n").filter((line) => line.includes('leads[1].on["order.sent"]'))).toHaveLength(1);
  });

  it("a missing README.md, but not in a folder of your own", () => {
    rmSync(join(copy, "mappings/orchard/README.md"));
    cpSync(join(copy, "mappings/orchard"), join(copy, "mappings/own/orchard"), { recursive: true });
    const { code, output } = run(copy, "check.ts", "--write");
    expect(output).toContain("mappings/orchard/README.md is missing: it says where");
    expect(output).toContain("\n1 problem(s)");
    expect(code).toBe(1);
  });
});

it("JSON Schemas and the tables of the documentation are made from the source", async () => {
  for (const [path, content] of [...mappingLists(), ...(await generated())])
    expect(readFileSync(path, "utf8"), `run "npm run check -- --write"`).toBe(content);
});

describe("files of your own", () => {
  it("win over the shipped ones, are checked, and merge with every update", () => {
    const root = mkdtempSync(join(tmpdir(), "own-"));
    const [upstream, fork] = [join(root, "upstream"), join(root, "fork")];
    const git = (at: string, ...args: string[]) =>
      execFileSync("git", ["-C", at, "-c", "user.name=t", "-c", "user.email=t@orchard.example", ...args], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"],
      });
    const change = (at: string, file: string, from: string, to: string) => {
      const text = readFileSync(join(at, file), "utf8");
      expect(text).toContain(from);
      writeFileSync(join(at, file), text.replaceAll(from, to));
    };
    const commit = (at: string) => {
      git(at, "add", ".");
      git(at, "commit", "--quiet", "--message", "change");
    };
    copyOfProject([".gitignore", "mappings/own/README.md"], upstream);
    writeOrchard(join(upstream, "mappings/orchard"));
    expect(run(upstream, "check.ts", "--write")).toMatchObject({ code: 0 });
    git(upstream, "init", "--quiet");
    writeFileSync(join(upstream, ".git/info/exclude"), "node_modules\n");
    commit(upstream);
    git(root, "clone", "--quiet", upstream, fork);
    symlinkSync(join(ROOT, "node_modules"), join(fork, "node_modules"), "dir");
    writeFileSync(join(fork, ".git/info/exclude"), "node_modules\n");

    // The user changes a copy of a shipped provider.
    cpSync(join(fork, "mappings/orchard"), join(fork, "mappings/own/orchard"), { recursive: true });
    change(fork, "mappings/own/orchard/mapping.json", "'Sign Up'", "'Joined'");
    expect(run(fork, "check.ts").output).toContain(
      "leads[0].lead.eventName: 3 samples expect another result",
    );
    for (const file of readdirSync(join(fork, "mappings/own/orchard/samples"))) {
      const path = `mappings/own/orchard/samples/${file}`;
      if (readFileSync(join(fork, path), "utf8").includes('"Sign Up"'))
        change(fork, path, '"Sign Up"', '"Joined"');
    }
    expect(run(fork, "check.ts").output).toContain("mappings/own/index.ts is out of date");
    expect(run(fork, "check.ts", "--write")).toMatchObject({ code: 0 });
    commit(fork);

    // Upstream changes the same provider and adds another.
    change(upstream, "mappings/orchard/mapping.json", "'First Order'", "'Order'");
    for (const file of readdirSync(join(upstream, "mappings/orchard/samples"))) {
      const path = `mappings/orchard/samples/${file}`;
      if (readFileSync(join(upstream, path), "utf8").includes('"First Order"'))
        change(upstream, path, '"First Order"', '"Order"');
    }
    cpSync(join(upstream, "mappings/orchard"), join(upstream, "mappings/other"), { recursive: true });
    expect(run(upstream, "check.ts", "--write")).toMatchObject({ code: 0 });
    commit(upstream);

    git(fork, "pull", "--quiet", "--no-rebase", "--no-edit");
    expect(git(fork, "status", "--porcelain")).toBe("");
    expect(run(fork, "check.ts")).toMatchObject({ code: 0 });
    const payload = join(root, "payload.json");
    for (const [sample, name] of [
      ["sign-up", "Joined"],
      ["order", "First Order"],
    ]) {
      const { webhook } = JSON.parse(
        readFileSync(join(fork, `mappings/orchard/samples/${sample}.json`), "utf8"),
      );
      writeFileSync(payload, JSON.stringify(webhook));
      expect(run(fork, "preview.ts", "orchard", payload).output).toContain(`"eventName": "${name}"`);
    }
    rmSync(root, { recursive: true });
  });

  it("a copied provider gets the right $schema lines", () => {
    const root = copyOfProject(["mappings"]);
    cpSync(join(root, "mappings/clerk"), join(root, "mappings/own/clerk"), { recursive: true });
    expect(run(root, "check.ts").output).toContain(
      'mappings/own/clerk/mapping.json:2:14: $schema: is "../mapping.schema.json", write "../../mapping.schema.json"',
    );
    expect(run(root, "check.ts", "--write")).toMatchObject({ code: 0 });
    rmSync(root, { recursive: true });
  });
});
