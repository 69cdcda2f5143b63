/** Forgetting a person: what is erased, what is left and why, and that a redelivery brings nothing back. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { shipped as mappings } from "../../mappings/index.ts";
import { LOCAL_KEY } from "../../src/dev/stand-in/dub.ts";
import { clickKey } from "../../src/ledger/event.ts";
import { CLICK, clerkWith, open, plan, type TestApp, TOKEN } from "../support/admin.ts";
import { answerOf, db, HOUR, MINUTE, type Row, START, signUp } from "../support/app.ts";
import { countRows, scansOf } from "../support/rows.ts";

afterEach(() => void vi.restoreAllMocks());

type Forgotten = {
  customers: string[];
  emails: string[];
  events: number;
  clicks: number;
  inDelivery: string[];
  others: string[];
  searched: number;
  unsearched: string[];
  next: string | null;
};

async function ask(app: TestApp, body: unknown, headers: Record<string, string> = {}) {
  const response = await app.fetch(
    new Request("https://leads.example/api/forget", {
      method: "POST",
      headers: { authorization: `Bearer ${TOKEN}`, ...headers },
      body: JSON.stringify(body),
    }),
  );
  return { status: response.status, body: await response.json<Forgotten & { message: string }>() };
}

/** All slices of a person. */
async function forget(app: TestApp, find: string, options: object = {}): Promise<Forgotten> {
  const slices: Forgotten[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const { status, body } = await ask(app, { find, ...options, ...(cursor && { cursor }) });
    if (status !== 200) throw new Error(`${status} ${body.message}`);
    slices.push(body);
    cursor = body.next;
  }
  const sum = (of: (one: Forgotten) => number) => slices.reduce((all, one) => all + of(one), 0);
  return {
    ...(slices.at(-1) as Forgotten),
    events: sum(({ events }) => events),
    searched: sum(({ searched }) => searched),
    others: slices.flatMap(({ others }) => others),
  };
}

/** A sign-up with an address of its own. */
function signUpOf(user: string, email: string, clickId: string | null = CLICK) {
  const webhook = signUp(user, clickId) as { data: Record<string, unknown> };
  webhook.data.email_addresses = [
    { id: "idn_1", email_address: email, verification: { status: "verified" } },
  ];
  webhook.data.primary_email_address_id = "idn_1";
  return webhook;
}

async function tell(app: TestApp, body: object) {
  app.env.CLICKS_TOKEN = "a-token-of-the-site-for-clicks";
  const answer = await app.fetch(
    new Request("https://leads.example/clicks", {
      method: "POST",
      headers: { authorization: "Bearer a-token-of-the-site-for-clicks" },
      body: JSON.stringify({ clickId: CLICK, ...body }),
    }),
  );
  expect(answer.status).toBe(200);
}

const clickKeys = async () =>
  (await db.prepare("SELECT key FROM clicks ORDER BY key").all<{ key: string }>()).results.map(
    ({ key }) => key,
  );

/** Everything that the ledger has, as one text. */
async function everything(app: TestApp): Promise<string> {
  const attempts = await db.prepare("SELECT * FROM attempts").all();
  return JSON.stringify([await app.rows(), attempts.results]);
}

const BLANK = { payload: null, lead: null, event_id: null, detail: null, warnings: null, link: null };
const MIRA = "mira@orchard.example";

describe("what is erased", () => {
  it("a lead, its attempts and its clicks; status, reason and keys stay", async () => {
    const app = await open();
    await app.send("clerk", signUpOf("user_mira", MIRA));
    await app.send("clerk", signUpOf("user_other", "other@orchard.example"));
    await app.pump();
    await tell(app, { customerExternalId: "user_mira", customerEmail: MIRA });
    await tell(app, { customerExternalId: "user_other" });
    const [before] = (await app.rows()) as (Row & { lead_key: string })[];
    expect(await app.attempts()).toHaveLength(2);

    expect(await forget(app, "user_mira")).toEqual({
      dryRun: false,
      customers: ["user_mira"],
      emails: [MIRA],
      events: 1,
      clicks: 2,
      inDelivery: [],
      others: [],
      searched: 2,
      unsearched: [],
      next: null,
    });
    const [mira, other] = await app.rows();
    expect(mira).toMatchObject({
      ...BLANK,
      id: before?.id,
      lead_key: before?.lead_key,
      status: "delivered",
      reason: "recorded",
    });
    expect(other).toMatchObject({ lead: expect.stringContaining("user_other") });
    expect(await app.attempts()).toHaveLength(1);
    expect(await clickKeys()).toEqual([await clickKey("customer", "user_other")]);
    expect(await everything(app)).not.toMatch(/user_mira|mira@/);
    expect(await forget(app, "user_mira")).toMatchObject({ events: 0, clicks: 0 });
  });

  it("the same by e-mail address, in any case, with all events of the customers found, and their other addresses", async () => {
    const app = await open();
    await app.send("clerk", signUpOf("user_mira", MIRA));
    await app.send("clerk", signUpOf("user_mira", "mira@home.example", null));
    await app.send("clerk", signUpOf("user_twin", "Mira@Home.example", null));
    await app.send("clerk", signUpOf("user_other", "other@orchard.example"));
    await tell(app, { customerExternalId: "user_twin" });
    await tell(app, { customerEmail: "mira@home.example" });
    expect(await forget(app, "MIRA@orchard.example")).toMatchObject({
      customers: ["user_mira", "user_twin"],
      emails: [MIRA, "mira@home.example"],
      events: 3,
      clicks: 2,
    });
    expect((await app.rows()).map(({ lead }) => lead !== null)).toEqual([false, false, false, true]);
    expect(await clickKeys()).toEqual([]);
  });

  it("with related false, only what has the very id or address", async () => {
    const app = await open();
    await app.send("clerk", signUpOf("user_mira", MIRA));
    await app.send("clerk", signUpOf("user_twin", MIRA));
    await tell(app, { customerEmail: MIRA });
    expect(await forget(app, "user_mira", { related: false })).toMatchObject({
      customers: ["user_mira"],
      emails: [],
      events: 1,
      clicks: 0,
    });
    expect((await app.rows()).map(({ lead }) => lead !== null)).toEqual([false, true]);
  });

  it("clicks of a customer who has no event", async () => {
    const app = await open();
    await tell(app, { customerExternalId: "user_mira" });
    await tell(app, { customerEmail: "Mira@Home.example" });
    expect(await forget(app, "user_mira")).toMatchObject({ events: 0, clicks: 1 });
    expect(await forget(app, "mira@home.example")).toMatchObject({ events: 0, clicks: 1 });
    expect(await clickKeys()).toEqual([]);
  });

  it("an event that became no lead of anybody, whose payload names the person", async () => {
    const app = await open({
      mappings: {
        ...mappings,
        clerk: clerkWith({ customerExternalId: "data.ident", customerEmail: "data.nobody" }),
      },
    });
    await app.send("clerk", signUpOf("user_mira", MIRA));
    await app.send("clerk", signUpOf("user_mira2", "samira@orchard.example"));
    await app.send("clerk", signUpOf("user_x", "MIRA@orchard.example"));
    expect((await app.rows()).map(({ reason }) => reason)).toEqual(Array(3).fill("no_customer_id"));
    expect(await forget(app, "user_mira")).toMatchObject({ customers: ["user_mira"], events: 1, others: [] });
    expect(await forget(app, MIRA)).toMatchObject({ emails: [MIRA], events: 1, others: [] });
    expect((await app.rows()).map(({ payload }) => payload !== null)).toEqual([false, true, false]);
  });

  it("a dry run counts the same and changes nothing", async () => {
    const app = await open();
    await app.send("clerk", signUpOf("user_mira", MIRA));
    await tell(app, { customerExternalId: "user_mira" });
    const before = await everything(app);
    const counted = await forget(app, MIRA, { dryRun: true });
    expect(await everything(app)).toBe(before);
    expect(await clickKeys()).toHaveLength(1);
    expect(await forget(app, MIRA)).toEqual({ ...counted, dryRun: false });
  });
});

describe("what is left, and is said", () => {
  it("an event of somebody else that names the person", async () => {
    const app = await open();
    const invited = signUpOf("user_other", "other@orchard.example") as { data: object };
    await app.send("clerk", { ...invited, data: { ...invited.data, invited_by: MIRA } });
    const { id } = await app.row();
    expect(await forget(app, MIRA)).toMatchObject({ events: 0, others: [id] });
    expect(await app.row()).toMatchObject({ payload: expect.stringContaining(MIRA) });
  });

  it("a webhook that could not be split: it may be of others, too", async () => {
    const app = await open({ mappings: { ...mappings, clerk: clerkWith({}, { each: "data.users" }) } });
    await app.send("clerk", signUpOf("user_mira", MIRA));
    const { id, reason } = await app.row();
    expect(reason).toBe("not_split");
    expect(await forget(app, MIRA)).toMatchObject({ events: 0, others: [id] });
  });

  it("an event that is being delivered; a minute later it goes, too", async () => {
    let met: Forgotten | undefined;
    const app = await open({
      fetch: async (request) => {
        met ??= await forget(app, "user_mira");
        return answerOf(app.dub.app, request);
      },
    });
    await app.send("clerk", signUpOf("user_mira", MIRA));
    await app.pump();
    const { id } = await app.row();
    expect(met).toMatchObject({ events: 0, inDelivery: [id] });
    expect(await app.row()).toMatchObject({
      status: "delivered",
      lead: expect.stringContaining("user_mira"),
    });
    app.clock.now += MINUTE;
    expect(await forget(app, "user_mira")).toMatchObject({ events: 1, inDelivery: [] });
  });

  it("short ids are not looked for in payloads", async () => {
    const app = await open();
    await app.send("clerk", signUpOf("7", MIRA));
    expect(await forget(app, "7")).toMatchObject({ events: 1, unsearched: ["7"] });
  });

  it("what belongs to more than twenty customers is refused", async () => {
    const app = await open();
    for (let i = 0; i < 21; i++) await app.send("clerk", signUpOf(`user_${100 + i}`, MIRA));
    const before = await everything(app);
    const answer = await ask(app, { find: MIRA });
    expect([answer.status, answer.body.message]).toEqual([
      400,
      expect.stringMatching(/more than 20 customers.*related false/),
    ]);
    expect(await everything(app)).toBe(before);
    expect(await forget(app, "user_105", { related: false })).toMatchObject({ events: 1 });
  });
});

describe("afterwards", () => {
  it("a pending event has ended, and neither it nor its duplicate is delivered", async () => {
    const app = await open({ settings: { DUB_API_KEY: "" } });
    await app.send("clerk", signUpOf("user_mira", MIRA));
    await app.send("clerk", signUpOf("user_mira", MIRA));
    await forget(app, "user_mira");
    expect((await app.rows()).map(({ reason, lead }) => [reason, lead])).toEqual([
      ["ended_by_operator", null],
      ["duplicate_here", null],
    ]);
    app.env.DUB_API_KEY = LOCAL_KEY;
    await app.pass(2 * HOUR, 10 * MINUTE);
    expect(app.dub.recorded).toEqual([]);
  });

  it("one that may be at Dub keeps its lead key, so that nothing is counted twice", async () => {
    const app = await open({ dub: plan(["reset_after_key"]) });
    await app.send("clerk", signUpOf("user_mira", MIRA));
    await app.pass(2 * HOUR, 10 * MINUTE);
    expect(await app.row()).toMatchObject({ status: "pending", reason: "dedup_blocked" });
    await forget(app, "user_mira");
    expect(await app.row()).toMatchObject({ ...BLANK, reason: "ended_by_operator", doubt: "unknown" });
    expect(await app.send("clerk", signUpOf("user_mira", MIRA))).toMatchObject([{ status: "duplicate" }]);
  });

  it.each([
    ["delivered", CLICK, "recorded"],
    ["skipped", null, "no_click_id"],
  ])(
    "a redelivery of what was %s brings nothing back, nor does a click or a replay",
    async (status, click, reason) => {
      const app = await open();
      const also = { id: "msg_of_mira" };
      await app.send("clerk", signUpOf("user_mira", MIRA, click), also);
      await app.pump();
      await forget(app, MIRA);
      const before = await everything(app);
      app.clock.now += MINUTE;
      const again = await app.send("clerk", signUpOf("user_mira", MIRA, click), also);
      expect(again).toMatchObject([{ status, reason, redelivery: true }]);

      app.down.ledger = true;
      await app.send("clerk", signUpOf("user_mira", MIRA, click), also);
      expect(app.waiting.map(({ body }) => body).join()).toContain("user_mira");
      app.down.ledger = false;
      await app.pass(5 * MINUTE);
      expect(await everything(app)).toBe(before);

      await tell(app, { customerExternalId: "user_mira", clickedAt: START - HOUR });
      const { id } = await app.row();
      const replayed = await app.fetch(
        new Request(`https://leads.example/api/events/${id}/replay`, {
          method: "POST",
          headers: { authorization: `Bearer ${TOKEN}` },
        }),
      );
      expect(replayed.status).toBe(409);
      await app.pass(5 * MINUTE);
      expect(await everything(app)).toBe(before);
      expect(app.dub.recorded).toHaveLength(click === null ? 0 : 1);
    },
  );
});

describe("the request", () => {
  it.each([
    ["without the token", { find: "user_mira" }, { authorization: "" }, 401, /./],
    ["from a page of another site", { find: "user_mira" }, { origin: "https://evil.example" }, 403, /./],
    ["without whom", {}, {}, 400, /find must say whom/],
    ["with white space only", { find: " " }, {}, 400, /find must say whom/],
    ["with an unknown field", { find: "user_mira", yes: true }, {}, 400, /yes is unknown; there are find/],
    ["with a wrong cursor", { find: "user_mira", cursor: "1" }, {}, 400, /cursor must be `next`/],
  ])("%s is refused, and nothing is erased", async (_, body, headers, status, says) => {
    const app = await open();
    await app.send("clerk", signUpOf("user_mira", MIRA));
    const before = await everything(app);
    const answer = await ask(app, body, headers as Record<string, string>);
    expect([answer.status, answer.body.message]).toEqual([status, expect.stringMatching(says)]);
    expect(await everything(app)).toBe(before);
  });

  it("goes through thousands of payloads in slices, and reads no table whole", async () => {
    const app = await open();
    const events = Array.from({ length: 4_500 }, (_, i) => ({
      id: `e${i}`,
      at: START + Math.floor(i / 1000),
    }));
    await db
      .prepare(
        `INSERT INTO events (id, provider, event_id, status, reason, payload, received_at)
         SELECT e.value->>'id', 'clerk', e.value->>'id', 'rejected', 'no_customer_id', '{"of":"user_mira"}', e.value->>'at' FROM json_each(?1) e`,
      )
      .bind(JSON.stringify(events))
      .run();
    const counted = countRows();
    const original = app.env.DB;
    app.env.DB = counted.db as unknown as typeof original;
    expect(await forget(app, "user_mira", { dryRun: true })).toMatchObject({
      events: 4_500,
      searched: 4_500,
    });
    expect(await forget(app, "user_mira")).toMatchObject({ events: 4_500 });
    for (const sql of new Set(counted.queries)) expect(await scansOf(sql), sql).toEqual([]);
    expect(await everything(app)).not.toContain("user_mira");
  });

  it("no log line names the person", async () => {
    const said: string[] = [];
    for (const level of ["info", "warn", "error"] as const)
      vi.spyOn(console, level).mockImplementation((line) => void said.push(line));
    const app = await open();
    await app.send("clerk", signUpOf("user_mira", MIRA));
    await forget(app, MIRA);
    expect(said.join("\n")).toContain('"forgotten"');
    expect(said.join("\n")).not.toMatch(/mira/);
  });
});
