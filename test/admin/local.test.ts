/** What to do, as it is done for a Worker on this machine, in every text and on the pages. */
import { expect, it } from "vitest";
import { isLocal, todoAt, toTurnOn } from "../../src/admin/local.ts";
import { ALERTS } from "../../src/alert.ts";
import { ANSWERS } from "../../src/receive/refuse.ts";
import { REASONS } from "../../src/states.ts";
import { idOf, open, type TestApp, TOKEN } from "../support/admin.ts";
import { MINUTE, signUp } from "../support/app.ts";

const HERE = "http://localhost:8787";
const THERE = "https://leads.example";

it("knows this machine", () => {
  expect(["http://localhost:1", "http://127.0.0.1", "http://[::1]:2"].every(isLocal)).toBe(true);
  expect([THERE, "https://localhost.evil.example"].some(isLocal)).toBe(false);
});

it.each([
  [
    REASONS.dub_key_missing.todo,
    "write `DUB_API_KEY=…` into `.dev.vars` and start the Worker again; one lead is tried every hour, and at once when the key is changed",
  ],
  [
    ANSWERS.provider_off.todo,
    "write it into `.dev.vars` and start the Worker again, or remove the webhook at the provider",
  ],
  [
    ANSWERS.unknown_provider.todo,
    "correct the address at the provider, or start the Worker again if the mapping file is new",
  ],
  [ALERTS.cron_stopped.todo, "start the Worker again"],
  [
    ALERTS.ledger_not_migrated.todo,
    "start the Worker again, which applies the migrations; the queue keeps the events until then",
  ],
  [ALERTS.misconfigured.todo, "correct it, and start the Worker again"],
  [
    toTurnOn({ secret: "STRIPE_WEBHOOK_SECRET", address: THERE }),
    "write `STRIPE_WEBHOOK_SECRET=…` into `.dev.vars` and start the Worker again",
  ],
])("%s", (todo, here) => {
  expect(todoAt(THERE, todo)).toBe(todo);
  expect(todoAt(HERE, todo)).toBe(here);
});

it("no text tells the person of a Worker on this machine to deploy", () => {
  const all = [...Object.values(REASONS), ...Object.values(ANSWERS), ...Object.values(ALERTS)];
  const texts = all.map(({ todo }) => todo).join("\n");
  for (const word of ["wrangler", "deploy"]) expect(texts).toContain(word);
  const here = all.map(({ todo }) => todoAt(HERE, todo)).join("\n");
  expect(here).not.toMatch(/wrangler|deploy/);
});

/** What a person reads. */
const wordsOf = (html: string) => html.replace(/<[^>]*>/g, "");

async function page(app: TestApp, origin: string, path: string): Promise<string> {
  const response = await app.fetch(
    new Request(`${origin}/admin${path}`, { headers: { authorization: `Bearer ${TOKEN}` } }),
  );
  return response.text();
}

it("the pages say it as it is done where the Worker runs", async () => {
  const app = await open({ settings: { DUB_API_KEY: "", STRIPE_WEBHOOK_SECRET: "" } });
  await app.pass(MINUTE);
  const first = await page(app, HERE, "");
  expect(first).toContain("<code>STRIPE_WEBHOOK_SECRET=…</code> into <code>.dev.vars</code>");
  const id = idOf((await app.send("clerk", signUp("user_1")))[0]);
  await app.fetch(new Request(`${HERE}/webhooks/stripe`, { method: "POST", body: "{}" }));
  await app.pump();
  await app.wake(true);
  expect(await app.row()).toMatchObject({ reason: "dub_key_missing" });
  for (const path of ["", `/events/${id}`]) {
    const here = wordsOf(await page(app, HERE, path));
    expect(here, path).toContain("rite DUB_API_KEY=… into .dev.vars and start the Worker again");
    expect(here, path).not.toContain("wrangler");
    const there = wordsOf(await page(app, THERE, path));
    expect(there, path).toContain("un npx wrangler secret put DUB_API_KEY");
    expect(there, path).not.toContain(".dev.vars");
  }
});
