/** What a list of Dub can hold or lack that must not be misread. */
import { expect, it } from "vitest";
import { shipped as mappings } from "../../mappings/index.ts";
import { DUB_SCHEME } from "../../src/reconcile/webhook.ts";
import { createSigner } from "../../src/verify/schemes.ts";
import { CLICK, CUSTOMER, idOf, plan, replayOne, TOKEN } from "../support/admin.ts";
import { answerOf, DAY, HOUR, MINUTE, type Row, START, signUp, type TestAppOptions } from "../support/app.ts";
import { days, openDays, recordedBy } from "../support/days.ts";

/** With the admin API and Dub's webhook on. */
async function open({ settings, ...options }: TestAppOptions = {}) {
  const own = { ADMIN_TOKEN: TOKEN, DUB_WEBHOOK_SECRET: "whsec_abcdefgh12345678" };
  const app = await openDays({ ...options, settings: { ...own, ...settings } });
  const api = async (path: string, body?: unknown) =>
    (
      await app.fetch(
        new Request(`https://leads.example${path}`, {
          method: body ? "POST" : "GET",
          headers: { authorization: `Bearer ${TOKEN}` },
          ...(body ? { body: JSON.stringify(body) } : {}),
        }),
      )
    ).json() as Promise<{ next: string | null; checks: { says: string }[] }>;
  return { ...app, api };
}
type App = Awaited<ReturnType<typeof open>>;

const hook = (customer: string, click: object, createdAt = START) => ({
  id: "e",
  event: "lead.created",
  createdAt: new Date(createdAt).toISOString(),
  data: {
    eventName: "Sign Up",
    customer: { id: "c", externalId: customer },
    click,
    link: { id: "link_Xk3p" },
  },
});
async function post(app: App, webhook: unknown) {
  const url = "https://leads.example/webhooks/dub";
  const body = new TextEncoder().encode(JSON.stringify(webhook));
  const signed = await (await createSigner(DUB_SCHEME, "DUB_WEBHOOK_SECRET", "whsec_abcdefgh12345678")).call(
    null,
    { url, body, id: "1", now: app.clock.now },
  );
  return (await app.fetch(new Request(url, { method: "POST", body, headers: signed }))).json();
}

async function forget(app: App, find: string) {
  for (let cursor: string | null | undefined; cursor !== null; )
    cursor = (await app.api("/api/forget", { find, related: false, ...(cursor && { cursor }) })).next;
}

it("a list that is wrong is known as such, also when one event is blanked", async () => {
  const app = await open();
  for (let i = 0; i < 60; i++) await app.send("clerk", signUp(`user_${i}`));
  await app.pump();
  await forget(app, "user_59");
  app.dub.recorded.splice(0);
  await app.toMorning(20);
  const failed = (await app.rows()).filter(({ reason }) => reason === "missing_at_dub").length;
  expect({ failed, differs: app.told("list_differs").length }).toEqual({ failed: 0, differs: 1 });
});

it("an event that was erased gets no click back", async () => {
  const app = await open();
  await app.send("clerk", signUp("user_1"));
  await app.pump();
  await forget(app, "user_1");
  expect(await app.row()).toMatchObject({ lead: null, dub_click: null });
  await app.toMorning();
  expect(await app.row()).toMatchObject({ lead: null, dub_click: null, clicked_at: null });
});

it("nor a link", async () => {
  const app = await open({ dub: plan(["reset_after"]) });
  await app.send("clerk", signUp("user_1"));
  await app.pump();
  await forget(app, "user_1");
  await app.toMorning();
  expect(await app.row()).toMatchObject({ lead: null, link: null, dub_click: null });
});

it("a lead that was only seen late is not recorded again by a replay", async () => {
  const app = await open({ dub: { ...plan(["reset_after"]), listedAfter: 50 * MINUTE } });
  const [answer] = await app.send("clerk", signUp("user_1"));
  await app.pump();
  await app.pass(3 * HOUR);
  const r = (await app.row()) as Row & { delivered_at: number };
  expect([r.reason, (r.delivered_at - START) / MINUTE > 6]).toEqual(["recorded", true]);
  const lost = app.dub.recorded.splice(0); // Dub's list is behind on that morning
  await app.toMorning();
  expect((await app.row()).reason).toBe("missing_at_dub");
  app.dub.recorded.push(...lost);
  await app.pass(9 * DAY, 12 * HOUR);
  await replayOne(app, idOf(answer));
  await app.pass(30 * MINUTE);
  expect(app.dub.recorded).toHaveLength(1);
});

it("event names such as constructor are counted", async () => {
  const app = await open();
  for (const user of ["user_1", "user_2", "user_3"]) {
    await app.send("clerk", signUp(user));
    app.dub.recorded.push(recordedBy(user, { eventName: "New customer" }));
  }
  app.dub.recorded.push(recordedBy("user_1", { eventName: "constructor" }));
  await app.pump();
  await app.toMorning();
  expect({ twice: (await days())[1]?.twice, told: app.told("counted_twice").length }).toEqual({
    twice: '{"New customer":3,"constructor":1}',
    told: 1,
  });
});

it("a refusal is over once a page is read", async () => {
  let refuse = true;
  const app: App = await open({
    fetch: async (request) => {
      if (new URL(request.url).pathname === "/events" && refuse)
        return Response.json(
          {
            error: {
              code: "forbidden",
              message: "You've reached your limit of 250000 clicks on the Business plan.",
            },
          },
          { status: 403 },
        );
      return answerOf(app.dub.app, request);
    },
  });
  await app.send("clerk", signUp("user_1"));
  await app.pump();
  await app.toMorning();
  refuse = false;
  await app.pass(2 * HOUR);
  expect((await days())[1]?.done_at).toBeTruthy();
  const status = await app.api("/api/status");
  expect(JSON.stringify(status)).not.toContain("no day is compared");
});

it("the time of another sender's click is not the lead's", async () => {
  const app = await open();
  await app.send("clerk", signUp("user_1"));
  await app.pump();
  await post(app, hook("user_1", { id: CLICK, timestamp: new Date(START - HOUR).toISOString() }));
  await post(
    app,
    hook(
      "user_1",
      { id: "Zz3pQ9vLm2RtYw7B", timestamp: new Date(START + 8 * DAY).toISOString() },
      START + 8 * DAY,
    ),
  );
  expect(await app.row()).toMatchObject({ dub_click: null, clicked_at: START - HOUR });
});

it("own leads of a rule once: event, without a click id, are not counted twice", async () => {
  const clerk = structuredClone(mappings.clerk) as { leads: Record<string, unknown>[] };
  for (const rule of clerk.leads) {
    rule.once = "event";
    rule.withoutClickId = "send";
  }
  const app = await open({ mappings: { ...mappings, clerk } });
  for (const user of ["user_1", "user_2", "user_3"]) {
    app.dub.customers.set(user, { ...CUSTOMER, externalId: user });
    await app.send("clerk", signUp(user, null));
  }
  await app.pump();
  expect((await app.rows()).map(({ reason }) => reason)).toEqual(["recorded", "recorded", "recorded"]);
  await app.toMorning();
  expect({ twice: (await days())[1]?.twice, told: app.told("counted_twice").length }).toEqual({
    twice: "{}",
    told: 0,
  });
});

it("nor those whose click was told", async () => {
  const clerk = structuredClone(mappings.clerk) as { leads: Record<string, unknown>[] };
  for (const rule of clerk.leads) rule.once = "event";
  const app = await open({
    mappings: { ...mappings, clerk },
    settings: { CLICKS_TOKEN: "a-token-of-the-site-1234567890" },
  });
  for (const user of ["user_1", "user_2", "user_3"]) {
    await app.send("clerk", signUp(user, null));
    await app.fetch(
      new Request("https://leads.example/clicks", {
        method: "POST",
        headers: {
          authorization: "Bearer a-token-of-the-site-1234567890",
          "content-type": "application/json",
        },
        body: JSON.stringify({ clickId: CLICK, customerExternalId: user, clickedAt: START - HOUR }),
      }),
    );
  }
  await app.pass(3 * MINUTE);
  expect((await app.rows()).map(({ reason }) => reason)).toEqual(["recorded", "recorded", "recorded"]);
  await app.toMorning();
  expect({ twice: (await days())[1]?.twice, told: app.told("counted_twice").length }).toEqual({
    twice: "{}",
    told: 0,
  });
});
