import fc from "fast-check";
import { expect, it } from "vitest";
import { workerAddress } from "../../src/dev/address.ts";
import { UserError } from "../../src/dev/user-error.ts";

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
