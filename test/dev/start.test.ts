/** The commands of the README as a person types them, each with its Worker as a process of its own. */
import { existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { providers, ROOT, readSample } from "../../src/dev/files.ts";
import { reservePort } from "../../src/dev/process/port.ts";
import { REASONS } from "../../src/states.ts";
import { family, left, nodeOf, npm, type Process, type Running, signal } from "../support/npm.ts";

/** Kills one process of a command, and resolves when none of the others is left. */
async function killOne({ child }: Running, one: Process | undefined, started: Process[]): Promise<void> {
  process.kill(Number(one?.pid ?? child.pid), "SIGKILL");
  await expect.poll(() => left(started), { timeout: 20_000, interval: 200 }).toEqual([]);
}

describe("npm start", () => {
  let running: Running;
  let occupied: Server;
  let url: string;

  beforeAll(async () => {
    occupied = createServer();
    await new Promise<void>((resolve) =>
      occupied.listen(8787, "localhost", resolve).once("error", () => resolve()),
    );
    running = npm("start");
    await running.until(/^Ctrl-C ends it/);
    url = /http:\S+/.exec(running.lines.find((line) => line.startsWith("Worker")) ?? "")?.[0] ?? "";
  });
  afterAll(() => {
    occupied.close();
    signal(running, "SIGKILL");
  });

  it("takes another port when 8787 is taken, and says so", () => {
    expect(running.lines.join("\n")).toMatch(/Port 8787 is taken, using 87\d\d\./);
  });
  it("prints a link that opens the admin pages signed in, and other commands need no token", async () => {
    const line = running.lines.find((one) => one.startsWith("Admin pages: ")) ?? "";
    const { username, password, origin, pathname } = new URL(line.replace("Admin pages: ", ""));
    expect([origin, pathname]).toEqual([url, "/admin"]);
    const page = (secret: string) =>
      fetch(`${origin}${pathname}`, { headers: { authorization: `Basic ${btoa(`${username}:${secret}`)}` } });
    expect((await page(password)).status).toBe(200);
    expect((await page("local-admin-token-for-this-machine-only")).status).toBe(401);
    const events = npm("run", "events", "--", "--limit", "1", "--to", url);
    expect(await events.ended).toBe(0);
    const file = join(ROOT, `.wrangler/admin-token-${new URL(url).port}`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, "utf8")).toContain(password);
  });
  it("prints what became of a sample of each provider", () => {
    const table = running.lines.join("\n");
    const leads = providers().flatMap((provider) =>
      readSample(provider).expect.filter((one) => "lead" in one),
    );
    for (const provider of providers())
      expect(table).toMatch(new RegExp(`^${provider} .* delivered  credited https://go\\.example/`, "m"));
    expect(table).toContain(`All as the samples expect. Dub's stand-in recorded ${leads.length} leads.`);
  });
  const send = async (...args: string[]) => {
    const sent = npm("run", "send", "--", ...args, "--to", url);
    return { code: await sent.ended, text: sent.lines.join("\n") };
  };
  it("the command that it names works as it stands, for each provider and again and again", async () => {
    const hint = running.lines.find((line) => line.includes("npm run send")) ?? "";
    expect(hint.trim()).toBe(`npm run send -- auth0 --wait --to ${url}`);
    const copied = npm(...hint.trim().split(" ").slice(1));
    expect([await copied.ended, copied.lines.join("\n")]).toEqual([
      0,
      expect.stringMatching(/^auth0 +user.created +delivered +credited https:\/\/go.example\/Lw2a$/m),
    ]);
    for (const provider of ["clerk", "auth0", "auth0-logs", "stripe"]) {
      const [one, other] = [await send(provider, "--json"), await send(provider, "--json")];
      const ids = [one, other].map(({ code, text }) => {
        expect(code).toBe(0);
        const [event] = JSON.parse(text).events;
        expect(event).toMatchObject({ status: "pending", reason: "new" });
        expect(event).not.toHaveProperty("redelivery");
        return event.id;
      });
      expect(ids[0]).not.toBe(ids[1]);
    }
  });
  it("logs each later webhook in a line with provider, type, event name, result and reason", async () => {
    const line = (words: string) => running.until(new RegExp(words.replaceAll(" ", " +")));
    await send("clerk", "organic", "--set", "data.unsafe_metadata.dub_id=Aa1Bb2Cc3Dd4Ee5F");
    await line("clerk user.created Sign Up delivered recorded https://go.example/Aa1B");
    await send("clerk", "organic");
    await line("clerk user.created Sign Up skipped no_click_id [\\w-]{21}");
    await send("clerk", "other-event");
    await line("clerk session.created ignored no rule");
  });
  it("npm run send sends what --set says, and --again is a redelivery", async () => {
    const test = await send("stripe", "--set", "livemode=false");
    expect(test.text).toMatch(/customer.created +skipped +the provider marks this event as a test/);
    const again = await send("stripe", "--again", "--json");
    expect(JSON.parse(again.text).events).toMatchObject([{ status: "delivered", redelivery: true }]);
    await running.until(/stripe +customer.created +Sign Up +delivered +recorded +redelivery/);
  });
  it.each([
    ["foreign", "skipped", "other_workspace"],
    ["disabled", "rejected", "link_disabled"],
    ["deleted", "rejected", "link_missing"],
  ] as const)(
    "npm run send --wait follows a click of the stand-in to its end: %s",
    async (word, status, reason) => {
      const clickId = `${word}Click00000001`.slice(0, 16);
      const set = ["--set", `data.unsafe_metadata.dubClickId=${clickId}`];
      const { code, text } = await send("clerk", ...set, "--wait", "--json");
      const [event] = JSON.parse(text.split("\n").at(-1) ?? "").events;
      expect([code, event]).toEqual([
        1,
        expect.objectContaining({ status, reason, means: REASONS[reason].means }),
      ]);
    },
  );
  it("npm run send --wait says what is still pending when its time is over", async () => {
    const set = ["--set", "data.unsafe_metadata.dubClickId=unknownClick0001"];
    const { code, text } = await send("clerk", ...set, "--wait", "2");
    expect(code).toBe(1);
    expect(text).toMatch(/pending +Dub does not find the click/);
    expect(text).toMatch(/: click_not_found_yet\n[\s\S]*What to do: nothing: tried to the end/);
  });
  it("npm run send says why a webhook is refused", async () => {
    const old = await send("stripe", "--at", "-10m");
    expect([old.code, old.text]).toEqual([
      1,
      expect.stringMatching(/^401 .*"unauthorized".*\n\ntimestamp_too_old: signed 60\d s ago, 300 s/),
    ]);
    const secret = await send("clerk", "--secret", "whsec_b3RoZXIgc2VjcmV0IG90aGVyIHNlY3JldA==");
    expect([secret.code, secret.text]).toEqual([1, expect.stringContaining("signature_mismatch: ")]);
    const header = await send("auth0", "--headers", "authorization=", "--json");
    expect([header.code, JSON.parse(header.text).cause.reason]).toEqual([1, "missing_header"]);
  });
  it("logs a refused webhook and an unknown click in a line, with the reason", async () => {
    await fetch(`${url}/webhooks/stripe`, { method: "POST", body: "{}" });
    await running.until(/stripe +refused +missing_header/);
    await running.until(/clerk .* pending +click_not_found_yet/);
  });
  it("npm run replay counts first, replays with --yes, and takes ids", async () => {
    const replay = async (...args: string[]) => {
      const run = npm("run", "replay", "--", ...args, "--to", url);
      return [await run.ended, run.lines.join("\n")] as const;
    };
    const which = ["--status", "pending", "--reason", "click_not_found_yet"];
    expect(await replay(...which)).toEqual([
      0,
      expect.stringMatching(/^1 +replayed +pending\n\nNothing is changed yet: --yes/m),
    ]);
    expect(await replay(...which, "--yes")).toEqual([0, expect.stringMatching(/^1 +replayed +pending$/m)]);
    const counted = await replay("--status", "delivered", "--json");
    expect([counted[0], JSON.parse(counted[1])]).toEqual([
      0,
      {
        dryRun: true,
        became: [],
        left: [{ why: "delivered", message: expect.any(String), events: expect.any(Number) }],
      },
    ]);
    expect(await replay("--status", "delivered", "--since", "2026-01-01")).toEqual([
      0,
      expect.stringMatching(/^\d+ +Dub has the lead already\. +stays$/m),
    ]);
    expect(await replay("--reason", "no_event_name")).toEqual([0, "No event fits."]);
    expect(await replay("nothing")).toEqual([1, "nothing  There is no event with the id nothing."]);
    const unknown = await replay("nothing", "--json");
    expect([unknown[0], JSON.parse(unknown[1])]).toMatchObject([
      1,
      { events: [{ id: "nothing", error: "unknown_event" }] },
    ]);
    const dashed = "--begins_with_a_dash_1";
    expect(await replay(dashed)).toEqual([1, `${dashed}  There is no event with the id ${dashed}.`]);
    expect(await replay("--status", "lost")).toEqual([
      2,
      expect.stringContaining("400: status must be one or more of pending,"),
    ]);
    expect(await replay()).toEqual([2, expect.stringMatching(/^Name ids, or say which events\./)]);
  });
  it("npm run replay sends the token to nobody over plain http", async () => {
    const away = npm("run", "replay", "--", "--status", "failed", "--to", "http://leads.example");
    expect(await away.ended).toBe(2);
    expect(away.lines).toEqual(["--to http://leads.example: the token is sent over https only."]);
  });
  it("npm run send says what is wrong", async () => {
    const nowhere = npm("run", "send", "--", "clerk", "--to", "http://localhost:1");
    expect(await nowhere.ended).toBe(2);
    expect(nowhere.lines.join("\n")).toContain("Nothing answers at http://localhost:1/webhooks/clerk");
    const nothing = npm("run", "send", "--", "clerk", "nothing");
    expect(await nothing.ended).toBe(2);
    expect(nothing.lines.join("\n")).toContain(
      "There is no mappings/clerk/samples/nothing.json. There are: click-id-later,",
    );
  });
  it("Ctrl-C ends it and leaves no process and no token behind", async () => {
    const started = family(running);
    signal(running, "SIGINT");
    await running.ended;
    expect(existsSync(join(ROOT, `.wrangler/admin-token-${new URL(url).port}`))).toBe(false);
    expect(left(started)).toEqual([]);
  });
});

it("npm start -- --once exits with 0 after the table", async () => {
  const once = npm("start", "--", "--once");
  await once.until(/^Worker/);
  const started = family(once);
  expect(await once.ended).toBe(0);
  expect(once.lines.join("\n")).toContain("All as the samples expect.");
  expect(left(started)).toEqual([]);
});

it("a SIGKILL of npm start leaves no process behind", async () => {
  const running = npm("start");
  await running.until(/^Ctrl-C ends it/);
  const started = family(running);
  const node = nodeOf(started, "start");
  expect(node).toBeDefined();
  await killOne(running, node, started);
});

describe("a SIGKILL of npm run dev leaves no process behind", () => {
  const start = async () => {
    const running = npm("run", "dev", "--", "--persist-to", ".wrangler/test-kill");
    const link = await running.until(/^Admin pages: /);
    const { password } = new URL(link.replace("Admin pages: ", ""));
    // A command line can be read by every user of the machine.
    const lines = family(running).map(({ pid }) => readFileSync(`/proc/${pid}/cmdline`, "utf8"));
    expect(lines.join("\n")).toContain("--env-file");
    expect(lines.join("\n")).not.toContain(password);
    return { running, started: family(running) };
  };

  it("when its own process is killed", async () => {
    const { running, started } = await start();
    const node = nodeOf(started, "dev");
    expect(node).toBeDefined();
    await killOne(running, node, started);
  });
  it("when npm is killed", async () => {
    const { running, started } = await start();
    await killOne(running, undefined, started);
  });
});

it("npm run dev starts with the settings and the environment that it is given", async () => {
  const config = join(mkdtempSync(join(tmpdir(), "dev-")), "wrangler.toml");
  const database = 'binding = "DB"\ndatabase_name = "staging"\ndatabase_id = "a-database-of-its-own"';
  const text = readFileSync(join(ROOT, "wrangler.toml"), "utf8").replace(/^watch_dir.*$/m, "");
  writeFileSync(
    config,
    `${text}\n[[env.staging.d1_databases]]\n${database}\nmigrations_dir = "src/ledger/migrations"\n`.replaceAll(
      '"src/',
      `"${ROOT}/src/`,
    ),
  );
  const reserved = await reservePort(8799);
  const port = String(reserved.port);
  const dev = npm(
    "run",
    "dev",
    "--",
    "--port",
    port,
    "--persist-to",
    ".wrangler/test-dev",
    "--config",
    config,
    "--env",
    "staging",
    "--var",
    "CLERK_WEBHOOK_SECRET:whsec_!!",
  );
  await dev.until(/Ready on/);
  expect((await fetch(`http://localhost:${port}/`)).status).toBe(200);
  const response = await fetch(`http://localhost:${port}/webhooks/clerk`, { method: "POST", body: "{}" });
  expect([response.status, await response.text()]).toEqual([
    503,
    expect.stringContaining("The Worker secret CLERK_WEBHOOK_SECRET can't be used"),
  ]);
  const started = family(dev);
  signal(dev, "SIGINT");
  await dev.ended;
  reserved.release();
  expect(left(started)).toEqual([]);
});
