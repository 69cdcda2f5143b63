/** `npm run forget` against a Worker on this machine. */
import { join } from "node:path";
import { spawn } from "@lydell/node-pty";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ROOT, readSample } from "../../src/dev/files.ts";
import { postSample } from "../../src/dev/samples/post.ts";
import { secretFor } from "../../src/dev/samples/secrets.ts";
import { run } from "./support/commands.ts";
import { startTestWorker, type TestWorker, TOKEN } from "./support/worker.ts";

type Lead = { lead: { customerExternalId: string; customerEmail: string } };
const [{ lead }] = readSample("clerk").expect as [Lead];
const { customerExternalId: customer, customerEmail: email } = lead;

let worker: TestWorker;
let to: string[];
beforeAll(async () => {
  worker = await startTestWorker({ CLERK_WEBHOOK_SECRET: secretFor("clerk") });
  to = ["--to", worker.url];
  await postSample("clerk", readSample("clerk"), worker.url);
  await worker.logged('"reason":"recorded"');
});
afterAll(() => worker.stop());

const found = async () => JSON.parse((await run("events", ["--find", customer, "--json", ...to])).out).events;

/** Runs it in a terminal, where it asks; answers with `answer`. */
function inTerminal(args: string[], answer: string): Promise<{ code: number; out: string }> {
  const terminal = spawn(process.execPath, [join(ROOT, "src/dev/commands/forget.ts"), ...args], {
    env: { ...process.env, ADMIN_TOKEN: TOKEN, NO_COLOR: "1" } as Record<string, string>,
    cols: 200,
  });
  let out = "";
  let asked = false;
  terminal.onData((text) => {
    out += text;
    if (asked || !out.includes("[y/N]")) return;
    asked = true;
    terminal.write(`${answer}\r`);
  });
  return new Promise((resolve) => terminal.onExit(({ exitCode: code }) => resolve({ code, out })));
}

it("shows what would be erased, and without a terminal erases nothing", async () => {
  const { code, out } = await run("forget", [email.toUpperCase(), ...to]);
  expect([code, out]).toEqual([1, expect.stringContaining(`Known as: ${customer}, ${email}.`)]);
  expect(out).toMatch(/^Would be erased: 1 event \(payload, lead, attempts\), 0 remembered clicks\.$/m);
  expect(out).toContain("Nothing is erased yet: --yes erases it.");
  expect(await found()).toHaveLength(1);
});

it("asks in a terminal, and takes a no", async () => {
  const { code, out } = await inTerminal([email, ...to], "n");
  expect([code, out]).toEqual([1, expect.stringContaining("Nothing is erased.")]);
  expect(await found()).toHaveLength(1);
});

it("erases after a yes, and says how to delete the customer at Dub", async () => {
  const { code, out } = await inTerminal([email, ...to], "y");
  expect([code, out]).toEqual([0, expect.stringMatching(/^Erased: 1 event /m)]);
  expect(out).toContain(`DELETE https://api.dub.co/customers/ext_${customer}.`);
  expect(await found()).toEqual([]);
});

it("finds nothing afterwards; --json is one value", async () => {
  const { code, out } = await run("forget", [email, "--yes", "--json", ...to]);
  expect([code, JSON.parse(out)]).toEqual([
    0,
    expect.objectContaining({ dryRun: false, customers: [], events: 0, clicks: 0, next: null }),
  ]);
});

it("says what is wrong, with exit code 2", async () => {
  expect(await run("forget", [" ", ...to])).toMatchObject({
    code: 2,
    err: expect.stringContaining("find must say whom"),
  });
  expect(await run("forget", to)).toMatchObject({ code: 2, err: expect.stringContaining("missing") });
});
