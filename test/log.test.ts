/** Log lines: no e-mail address, of bounded length, in bounded time. */
import fc from "fast-check";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { log } from "../src/log.ts";

let lines: string[];
beforeEach(() => {
  lines = [];
  vi.spyOn(console, "info").mockImplementation((line) => void lines.push(line));
});
afterEach(() => {
  vi.restoreAllMocks();
});
const logged = (message: string): string => {
  log("info", "code", { message });
  return JSON.parse(lines.at(-1) ?? "").message;
};

it.each([
  ["no customer mira@orchard.example here", "no customer <e-mail> here"],
  ["mira+news@orchard.example", "<e-mail>"],
  ["<mira@orchard.example>, jo@x", "<<e-mail>>, <e-mail>"],
  ['"to":"mira@orchard.example"', '"to":"<e-mail>"'],
  ["at 5 @ noon, a@ b", "at 5 @ noon, a@ b"],
  [`${"x".repeat(300)}@orchard.example`, "<e-mail>"],
])("%s", (said, expected) => expect(logged(said)).toBe(expected));

it("bounds each field and reads a long word once", () => {
  const begun = performance.now();
  expect(logged("x".repeat(300_000))).toBe("x".repeat(4000));
  for (let i = 0; i < 100; i++) logged(`${"@x".repeat(2000)}@`);
  expect(performance.now() - begun).toBeLessThan(1000);
});

it("shows no address whatever stands around it", () => {
  fc.assert(
    fc.property(fc.string(), fc.emailAddress(), fc.string(), (before, address, after) => {
      const [name = "", domain = ""] = address.split("@");
      fc.pre(!name.includes("'") && !before.includes(domain) && !after.includes(domain));
      expect(logged(`${before} ${address} ${after}`)).not.toContain(`${name}@`.slice(-3) + domain);
    }),
  );
});
