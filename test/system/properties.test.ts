/** No input makes the webhook endpoint answer 5xx, throw or hang. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { shipped as mappings } from "../../mappings/index.ts";
import { sampleBody } from "../../src/dev/samples/sign.ts";
import { createTestApp, samples } from "../support/app.ts";

const provider = fc.constantFrom(...Object.keys(mappings));
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.json().map((text) => new TextEncoder().encode(text)),
  fc
    .tuple(fc.constantFrom(...samples), fc.nat(), fc.integer({ min: 0, max: 255 }))
    .map(([[, , sample], at, byte]) => {
      const body = sampleBody(sample);
      body[at % body.length] = byte;
      return body;
    }),
);

it("genuine webhooks with any body are answered 200, 400 or 413", async () => {
  const app = await createTestApp({ settings: { MAX_BODY_BYTES: "4096" } });
  await fc.assert(
    fc.asyncProperty(provider, bytes, async (name, body) => {
      const response = await app.fetch(await app.request(name, new Uint8Array(body)));
      expect([200, 400, 413]).toContain(response.status);
    }),
    { numRuns: 300 },
  );
  await app.pump();
});

it("forged webhooks with any headers are answered 400, 401, 404 or 413", async () => {
  const app = await createTestApp({ settings: { MAX_BODY_BYTES: "4096" } });
  const name = fc.constantFrom(
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
    "svix-id",
    "svix-timestamp",
    "svix-signature",
    "stripe-signature",
    "authorization",
    "content-length",
    "content-encoding",
  );
  const value = fc.oneof(
    fc.string({ maxLength: 200 }).map((text) => text.replace(/[^\x20-\x7e]/g, "~")),
    fc.constantFrom(
      "v1,",
      "v1,AAAA v1,====",
      "t=1,v1=00",
      "t=,v1",
      ",,,,",
      "1e9",
      "-1",
      "gzip",
      "v1,".repeat(500),
    ),
  );
  await fc.assert(
    fc.asyncProperty(provider, fc.array(fc.tuple(name, value)), bytes, async (path, headers, body) => {
      const request = new Request(`https://leads.example/webhooks/${path}`, {
        method: "POST",
        body: new Uint8Array(body),
      });
      for (const [key, text] of headers) if (key !== "content-length") request.headers.set(key, text);
      const response = await app.fetch(request);
      expect([400, 401, 413]).toContain(response.status);
    }),
    { numRuns: 300 },
  );
  expect(await app.rows()).toEqual([]);
});

it("any path and method is answered below 500", async () => {
  const app = await createTestApp();
  await fc.assert(
    fc.asyncProperty(
      fc.webPath(),
      fc.constantFrom("GET", "POST", "PUT", "PATCH", "DELETE"),
      async (path, method) => {
        const response = await app.fetch(new Request(`https://leads.example/webhooks${path}`, { method }));
        expect(response.status).toBeLessThan(500);
      },
    ),
  );
});
