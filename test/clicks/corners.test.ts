/** Click memory with several events, claims and states of one customer. */
import { beforeAll, expect, it } from "vitest";
import { shipped as mappings } from "../../mappings/index.ts";
import { post, TOKEN } from "../support/admin.ts";
import { DAY, db, HOUR, MINUTE, type Row, SECOND, START } from "../support/app.ts";
import { EMAIL, OTHER, openClicks } from "../support/clicks.ts";
import { createIssuer } from "../support/tokens.ts";

let issuer: Awaited<ReturnType<typeof createIssuer>>;
beforeAll(async () => {
  issuer = await createIssuer();
});

const open = (options?: Parameters<typeof openClicks>[1]) => openClicks(issuer, options);

const RULE = (on: string, eventName: string) => ({
  on: [on],
  lead: {
    clickId: "data.unsafe_metadata.dubClickId",
    eventName: `'${eventName}'`,
    customerExternalId: "data.id",
    customerEmail: (mappings.clerk as { leads: { lead: { customerEmail: string } }[] }).leads[0]?.lead
      .customerEmail,
  },
});
const TWO = {
  ...(mappings.clerk as object),
  leads: [RULE("user.created", "Sign Up"), RULE("user.updated", "Trial")],
};

it("a time of sending that is far off does no harm", async () => {
  const app = await open();
  await app.signsUp("user_1");
  const a = await app.session("user_1", { clickedAt: START, sentAt: 9e15 });
  expect(a.status).toBe(200);
  const { id } = await app.row();
  const answer = await app.fetch(
    new Request(`https://leads.example/api/events/${id}`, { headers: { authorization: `Bearer ${TOKEN}` } }),
  );
  expect(answer.status).toBe(200);
});

it("a click told without its time, and later with one, keeps the earlier", async () => {
  const app = await open();
  await app.site({ customerExternalId: "user_1" }); // callback of the provider, no dub_at yet
  app.clock.now += 5 * SECOND;
  await app.session("user_1", { clickedAt: app.clock.now }); // the script's first page
  app.clock.now += 5 * SECOND;
  expect(await app.signsUp("user_1", { ago: 12 * SECOND })).toMatchObject([{ status: "pending" }]);
});

it("the customer's own word goes before the e-mail's, also with two events", async () => {
  const app = await open({ mappings: { clerk: TWO } });
  await app.signsUp("user_1");
  await app.signsUp("user_1", { type: "user.updated" });
  await app.site({ customerEmail: EMAIL, clickedAt: START - DAY });
  const rows = (await app.rows()) as (Row & { click_by: string })[];
  expect(rows.map(({ status, click_by }) => [status, click_by])).toEqual([
    ["pending", "email"],
    ["pending", "email"],
  ]);
  await app.session("user_1", { clickId: OTHER, clickedAt: START - 2 * DAY });
  await app.pass(2 * HOUR);
  expect(app.credited()).toEqual([
    ["user_1", OTHER],
    ["user_1", OTHER],
  ]);
});

it("a replay of several events binds a customer to one click", async () => {
  const { signedUpAt: _, ...rest } = TWO as Record<string, unknown>;
  const leads = TWO.leads.map((l) => ({ ...l, lead: { ...l.lead, customerExternalId: "data.nothing" } }));
  const files = { clerk: { ...rest, leads } };
  const app = await open({ mappings: files });
  await app.signsUp("user_1");
  app.clock.now += HOUR;
  await app.session("user_1", { clickedAt: START - HOUR });
  await app.session("user_1", { clickId: OTHER, clickedAt: START + 30 * MINUTE });
  await app.signsUp("user_1", { type: "user.updated" });
  files.clerk = { ...rest, leads: TWO.leads };
  app.clock.now += MINUTE;
  expect((await app.rows()).map((r) => r.reason)).toEqual(["no_click_id", "no_click_id"]);
  await post(app, "/api/replay", { reason: ["no_click_id"] });
  await app.pass(5 * MINUTE);
  expect(new Set(app.credited().map(([, c]) => c)).size, JSON.stringify(app.credited())).toBe(1);
});

it("a customer whose lead may be lost is not bound again", async () => {
  const app = await open({ mappings: { clerk: TWO } });
  await app.signsUp("user_1", { clickId: OTHER });
  await db.exec("UPDATE events SET status = 'failed', reason = 'possibly_lost', doubt = 'unknown'");
  await app.signsUp("user_1", { type: "user.updated" });
  expect(await (await app.session("user_1", { clickedAt: START - HOUR })).json()).toEqual({ events: 0 });
});
