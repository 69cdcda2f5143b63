/** Several of them at once: each with a port and a database of its own. */
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { expect, it } from "vitest";
import { npm, type Running, signal } from "../support/npm.ts";

const states = () => readdirSync(tmpdir()).filter((name) => name.startsWith("webhook-to-lead-"));
const addressOf = ({ lines }: Running) =>
  /http:\S+/.exec(lines.find((line) => line.startsWith("Worker")) ?? "")?.[0];

it("npm start three times at once, and what one does the others do not see", async () => {
  const before = states();
  const running = [npm("start"), npm("start"), npm("start")];
  try {
    await Promise.all(running.map((one) => one.until(/^Ctrl-C ends it/)));
    for (const one of running) expect(one.lines.join("\n")).toContain("All as the samples expect.");
    expect(new Set(running.map(addressOf)).size).toBe(3);

    const [first, second] = running as [Running, Running];
    signal(first, "SIGINT");
    await first.ended;
    const sent = npm("run", "send", "--", "stripe", "--again", "--json", "--to", addressOf(second) ?? "");
    expect(await sent.ended).toBe(0);
    expect(JSON.parse(sent.lines.join("")).events).toMatchObject([{ status: "delivered", redelivery: true }]);
  } finally {
    for (const one of running) signal(one, "SIGINT");
    await Promise.all(running.map(({ ended }) => ended));
  }
  expect(states().filter((name) => !before.includes(name))).toEqual([]);
});

it("a SIGKILL leaves no database behind", async () => {
  const before = states();
  const running = npm("start");
  await running.until(/^Worker/);
  expect(states().length).toBeGreaterThan(before.length);
  signal(running, "SIGKILL");
  await expect
    .poll(() => states().filter((name) => !before.includes(name)), { timeout: 20_000, interval: 200 })
    .toEqual([]);
});
