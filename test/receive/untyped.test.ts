/** What is genuine and not understood is kept and named, not thrown away. */
import { describe, expect, it } from "vitest";
import { shipped as mappings } from "../../mappings/index.ts";
import { createTestApp, sampleOf } from "../support/app.ts";

const utf8 = (text: string) => new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>;
const event = () => sampleOf("auth0").webhook as Record<string, unknown>;
const [log] = sampleOf("auth0-logs").webhook as { log_id: string; data: Record<string, unknown> }[];
const stripe = () => sampleOf("stripe").webhook as Record<string, unknown>;
const bus = (detail: unknown) => ({
  version: "0",
  id: "9a1c",
  "detail-type": "Auth0 event",
  source: "aws.partner/auth0.example/orchard",
  detail,
});

describe("an event whose type can't be read is kept as rejected, with what it looks like", () => {
  it.each([
    [
      "a log stream's body",
      "auth0",
      [log],
      "it looks like a webhook of auth0-logs (type ss): correct the address",
    ],
    ["a log stream's object", "auth0", log, "it looks like a webhook of auth0-logs (type ss): correct"],
    [
      "an event stream's event",
      "auth0-logs",
      event(),
      "it looks like a webhook of auth0 (type user.created): correct",
    ],
    [
      "a Stripe event",
      "auth0-logs",
      stripe(),
      "it looks like a webhook of stripe (type customer.created): correct",
    ],
    ["a flat log", "auth0-logs", log?.data, 'it looks like what belongs into "data", without the rest'],
    [
      "an event on a bus",
      "auth0",
      bus(event()),
      'it is an Amazon EventBridge envelope: its "detail" looks like a webhook of auth0 (type user.created). Have it',
    ],
    ["a log on a bus", "auth0-logs", bus(log), 'its "detail" looks like a webhook of auth0-logs (type ss)'],
    [
      "a bus with something else",
      "clerk",
      bus({ x: 1 }),
      "it is an Amazon EventBridge envelope (detail-type, detail)",
    ],
    [
      "JSON in text",
      "stripe",
      { Type: "Notification", Message: JSON.stringify(stripe()) },
      'it is wrapped: its "Message" looks like a webhook of stripe (type customer.created)',
    ],
    ["a transformed body", "clerk", { text: "user.created" }, "type: type gave no text; the event has text"],
    ["an empty object", "clerk", {}, "the event has no fields"],
    [
      "a type that is no text",
      "stripe",
      { type: { a: 1 }, id: "evt_1" },
      "type: type gave no text; the event has type, id",
    ],
  ])("%s at %s", async (_, provider, body, said) => {
    const app = await createTestApp();
    expect(await app.send(provider, body)).toMatchObject([
      { status: "rejected", reason: "no_event_type", type: null },
    ]);
    const row = await app.row();
    expect(row.detail).toContain(said);
    expect(JSON.parse(row.payload ?? "")).toEqual(Array.isArray(body) ? body[0] : body);
    expect(row.detail).not.toMatch(/mira|orchard\.example/i);
  });

  it("looks at the first ten of a webhook", async () => {
    const app = await createTestApp();
    await app.send(
      "auth0-logs",
      Array.from({ length: 12 }, (_, i) => ({ ...event(), id: `evt_${i}` })),
    );
    const told = (await app.rows()).map(({ detail }) =>
      detail?.startsWith("it looks like a webhook of auth0"),
    );
    expect(told).toEqual([...Array(10).fill(true), false, false]);
  });

  it("names the header that a type is read from", async () => {
    const file = { ...(mappings.clerk as object), type: { header: "x-topic" } };
    const app = await createTestApp({ mappings: { clerk: file } });
    await app.send("clerk", { id: 1 });
    expect((await app.row()).detail).toBe("header x-topic is missing; the event has id");
  });

  it("the fields that it names are bounded", async () => {
    const app = await createTestApp();
    const names = Array.from({ length: 1000 }, (_, i) => `${i}${"x".repeat(1000)}\u0007`);
    await app.send("clerk", Object.fromEntries(names.map((name) => [name, {}])));
    expect((await app.row()).detail?.length).toBeLessThan(600);
  });

  it("a wrong mapping file beside it changes nothing", async () => {
    const app = await createTestApp({ mappings: { ...mappings } });
    app.deps.mappings.broken = { verify: 1 };
    expect(await app.send("auth0", [log])).toMatchObject([{ reason: "no_event_type" }]);
  });

  it("replayed after the mapping file was corrected, it is a lead", async () => {
    const app = await createTestApp({ mappings: { ...mappings } });
    await app.send("auth0-logs", log?.data);
    const file = mappings["auth0-logs"] as object;
    const corrected = JSON.parse(JSON.stringify(file).replaceAll("data.", ""));
    app.deps.mappings["auth0-logs"] = { ...corrected, type: "type" };
    app.env.ADMIN_TOKEN = "local-admin-token-of-a-test";
    const request = new Request("https://leads.example/api/replay", {
      method: "POST",
      headers: { authorization: `Bearer ${app.env.ADMIN_TOKEN}` },
      body: JSON.stringify({ reason: "no_event_type" }),
    });
    expect(await (await app.fetch(request)).json()).toMatchObject({
      events: 1,
      became: [{ status: "pending" }],
    });
  });
});

describe("a body without an event", () => {
  it.each([
    ["null", "clerk", "not_an_object"],
    ["42", "clerk", "not_an_object"],
    ['"text"', "auth0", "not_an_object"],
    ["[1]", "clerk", "not_an_object", "1"],
    ["true", "auth0-logs", "not_an_object"],
    ["[]", "clerk", "not_split"],
    ["[]", "stripe", "not_split"],
  ])("%s at %s is kept as rejected", async (text, provider, reason, payload = text) => {
    const app = await createTestApp();
    expect(await app.send(provider, utf8(text))).toMatchObject([{ status: "rejected", reason }]);
    expect((await app.row()).payload).toBe(payload);
  });

  it.each([
    ["[]", "logs || [@][]", []],
    ['{"logs":[]}', "logs || [@][]", []],
    ['{"logs":[],"next":null,"count":0}', "logs", []],
    ['{"type":"a","tags":[]}', "logs || [@][]", ["no_event_type"]],
    ['{"type":"a","tags":[]}', "logs || `[]`", ["not_split"]],
    ['{"logs":[],"events":[{"type":"a"}]}', "logs", ["not_split"]],
    ['{"logs":[],"event":{"type":"a"}}', "logs", ["not_split"]],
    ['{"events":[{"type":"a"}]}', "logs", ["not_split"]],
    ['[{"type":"a"}]', "[?type == 'b']", ["not_split"]],
  ])("%s with each: %s", async (text, each, reasons) => {
    const files = { "auth0-logs": { ...(mappings["auth0-logs"] as object), each } };
    const app = await createTestApp({ mappings: files });
    const answers = await app.send("auth0-logs", utf8(text));
    expect(answers.map((answer) => ("reason" in answer ? answer.reason : answer.status))).toEqual(reasons);
    if (answers.length === 0)
      expect(await app.ignored()).toEqual([{ provider: "auth0-logs", type: "(empty batch)", count: 1 }]);
  });
});
