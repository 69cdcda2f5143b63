/** Several of them at once: each with a port and a database of its own. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { takeLock } from "../../src/dev/process/lock.ts";
import { family, nodeOf, npm, type Running, signal } from "../support/npm.ts";

/** The database folders of a running `npm start`. */
const statesOf = (running: Running) => {
  const begin = `webhook-to-lead-${nodeOf(family(running), "start")?.pid}-`;
  return () => readdirSync(tmpdir()).filter((name) => name.startsWith(begin));
};
const addressOf = ({ lines }: Running) =>
  /http:\S+/.exec(lines.find((line) => line.startsWith("Worker")) ?? "")?.[0];

it("npm start three times at once: each has a database, and what one does the others do not see", async () => {
  const running = [npm("start"), npm("start"), npm("start")];
  let states: (() => string[])[] = [];
  try {
    await Promise.all(running.map((one) => one.until(/^Ctrl-C ends it/)));
    for (const one of running) expect(one.lines.join("\n")).toContain("All as the samples expect.");
    expect(new Set(running.map(addressOf)).size).toBe(3);
    expect(new Set(running.map(({ lines }) => /:\/\/admin:(\S+)@/.exec(lines.join("\n"))?.[1])).size).toBe(3);
    states = running.map(statesOf);
    expect(states.map((list) => list().length)).toEqual([1, 1, 1]);

    const [first, second] = running as [Running, Running];
    signal(first, "SIGINT");
    await first.ended;
    const sent = npm("run", "send", "--", "stripe", "--again", "--json", "--to", addressOf(second) ?? "");
    expect(await sent.ended).toBe(0);
    const found = npm("run", "events", "--", "--to", addressOf(second) ?? "");
    expect([await found.ended, found.lines[0]]).toEqual([0, expect.stringContaining("came (UTC)")]);
    expect(JSON.parse(sent.lines.join("")).events).toMatchObject([{ status: "delivered", redelivery: true }]);
  } finally {
    for (const one of running) signal(one, "SIGINT");
    await Promise.all(running.map(({ ended }) => ended));
  }
  expect(states.flatMap((list) => list())).toEqual([]);
});

it("npm run dev twice at once, with a database each", async () => {
  const running = [npm("run", "dev"), npm("run", "dev")];
  try {
    await Promise.all(running.map((one) => one.until(/Ready on/)));
    const addresses = running.map(
      ({ lines }) => /http:\S+/.exec(lines.find((line) => line.includes("Ready on")) ?? "")?.[0],
    );
    expect(new Set(addresses).size).toBe(2);
    const links = await Promise.all(running.map((one) => one.until(/^Admin pages: http:\/\/admin:\S+@/)));
    expect(links.map((link) => new URL(link.replace("Admin pages: ", "")).origin)).toEqual(addresses);
    for (const address of addresses) expect((await fetch(address ?? "")).status).toBe(200);
    const said = running.filter(({ lines }) =>
      lines.some((line) => line.includes("a database of its own, in .wrangler/dev/")),
    );
    expect(said).toHaveLength(1);
  } finally {
    for (const one of running) signal(one, "SIGINT");
    await Promise.all(running.map(({ ended }) => ended));
  }
});

it("of many that take a lock one has it, and one whose process was killed is free", () => {
  const path = join(mkdtempSync(join(tmpdir(), "lock-test-")), "lock");
  const release = takeLock(path);
  expect([typeof release, takeLock(path)]).toEqual(["function", undefined]);
  release?.();
  const killed = spawnSync(process.execPath, ["-e", ""]).pid;
  writeFileSync(path, String(killed));
  expect(takeLock(path)).toBeTypeOf("function");
  writeFileSync(path, "");
  expect(takeLock(path)).toBeUndefined();
});

it("a SIGKILL leaves no database behind", async () => {
  const running = npm("start");
  await running.until(/^Worker/);
  const states = statesOf(running);
  expect(states()).toHaveLength(1);
  signal(running, "SIGKILL");
  await expect.poll(states, { timeout: 20_000, interval: 200 }).toEqual([]);
});
