/** What `npm run send` reads: --set, --at, --headers. */
import { spawn, spawnSync } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT } from "../../src/dev/files.ts";
import { parseHeaders, toHeaders } from "../../src/dev/headers.ts";
import { parseMoment } from "../../src/dev/moment.ts";
import { parseAssignment, setPath } from "../../src/dev/samples/set.ts";

const NOW = Date.UTC(2026, 2, 10, 12);

it.each([
  ["data.id=user_1", ["data", "id"], "user_1"],
  ["[0].data.list[2].n=7", ["0", "data", "list", "2", "n"], 7],
  ["a=b=c", ["a"], "b=c"],
  ["a=", ["a"], ""],
  ["a=null", ["a"], null],
  ['a="7"', ["a"], "7"],
  ["a=12345678901234567890", ["a"], "12345678901234567890"],
  ['a={"b":1}', ["a"], { b: 1 }],
])("--set %s", (text, path, value) => expect(parseAssignment(text)).toEqual({ path, value }));

it.each(["a", "=1", "", ".=1"])("--set %j is refused", (text) => {
  expect(() => parseAssignment(text)).toThrow("write it as path=value");
});

it("setPath reaches into lists, makes what is missing, and says so", () => {
  const root = { data: { list: [{ id: 1 }] } };
  expect(setPath(root, ["data", "list", "0", "id"], 2)).toBe(true);
  expect(setPath(root, ["data", "more", "deep"], "x")).toBe(false);
  expect(root).toEqual({ data: { list: [{ id: 2 }], more: { deep: "x" } } });
});

it.each([
  [["list", "first"], "can have no first there"],
  [["__proto__", "polluted"], "can have no __proto__ there"],
])("--set %j is refused, since it would not be sent", (path, said) => {
  expect(() => setPath({ list: [{ id: 1 }] }, path, 1)).toThrow(said);
});

it.each([
  ["-10m", NOW - 600_000],
  ["+1h", NOW + 3_600_000],
  ["-2d", NOW - 172_800_000],
  ["2026-03-10T11:59:30Z", NOW - 30_000],
  ["2026-03-10", NOW - 43_200_000],
])("--at %s", (text, time) => expect(parseMoment("--at", text, NOW)).toBe(time));

it.each(["10m", "yesterday", "", "-10", "1773144000", "2026-13-45"])("--at %j is refused", (text) => {
  expect(() => parseMoment("--at", text)).toThrow(/^--at .*: write a time such as/);
});

it("--wait that took the sample's name is refused before anything is sent", () => {
  const args = ["clerk", "--to", "http://localhost:1", "--wait", "organic"];
  const { status, stderr } = spawnSync(process.execPath, [join(ROOT, "src/dev/commands/send.ts"), ...args], {
    encoding: "utf8",
  });
  expect(stderr).toBe(
    "--wait organic: write a number of seconds above 0 after --wait, and the sample before it.\n",
  );
  expect(status).toBe(2);
});

describe("captured headers", () => {
  const wanted = [
    ["Host", "leads.example"],
    ["Stripe-Signature", "t=1773144000,v1=00ff"],
  ];
  const sent = { headers: wanted, method: "POST", path: "/webhooks/stripe" };
  it.each([
    ["lines", "Host: leads.example\r\nStripe-Signature: t=1773144000,v1=00ff\r\n", { headers: wanted }],
    [
      "a request",
      "POST /webhooks/stripe HTTP/1.1\nHost: leads.example\nStripe-Signature: t=1773144000,v1=00ff\n\n",
      sent,
    ],
    [
      "curl -v",
      "* Connected to leads.example\n> POST /webhooks/stripe HTTP/2\n> Host: leads.example\n> Stripe-Signature: t=1773144000,v1=00ff\n>\n} [9 bytes data]\n< HTTP/2 401\n< content-type: application/json\n",
      sent,
    ],
    [
      "dev tools",
      ":authority: leads.example\n:method: POST\n:path: /webhooks/stripe\nHost: leads.example\nStripe-Signature:\nt=1773144000,v1=00ff",
      sent,
    ],
    [
      "a copied curl command",
      "curl 'https://leads.example/webhooks/stripe' \\\n  -H 'Host: leads.example' \\\n  -H 'Stripe-Signature: t=1773144000,v1=00ff' \\\n  --data-raw '{}'",
      { headers: wanted },
    ],
    [
      "a curl command in one line",
      "curl 'https://leads.example/webhooks/stripe' -H 'Host: leads.example' -H 'Stripe-Signature: t=1773144000,v1=00ff' --data-raw '{}'",
      { headers: wanted },
    ],
    ["JSON", '{"Host": "leads.example", "Stripe-Signature": ["t=1773144000,v1=00ff"]}', { headers: wanted }],
    [
      "JSON of a HAR file",
      '{"headers": [{"name": "Host", "value": "leads.example"}, {"name": "Stripe-Signature", "value": "t=1773144000,v1=00ff"}]}',
      { headers: wanted },
    ],
  ])("%s", (_what, text, expected) => {
    expect(parseHeaders(text, "h.txt")).toEqual(expected);
  });
  it("names the line and does not quote it", () => {
    expect(() => parseHeaders("Host: x\nwhsec_secret", "h.txt")).toThrow(
      /^h.txt: line 2 is no header: write it as Name: value\.$/,
    );
    expect(() => parseHeaders('{"Authorization": "secret', "h.txt")).toThrow(
      /^(?!.*secret)h.txt is no valid JSON/,
    );
  });
  it.each([
    '{"headers": null}',
    '{"headers": "Host: x"}',
    '{"headers": [null]}',
    '{"headers": {"Host": {}}}',
  ])("%s is refused", (text) => {
    expect(() => parseHeaders(text, "h.txt")).toThrow(/^h.txt: write the headers as/);
  });
  it("refuses what HTTP does not allow", () => {
    expect(() => toHeaders([["na me", "x"]])).toThrow('"na me"');
  });
});

it("a Worker here that was started with another secret is said to be one", async () => {
  const server = createServer((_, response) => {
    response.statusCode = 401;
    response.end('{"error":"unauthorized","message":"…"}');
  });
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  const to = `localhost:${(server.address() as AddressInfo).port}`;
  const child = spawn(process.execPath, [join(ROOT, "src/dev/commands/send.ts"), "clerk", "--to", to]);
  let out = "";
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk;
  });
  const code = await new Promise((resolve) => child.once("close", resolve));
  server.close();
  expect(code).toBe(1);
  expect(out).toMatch(/the Worker was started with another one\nWhat to do: start the Worker again/);
});
