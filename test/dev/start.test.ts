/** The commands of the README as a person types them, each with its Worker as a process of its own. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createServer, type Server } from "node:net";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { providers, ROOT, readSample } from "../../src/dev/files.ts";
import { freePort } from "../../src/dev/process/port.ts";

type Running = {
  child: ChildProcess;
  lines: string[];
  until: (words: RegExp) => Promise<string>;
  ended: Promise<number>;
};

function npm(...args: string[]): Running {
  const child = spawn("npm", ["--silent", ...args], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
    env: { ...process.env, NO_COLOR: "1" },
  });
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  const ended = new Promise<number>((resolve) => child.once("close", (code) => resolve(code ?? -1)));
  for (const stream of [child.stdout, child.stderr])
    if (stream)
      createInterface({ input: stream }).on("line", (line) => {
        lines.push(line);
        for (const check of waiting) check();
      });
  const until = (words: RegExp) =>
    new Promise<string>((resolve, reject) => {
      const check = () => {
        const line = lines.find((one) => words.test(one));
        if (line === undefined) return;
        waiting.delete(check);
        resolve(line);
      };
      waiting.add(check);
      check();
      ended.then(() => reject(new Error(`ended without ${words}:\n${lines.join("\n")}`)));
    });
  return { child, lines, until, ended };
}

/** What the terminal does on Ctrl-C: the signal goes to the whole group. */
function signal({ child }: Running, name: "SIGINT" | "SIGKILL"): void {
  try {
    if (child.pid) process.kill(-child.pid, name);
  } catch {
    // It has ended.
  }
}

type Process = { pid: string; parent: string; args: string };

function processes(): Process[] {
  const all = execFileSync("ps", ["-eo", "pid=,ppid=,args="], { encoding: "utf8" }).split("\n");
  return all.flatMap((line) => {
    const [, pid = "", parent = "", args = ""] = /^ *(\d+) +(\d+) (.*)$/.exec(line) ?? [];
    return pid ? [{ pid, parent, args }] : [];
  });
}

/** The processes that a command has started, and those that they have. */
function family({ child }: Running): Process[] {
  const all = processes();
  const below = (pid: string): Process[] =>
    all.filter(({ parent }) => parent === pid).flatMap((one) => [one, ...below(one.pid)]);
  const found = below(String(child.pid));
  if (!found.some(({ args }) => args.includes("workerd serve"))) throw new Error("the Worker does not run");
  return found;
}

/** Those of a family that are still there. */
function left(family: Process[]): string[] {
  const now = new Set(processes().map(({ pid, args }) => `${pid} ${args}`));
  return family.map(({ pid, args }) => `${pid} ${args}`).filter((one) => now.has(one));
}

/** Kills one process of a command, and resolves when none of the others is left. */
async function killOne({ child }: Running, one: Process | undefined, started: Process[]): Promise<void> {
  process.kill(Number(one?.pid ?? child.pid), "SIGKILL");
  await expect.poll(() => left(started), { timeout: 20_000, interval: 200 }).toEqual([]);
}

const nodeOf = (started: Process[], command: string) =>
  started.find(({ args }) => args.startsWith(`node src/dev/commands/${command}.ts`));

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
  it("prints what became of a sample of each provider", () => {
    const table = running.lines.join("\n");
    const leads = providers().flatMap((provider) =>
      readSample(provider).expect.filter((one) => "lead" in one),
    );
    for (const provider of providers())
      expect(table).toMatch(new RegExp(`^${provider} .* delivered  credited https://go\\.example/`, "m"));
    expect(table).toContain(`All as the samples expect. Dub's stand-in recorded ${leads.length} leads.`);
  });
  it("logs each later webhook in a line; npm run send signs and posts", async () => {
    const sent = npm(
      "run",
      "send",
      "--",
      "clerk",
      "organic",
      "--to",
      url,
      "--set",
      "data.id=user_set_by_hand",
      "--set",
      "data.unsafe_metadata.dub_id=Aa1Bb2Cc3Dd4Ee5F",
    );
    expect(await sent.ended).toBe(0);
    expect(sent.lines.join("")).toMatch(/^200 .*"status":"pending"/);
    await running.until(/clerk +webhook +1 pending/);
    expect(await running.until(/clerk +delivered/)).toContain("https://go.example/Aa1B");
  });
  it("logs a refused webhook and an unknown click in a line, with the reason", async () => {
    await fetch(`${url}/webhooks/stripe`, { method: "POST", body: "{}" });
    expect(await running.until(/stripe +refused/)).toContain("missing_header");
    const click = "data.unsafe_metadata.dubClickId=unknownClick0001";
    const sent = npm(
      "run",
      "send",
      "--",
      "clerk",
      "--to",
      url,
      "--set",
      "data.id=user_unknown",
      "--set",
      click,
    );
    expect(await sent.ended).toBe(0);
    expect(await running.until(/clerk +pending/)).toContain("click_not_found_yet");
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
    expect(await replay("--status", "delivered", "--since", "2026-01-01")).toEqual([
      0,
      expect.stringMatching(/^\d+ +Dub has the lead already\. +stays$/m),
    ]);
    expect(await replay("--reason", "no_event_name")).toEqual([0, "No event fits."]);
    expect(await replay("nothing")).toEqual([1, "nothing  There is no event with the id nothing."]);
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
  it("Ctrl-C ends it and leaves no process behind", async () => {
    const started = family(running);
    signal(running, "SIGINT");
    await running.ended;
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
    await running.until(/Ready on/);
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

it("npm run dev starts with the settings it is given", async () => {
  const port = String(await freePort(8799));
  const dev = npm(
    "run",
    "dev",
    "--",
    "--port",
    port,
    "--persist-to",
    ".wrangler/test-dev",
    "--var",
    "CLERK_WEBHOOK_SECRET:whsec_!!",
  );
  await dev.until(/Ready on/);
  const response = await fetch(`http://localhost:${port}/webhooks/clerk`, { method: "POST", body: "{}" });
  expect([response.status, await response.text()]).toEqual([
    503,
    expect.stringContaining("The Worker secret CLERK_WEBHOOK_SECRET can't be used"),
  ]);
  const started = family(dev);
  signal(dev, "SIGINT");
  await dev.ended;
  expect(left(started)).toEqual([]);
});
