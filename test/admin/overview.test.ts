/** The overview: figures, what needs the operator, each provider; and that reading it is bounded. */
import { describe, expect, it } from "vitest";
import { REASONS } from "../../src/states.ts";
import { open, plan, type TestApp, TOKEN } from "../support/admin.ts";
import { DAY, db, HOUR, MINUTE, sampleOf, signUp } from "../support/app.ts";
import { countRows, scansOf } from "../support/rows.ts";

async function overview(app: TestApp, query = "", status = 200): Promise<string> {
  const response = await app.fetch(
    new Request(`https://leads.example/admin${query}`, {
      headers: { authorization: `Basic ${btoa(`anyone:${TOKEN}`)}` },
    }),
  );
  expect(response.status).toBe(status);
  return response.text();
}

/** What is to be read in HTML. */
const textOf = (html: string) =>
  html
    .replace(/<title>[^<]*<\/title>/g, "")
    .replace(/<[^>]+>/g, " ")
    .replace(/&quot;/g, '"')
    .replace(/&#39;/g, "'")
    .replace(/\s+/g, " ");
const bannersOf = (html: string) =>
  [...html.matchAll(/<section class="banner">(.*?)<\/section>/gs)].map(([, inner = ""]) => textOf(inner));

describe("figures", () => {
  it("counts events by status and provider, and leads to them", async () => {
    const app = await open();
    await app.pass(MINUTE);
    await app.send("clerk", signUp("user_1"));
    await app.send("clerk", signUp("user_2"));
    await app.send("clerk", signUp("user_3", null));
    await app.send("stripe", sampleOf("stripe", "test-mode").webhook);
    await app.pump();
    const html = await overview(app);
    const text = textOf(html);
    expect(bannersOf(html)).toEqual([]);
    expect(text).toContain("2 delivered");
    expect(text).toContain("2 skipped");
    expect(text).toContain("Sign-ups whose click is known: 2 of 3 (67 %)");
    expect(text).toContain("2026-03-10 12:00 4 2 2 2 of 3");
    expect(text).toMatch(/Clerk 3 2 1 2 of 3 Stripe 1 0 1 –/);
    expect(html).toContain('href="/admin/events?status=delivered&amp;since=2026-03-09T13:00Z"');
    expect(html).toContain('href="/admin/events?since=2026-03-10T12:00Z&amp;until=2026-03-10T13:00Z"');
    expect(html).toContain(
      'href="/admin/events?provider=clerk&amp;status=skipped&amp;since=2026-03-09T13:00Z"',
    );
  });

  it("counts thirty days by the day", async () => {
    const app = await open();
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    await app.pass(3 * DAY, 12 * HOUR);
    await app.send("clerk", signUp("user_2", null));
    expect(textOf(await overview(app))).toMatch(/1 skipped(?!.*delivered Events)/);
    const html = await overview(app, "?days=30");
    expect(textOf(html)).toContain("2026-03-10 1 1 0 1 of 1 2026-03-13 1 0 1 0 of 1");
    expect(html).toContain('href="/admin/events?since=2026-03-13&amp;until=2026-03-14"');
  });

  it("says what to do first while no event has come", async () => {
    const app = await open({ settings: { CLERK_WEBHOOK_SECRET: "", STRIPE_WEBHOOK_SECRET: "" } });
    const html = await overview(app);
    expect(textOf(html)).toContain("No event yet: what to do first Turn on your provider: Auth0");
    expect(textOf(html)).toContain("To turn it on, run npx wrangler secret put CLERK_WEBHOOK_SECRET");
    await app.send("auth0", sampleOf("auth0").webhook);
    expect(textOf(await overview(app))).not.toContain("No event yet");
  });
});

describe("what needs the operator", () => {
  it("a missing key, and delivery that waits for it", async () => {
    const app = await open({ settings: { DUB_API_KEY: "" } });
    await app.pass(MINUTE);
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    expect(bannersOf(await overview(app))).toEqual([
      expect.stringMatching(
        /DUB_API_KEY – is not set\. What to do: run npx wrangler secret put DUB_API_KEY.*for the same cause: delivery – waits until 2026-03-10 13:01:00 \(UTC\)/,
      ),
    ]);
  });

  it("one banner for delivery that stands still, the cause of it, and the events that failed meanwhile", async () => {
    const app = await open({ settings: { RETRY_SCHEDULE: "soon" } });
    await fill(7, app.clock.now);
    const overdue = app.clock.now - 2 * HOUR;
    await app.send("clerk", signUp("user_1"));
    await db.exec(`UPDATE events SET next_attempt_at = ${overdue} WHERE status = 'pending'`);
    await db.exec("DELETE FROM transitions");
    const html = await overview(app);
    expect(bannersOf(html)).toEqual([
      expect.stringMatching(
        /settings to deliver – RETRY_SCHEDULE must be.*What to do: correct it.*for the same cause: cron trigger – has not run yet\. delivery – no lead has been delivered for an hour, though leads are due\. 1: tried to the end of the retry schedule \. Afterwards: read the last answer/,
      ),
      expect.not.stringContaining("tried to the end of the retry schedule"),
    ]);
    expect(html).toContain('href="/admin/events?reason=retries_exhausted"');
  });

  it("one banner for a setting without which no webhook is taken", async () => {
    const app = await open({ settings: { MAX_BODY_BYTES: "x" } });
    await app.pass(MINUTE);
    for (const provider of ["clerk", "stripe"])
      await app.fetch(new Request(`https://leads.example/webhooks/${provider}`, { method: "POST" }));
    await app.wake(true);
    expect(bannersOf(await overview(app))).toEqual([
      expect.stringMatching(
        /settings to receive – MAX_BODY_BYTES must be.*for the same cause: Clerk – the last webhook was refused at 2026-03-10 12:01:00 Stripe – the last webhook was refused/,
      ),
    ]);
  });

  it("a key that Dub refuses", async () => {
    const app = await open({ settings: { DUB_API_KEY: "dub_other" } });
    await app.pass(MINUTE);
    await app.send("clerk", signUp("user_1"));
    await app.pump();
    expect(bannersOf(await overview(app))).toEqual([
      expect.stringContaining("Dub refuses the API key (401). What to do: create a new key"),
    ]);
  });

  it("a secret that can't be used, a queue that takes nothing, and cron that does not run", async () => {
    const app = await open({ settings: { CLERK_WEBHOOK_SECRET: "sk_live_1234567890abcdef" } });
    app.down.queue = true;
    await app.send("stripe", sampleOf("stripe").webhook);
    await app.pass(3 * MINUTE);
    app.clock.now += HOUR;
    const html = await overview(app);
    expect(bannersOf(html)).toEqual([
      expect.stringContaining("cron trigger – last ran at 2026-03-10 12:03:00 (UTC). What to do: see that"),
      expect.stringContaining("queue – the queue takes no messages"),
      expect.stringContaining("Clerk – CLERK_WEBHOOK_SECRET"),
    ]);
    await app.fetch(new Request("https://leads.example/webhooks/clerk", { method: "POST" }));
    await app.wake(true);
    expect(bannersOf(await overview(app)).at(-1)).toMatch(
      /Clerk – CLERK_WEBHOOK_SECRET.*The last webhook was refused at 2026-03-10 13:03:00/,
    );
    expect(html).not.toContain("1234567890");
  });

  it("leads in doubt, and events that broke, with the way to them", async () => {
    const app = await open({ dub: { analytics: false, ...plan(["reset_after"]) } });
    await app.pass(MINUTE);
    await app.send("clerk", signUp("user_1"));
    await app.pass(30 * MINUTE);
    await app.send("auth0-logs", [{ log_id: "1", data: {} }]);
    const html = await overview(app);
    expect(bannersOf(html)).toEqual([
      expect.stringMatching(/no day is compared, since the key lacks the permission analytics\.read/),
      expect.stringMatching(
        /need you.*1: .*give the key the permission analytics\.read.*1: genuine, but its type can't be read/,
      ),
    ]);
    expect(html).toContain('href="/admin/events?reason=recorded_unconfirmed"');
    expect(html).toContain('href="/admin/events?reason=no_event_type"');
    expect(html).toContain("/docs/reasons.md#no_event_type");
    await app.pass(8 * DAY, 12 * HOUR);
    expect(bannersOf(await overview(app))).toEqual([
      expect.stringContaining("no day is compared"),
      expect.not.stringContaining("its type can't be read"),
    ]);
  });

  it("every reason of an event that names something to do, and no other", async () => {
    const app = await open();
    await app.pass(MINUTE);
    const ended = Object.entries(REASONS).filter(
      ([, entry]) => (entry.status === "rejected" || entry.status === "failed") && !("replay" in entry),
    );
    for (const [reason, { status }] of ended)
      await db.exec(
        `INSERT INTO events (id, provider, event_id, type, status, reason, received_at) VALUES ('${reason}', 'clerk', '${reason}', 't', '${status}', '${reason}', ${app.clock.now})`,
      );
    await db.exec("DELETE FROM transitions");
    const html = await overview(app);
    for (const [reason, { todo }] of ended)
      expect(html.includes(`reason=${reason}"`), reason).toBe(!todo.startsWith("nothing"));
  });

  it("a provider that is off and gets webhooks", async () => {
    const app = await open({ settings: { STRIPE_WEBHOOK_SECRET: "" } });
    await app.pass(MINUTE);
    await app.fetch(new Request("https://leads.example/webhooks/stripe", { method: "POST", body: "{}" }));
    await app.wake(true);
    expect(bannersOf(await overview(app))).toEqual([expect.stringMatching(/Stripe – .*provider_off/)]);
  });

  it("a provider whose last webhook was refused, with the evidence, until one is taken", async () => {
    const app = await open();
    await app.pass(MINUTE);
    await app.fetch(
      await app.request("clerk", signUp("user_1"), { secret: "whsec_b3RoZXItb3RoZXItb3RoZXItb3RoZXI=" }),
    );
    await app.wake(true);
    const html = await overview(app);
    expect(bannersOf(html)).toEqual([
      expect.stringMatching(
        /Clerk – the last webhook was refused at 2026-03-10 12:01:00 \(signature_mismatch\): the signature does not match/,
      ),
    ]);
    expect(html).toContain("/docs/reasons.md#signature_mismatch");
    expect(textOf(html)).toMatch(/Refused webhooks signature_mismatch once, last 2026-03-10 12:01:00/);
    app.clock.now += MINUTE;
    await app.send("clerk", signUp("user_1"));
    expect(bannersOf(await overview(app))).toEqual([]);
  });

  it("a ledger that lacks a migration", async () => {
    const app = await open();
    await db.exec("ALTER TABLE hours RENAME TO hours_elsewhere");
    try {
      const html = await overview(app, "", 503);
      expect(bannersOf(html)).toEqual([expect.stringContaining("What to do: run npm run deploy")]);
    } finally {
      await db.exec("ALTER TABLE hours_elsewhere RENAME TO hours");
    }
  });
});

it("shows each provider's address to copy, its set-up page, and what is ignored", async () => {
  const app = await open();
  await app.send("clerk", sampleOf("clerk", "other-event").webhook);
  await app.wake(true);
  const html = await overview(app);
  expect(html).toContain('data-copy="https://leads.example/webhooks/clerk"');
  expect(html).toContain("/blob/main/mappings/clerk/README.md");
  expect(textOf(html)).toContain("session.created 1 2026-03-10 12:00:00");
});

it("names a provider's last event when newer ones of others hide it", async () => {
  const app = await open();
  await app.send("clerk", signUp("user_1"));
  await fill(1000, app.clock.now);
  app.clock.now += HOUR;
  expect(textOf(await overview(app))).toContain("Clerk on last event after 2026-03-10 12:00:00");
});

it("shows text of strangers as text, without a script or style of its own", async () => {
  const app = await open();
  const { webhook } = sampleOf("clerk", "other-event");
  await app.send("clerk", {
    ...(webhook as object),
    type: "<script>alert(1)</script><img src=x onerror=alert(1)>",
  });
  await app.fetch(new Request("https://leads.example/%3Cscript%3Ealert(1)%3C/script%3E", { method: "POST" }));
  await app.wake(true);
  const html = await overview(app);
  expect(html).toContain("&lt;script&gt;alert(1)");
  expect(html.match(/<script[^>]*>/g)).toEqual(['<script src="/admin/script.js" defer="">']);
  expect(html).not.toMatch(/<img|<style|\sstyle=|<[^>]*\son\w+=/);
});

/** Puts events of every status into each hour since `days` ago, the oldest first. */
async function fill(events: number, now: number, days = 0): Promise<void> {
  await db
    .prepare(
      `INSERT INTO events (id, provider, event_id, status, reason, lead, received_at)
       WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 - 1)
       SELECT 'event_' || i, iif(i % 3, 'auth0-logs', 'stripe'), 'msg', s.value->>0, s.value->>1, '{}', CAST(?2 - ?3 * (?1 - 1 - i) / ?1 AS INTEGER)
       FROM n JOIN json_each(?4) s ON s.key = i % json_array_length(?4)`,
    )
    .bind(events, now, days * DAY, JSON.stringify(STATES))
    .run();
  await db.exec("DELETE FROM transitions");
}
const STATES = [
  ["delivered", "recorded"],
  ["skipped", "no_click_id"],
  ["duplicate", "duplicate_here"],
  ["rejected", "refused_by_dub"],
  ["failed", "retries_exhausted"],
  ["failed", "possibly_lost"],
];

it("stays below 30 kB on a bad day", async () => {
  const app = await open({
    settings: { DUB_API_KEY: "", CLERK_WEBHOOK_SECRET: "x", ALERT_WEBHOOK_URL: "x" },
  });
  await fill(5000, app.clock.now, 30);
  for (let i = 0; i < 12; i++)
    await app.send("stripe", { ...(sampleOf("stripe").webhook as object), type: `some.type.${i}` });
  for (const provider of ["stripe", "auth0", "auth0-logs"])
    await app.fetch(new Request(`https://leads.example/webhooks/${provider}`, { method: "POST" }));
  await app.fetch(new Request("https://leads.example/webhooks/nobody", { method: "POST" }));
  await app.wake(true);
  for (const query of ["", "?days=30"]) {
    const html = await overview(app, query);
    expect(bannersOf(html).length).toBeGreaterThan(4);
    expect(new TextEncoder().encode(html).length).toBeLessThan(30_000);
  }
});

/** An app that counts the rows that its requests read. */
async function openMeasured() {
  const app = await open();
  const counted = countRows();
  Object.assign(app.env, { DB: counted.db });
  return { ...app, counted };
}

describe("reads a bounded number of rows", () => {
  const EVENTS = 100_000;
  /** Rows read by both pages; each statement uses an index. */
  async function expectBounded(app: Awaited<ReturnType<typeof openMeasured>>, bound: number) {
    for (const query of ["", "?days=30"]) {
      app.counted.read = 0;
      await overview(app, query);
      expect(app.counted.read).toBeLessThan(bound);
    }
    const queries = new Set(app.counted.queries);
    for (const sql of queries)
      expect(
        (await scansOf(sql)).filter((one) => !/ USING (COVERING )?INDEX /.test(one)),
        sql,
      ).toEqual([]);
    expect(queries.size).toBeGreaterThan(10);
  }

  it("of a hundred thousand events of a month that cron has summed", async () => {
    const app = await openMeasured();
    await fill(EVENTS, app.clock.now, 30);
    for (let i = 0; i < 31; i++) await app.worker.scheduled({}, app.env);
    app.counted.read = 0;
    app.clock.now += HOUR;
    await app.worker.scheduled({}, app.env);
    expect(app.counted.read).toBeLessThan(5_000);
    await expectBounded(app, 35_000);
  });

  it("of a hundred thousand events of a day that it has not", async () => {
    const app = await openMeasured();
    await fill(EVENTS, app.clock.now, 1);
    await expectBounded(app, 60_000);
    expect(textOf(await overview(app))).toContain("There are more events since");
  });
});
