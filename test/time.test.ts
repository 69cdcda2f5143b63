/** Reading a time. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { parseTime } from "../src/time.ts";

it.each([
  ["2026-11-24", "2026-11-24T00:00:00.000Z"],
  ["2028-02-29", "2028-02-29T00:00:00.000Z"],
  ["2026-11-24T09:30Z", "2026-11-24T09:30:00.000Z"],
  ["2026-11-24T00:30:00.5+02:00", "2026-11-23T22:30:00.500Z"],
  ["2026-02-31", null],
  ["2026-02-29T09:30:00Z", null],
  ["2026-13-01", null],
  ["2026-11-24T09:30", null],
  ["2026-11-24 09:30Z", null],
  ["2026-11-24T25:00Z", null],
  ["24.11.2026", null],
  ["", null],
])("%s is %s", (text, time) => {
  expect(parseTime(text)).toBe(time === null ? null : Date.parse(time));
});

it("a time is read as it was written, and any other text is none", () => {
  fc.assert(
    fc.property(fc.date({ min: new Date(0), max: new Date("9999-12-31"), noInvalidDate: true }), (date) => {
      expect(parseTime(date.toISOString())).toBe(date.getTime());
    }),
  );
  fc.assert(fc.property(fc.string(), (text) => void parseTime(text)));
});
