/** Pictures of the admin pages for the documentation: of a Worker on this machine with a month of made-up events. */
import { globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { type Reason, statusOf } from "../states.ts";
import { DAY, HOUR, MINUTE } from "../time.ts";
import { startBrowser } from "./browser.ts";
import { loadMapping, ROOT, readSample } from "./files.ts";
import { buildWorker } from "./process/build.ts";
import { triggerCron } from "./process/cron.ts";
import { type RunningWorker, startWorker } from "./process/worker.ts";
import { freshSample } from "./samples/fresh.ts";
import { postSample } from "./samples/post.ts";
import { secretFor } from "./samples/secrets.ts";
import { setPath } from "./samples/set.ts";
import { createDubStandIn, LOCAL_KEY } from "./stand-in/dub.ts";
import { serveDub } from "./stand-in/serve.ts";

const TOKEN = "a-token-for-pictures-only";
const SIZE = { width: 1200, height: 860 };

/** Writes docs/overview.png and docs/event.png; answers the files. */
export async function takePictures(): Promise<string[]> {
  const example = await startExample();
  const browser = await startBrowser();
  try {
    const page = await browser.newPage({
      baseURL: example.url,
      httpCredentials: { username: "admin", password: TOKEN },
      viewport: SIZE,
    });
    const files: string[] = [];
    for (const [name, path] of [
      ["overview", "/admin?days=30"],
      ["event", `/admin/events/${example.event}`],
    ] as const) {
      const file = join(ROOT, "docs", `${name}.png`);
      await page.goto(path);
      await page.screenshot({ path: file });
      files.push(file);
    }
    return files;
  } finally {
    await browser.close();
    await example.close();
  }
}

type Example = { url: string; token: string; event: string; close: () => Promise<void> };

/** Starts the Worker; `event` is a sign-up whose link is disabled at Dub. */
async function startExample(): Promise<Example> {
  const state = mkdtempSync(join(tmpdir(), "pictures-"));
  const served = await serveDub(createDubStandIn());
  const worker = await buildWorker();
  const settings = {
    DUB_API_URL: served.url,
    DUB_API_KEY: LOCAL_KEY,
    ADMIN_TOKEN: TOKEN,
    CLERK_WEBHOOK_SECRET: secretFor("clerk"),
    STRIPE_WEBHOOK_SECRET: secretFor("stripe"),
  };
  const start = (): RunningWorker => startWorker({ worker, state, settings });
  const first = start();
  await first.ready;
  await first.stop();
  insertMonth(state);
  const running = start();
  const url = await running.ready;
  // Each run sums some hours of the month.
  for (let run = 0; run < 40; run++) await triggerCron(url);
  const sample = readSample("clerk");
  setPath(sample.webhook, ["data", "unsafe_metadata", "dubClickId"], "disabledClick001");
  const { events } = await postSample("clerk", freshSample(loadMapping("clerk"), sample, []), url);
  const { id } = events[0] as { id: string };
  await ended(`${url}/api/events/${id}`);
  const close = async () => {
    await running.stop();
    await served.close();
    rmSync(state, { recursive: true, force: true });
  };
  return { url, token: TOKEN, event: id, close };
}

async function ended(event: string): Promise<void> {
  const headers = { authorization: `Bearer ${TOKEN}` };
  const isPending = async () => /"status":"pending"/.test(await (await fetch(event, { headers })).text());
  while (await isPending()) await sleep(100);
}

/** How many of a hundred sign-ups became what. */
const SHARES: [Reason, number][] = [
  ["recorded", 34],
  ["no_click_id", 52],
  ["duplicate_here", 5],
  ["test_event", 3],
  ["unknown_click", 2],
  ["customer_not_known_yet", 1],
  ["other_workspace", 1],
  ["refused_by_dub", 2],
];

/** Writes events of the last thirty days into the database of a Worker that does not run. The same each time. */
function insertMonth(state: string): void {
  const [file] = globSync(join(state, "v3/d1/**/*.sqlite")).filter((name) => !name.includes("metadata"));
  const db = new DatabaseSync(file ?? "");
  const insert = db.prepare(
    `INSERT INTO events (id, provider, event_id, type, status, reason, lead, received_at, delivered_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const wheel = SHARES.flatMap(([reason, share]) => Array<Reason>(share).fill(reason));
  const now = Date.now();
  let i = 0;
  for (let at = now - 30 * DAY; at < now - 5 * MINUTE; at += step(at)) {
    i++;
    const reason = wheel[(i * 37) % 100] as Reason;
    const provider = i % 3 === 0 ? "stripe" : "clerk";
    const lead = {
      clickId: reason === "no_click_id" ? "" : `Click${String(i).padStart(11, "0")}`,
      eventName: "Sign Up",
      customerExternalId: `user_${i}`,
      customerEmail: `person${i}@orchard.example`,
    };
    insert.run(
      `picture-${String(i).padStart(13, "0")}`,
      provider,
      `event-${i}`,
      provider === "clerk" ? "user.created" : "customer.created",
      statusOf(reason),
      reason,
      JSON.stringify(lead),
      at,
      reason === "recorded" ? at + 900 : null,
    );
  }
  db.close();
}

/** Milliseconds to the next sign-up: fewer come at night and at weekends. */
function step(at: number): number {
  const date = new Date(at);
  const night = date.getUTCHours() < 6 ? 4 : 1;
  const weekend = date.getUTCDay() % 6 === 0 ? 2 : 1;
  return (HOUR / 9) * night * weekend + (Math.floor(at / MINUTE) % 7) * MINUTE;
}
