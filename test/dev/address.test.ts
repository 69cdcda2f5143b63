import fc from "fast-check";
import { expect, it } from "vitest";
import { isLocal, todoAt, workerAddress } from "../../src/dev/address.ts";
import { UserError } from "../../src/dev/user-error.ts";
import { ANSWERS } from "../../src/receive/refuse.ts";
import { REASONS } from "../../src/states.ts";

it.each([
  ["https://leads.example", "https://leads.example"],
  [" https://leads.example/ ", "https://leads.example"],
  ["https://leads.example/webhooks/clerk?a=b", "https://leads.example"],
  ["leads.example", "https://leads.example"],
  ["leads.example/webhooks/clerk", "https://leads.example"],
  ["//leads.example", "https://leads.example"],
  ["localhost:8788", "http://localhost:8788"],
  ["LOCALHOST:8788/", "http://localhost:8788"],
  ["127.0.0.1:8787/webhooks/clerk", "http://127.0.0.1:8787"],
  ["[::1]:8787", "http://[::1]:8787"],
  ["localhost.evil.example", "https://localhost.evil.example"],
  ["http://leads.example:8080/x", "http://leads.example:8080"],
])("%s is %s", (text, origin) => {
  expect(workerAddress(text)).toBe(origin);
});

it.each(["", "https://", "ftp://leads.example", "file:///etc/passwd", "a b"])("%j is no address", (text) => {
  expect(() => workerAddress(text)).toThrow(UserError);
});

it("gives an http(s) origin or a UserError for any text, and takes what it gives", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.webUrl()), (text) => {
      let origin: string;
      try {
        origin = workerAddress(text);
      } catch (error) {
        expect(error).toBeInstanceOf(UserError);
        return;
      }
      expect(origin).toMatch(/^https?:\/\/[^/]+$/);
      expect(workerAddress(origin)).toBe(origin);
    }),
  );
});

it("says what to do as it is done for a Worker on this machine", () => {
  const todo = "run `npx wrangler secret put DUB_API_KEY`; then wait";
  expect(todoAt("https://leads.example", todo)).toBe(todo);
  expect(todoAt("http://localhost:8787", todo)).toBe(
    "write DUB_API_KEY=… into .dev.vars and start it again; then wait",
  );
  const all = [...Object.values(REASONS), ...Object.values(ANSWERS)].map((one) => one.todo);
  expect(all.filter((one) => one.includes("wrangler")).length).toBeGreaterThan(0);
  expect(all.map((one) => todoAt("http://localhost:8787", one)).join("\n")).not.toContain("wrangler");
});

it("knows this machine", () => {
  expect(["http://localhost:1", "http://127.0.0.1", "http://[::1]:2"].every(isLocal)).toBe(true);
  expect(["https://leads.example", "https://localhost.evil.example"].some(isLocal)).toBe(false);
});
