/** `GET /clicks.js` as the Worker serves it. test/dev/clicks.test.ts runs it in a browser. */
import { expect, it } from "vitest";
import { createTestApp } from "../support/app.ts";

const get = async (method = "GET") =>
  (await createTestApp()).fetch(new Request("https://leads.example/clicks.js", { method }));

it("is a script for any site, kept for an hour, below 1 kB", async () => {
  const response = await get();
  expect(response.status).toBe(200);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    "content-type": "text/javascript; charset=utf-8",
    "cache-control": "public, max-age=3600",
    "cross-origin-resource-policy": "cross-origin",
    "access-control-allow-origin": "*",
    "x-content-type-options": "nosniff",
  });
  const bytes = (await response.arrayBuffer()).byteLength;
  expect(bytes).toBeLessThan(1000);
  expect(bytes).toBeGreaterThan(500);
});

it("answers HEAD, and no POST", async () => {
  expect((await get("HEAD")).status).toBe(200);
  expect((await get("POST")).status).toBe(404);
});
