/**
 * The JSON of the admin API: every request and every answer. The commands check answers with these schemas, the tests
 * do so strictly, and docs/openapi.json is made from them. The Worker itself takes only their types.
 */
import * as z from "zod/mini";
import { CreditedLink } from "../lead.ts";
import { LEFT, type Left } from "../replay/replay.ts";
import {
  EVENT_FILTERS,
  FIELDS,
  FORGET_FIELDS,
  REPLAY_FIELDS,
  reasonName,
  SEARCH_FIELDS,
  statusName,
} from "./fields.ts";

/** The schemas that have a name in the OpenAPI document. */
export const named = z.registry<{ id: string }>();

const about = (text: string) => z.describe(text);
const time = z.iso.datetime();
const count = z.int().check(z.gte(0));
const left = z.enum(Object.keys(LEFT) as Left[]).register(named, { id: "Left" });
statusName.register(named, { id: "StatusName" });
reasonName.register(named, { id: "Reason" });

/** What an event is or became. */
const state = { status: statusName, reason: reasonName };

/** Every code of an error, but those of a replay that leaves an event as it is. */
const CODES = [
  "not_found",
  "unauthorized",
  "forbidden",
  "misconfigured",
  "ledger_down",
  "ledger_not_migrated",
  "unexpected",
  "bad_filter",
  "bad_request",
  "unknown_event",
  "not_pending",
] as const;

export const ApiError = z
  .object({ error: z.enum(CODES), message: z.string().check(about("what is wrong, in words")) })
  .register(named, { id: "Error" });

/** A replay of one event that leaves it as it is. */
export const LeftAlone = z
  .object({ error: left, message: z.string(), was: z.object(state) })
  .register(named, { id: "LeftAlone" });

const event = {
  id: z.string().check(about("our id of the event")),
  receivedAt: time,
  provider: z.string(),
  eventId: z.nullable(z.string()).check(about("the provider's id of the event")),
  type: z.nullable(z.string()).check(about("as the provider names it")),
  ...state,
  means: z.string().check(about("the reason in words")),
  todo: z.string().check(about("what the operator should do")),
  detail: z.nullable(z.string()),
  warnings: z
    .array(z.object({ field: z.string(), did: z.string() }))
    .check(about("repairs that were made to fields of the lead")),
  lead: z
    .nullable(
      z.looseObject({
        clickId: z.optional(z.string()),
        eventName: z.optional(z.string()),
        customerExternalId: z.optional(z.string()),
        customerName: z.optional(z.string()),
        customerEmail: z.optional(z.string()),
        customerAvatar: z.optional(z.string()),
        eventQuantity: z.optional(z.int()),
        mode: z.optional(z.string()),
        metadata: z.optional(z.record(z.string(), z.unknown())),
      }),
    )
    .check(about("the body for Dub; of an event that is no lead: what could be mapped")),
  link: z.nullable(CreditedLink).check(about("the link that Dub credited")),
  replayedAt: z.nullable(time),
  nextAttemptAt: z.nullable(time),
  deliveredAt: z.nullable(time),
  tries: count,
  clickBy: z
    .nullable(z.enum(["session", "site", "email"]))
    .check(about("who told its click (click memory); null: the webhook, or nobody")),
};

/** An event in short. */
export const ApiEvent = z.object(event).register(named, { id: "Event" });
export type ApiEvent = z.infer<typeof ApiEvent>;

/** An event whole: also its payload, its newest delivery attempts, oldest first, its story, and its customer's others. */
export const ApiEventWhole = z
  .object({
    ...event,
    payload: z.unknown().check(about("as the provider sent it; null when it is not kept any more")),
    doubt: z
      .nullable(z.enum(["failed", "unknown"]))
      .check(about("what an earlier recording call may have done")),
    doubtSince: z.nullable(time),
    leaseUntil: z.nullable(time),
    deliveredBy: z.nullable(z.string()),
    atDub: z
      .nullable(z.enum(["listed", "link_deleted", "customer_deleted", "unclear"]))
      .check(about("what Dub's list or webhook says of the lead; null: not learned yet")),
    atDubSince: z.nullable(time).check(about("when that was learned")),
    dubClick: z.nullable(z.string()).check(about("the click that Dub credits, if it is not the lead's own")),
    clickedAt: z.nullable(time).check(about("when that click was made, if Dub's webhook told")),
    attempts: z.array(
      z.object({
        at: time,
        phase: z.enum(["register", "record"]),
        httpStatus: z.nullable(z.int()).check(about("null: no answer")),
        reason: reasonName,
        means: z.string(),
        message: z.nullable(z.string()),
        milliseconds: count,
      }),
    ),
    clickToldAt: z.nullable(time).check(about("when its click, told later or before, made it a lead")),
    clicks: z
      .array(
        z.object({
          clickId: z.string(),
          by: z.enum(["session", "site", "email"]).check(about("who told it first")),
          clickedAt: z.nullable(time).check(about("when the site first saw it; null: not told")),
          toldAt: time,
          whyNot: z.nullable(z.string()).check(about("why it does not make this event a lead")),
        }),
      )
      .check(about("clicks remembered for the customer, of an event that has one of them or lacks one")),
    story: z
      .array(z.object({ at: z.nullable(time), says: z.string() }))
      .check(about("the event from the webhook to what comes next, in sentences")),
    others: z
      .array(z.object({ id: z.string(), receivedAt: time, provider: z.string(), type: event.type, ...state }))
      .check(about("the newest ten other events of the same customer, newest first")),
  })
  .register(named, { id: "EventWhole" });
export type ApiEventWhole = z.infer<typeof ApiEventWhole>;

const next = z.nullable(z.int());

/** Events, newest first. */
export const EventPage = z
  .object({
    events: z.array(ApiEvent),
    next: next.check(
      about("`before` of the next page, also when this one has few events or none; null after the last"),
    ),
  })
  .register(named, { id: "EventPage" });
export type EventPage = z.infer<typeof EventPage>;

/** ok; problem: the operator must do `todo`; off: not set up, which may be meant so; unknown: could not be found out. */
export const Check = z
  .object({
    what: z.string(),
    state: z.enum(["ok", "problem", "off", "unknown"]),
    says: z.string(),
    todo: z.exactOptional(z.string()),
    reason: z.exactOptional(reasonName).check(about("of the events that it is about")),
    because: z
      .exactOptional(z.string())
      .check(about("`what` of the problem that this one most likely follows from")),
  })
  .register(named, { id: "Check" });
export type Check = z.infer<typeof Check>;

const refusals = z.array(
  z.object({ reason: z.string(), count, lastAt: time, evidence: z.string(), todo: z.string() }),
);

/** A provider with its last event (of the last thousand events of all providers), refusals and ignored types. */
export const ProviderStatus = z
  .object({
    provider: z.string(),
    name: z.string(),
    address: z.string().check(about("where its webhooks go")),
    secret: z.string().check(about("the name of its Worker secret")),
    state: z.enum(["on", "off", "problem"]),
    says: z.exactOptional(z.string()),
    lastEventAt: z.nullable(time),
    refusals,
    ignored: z.array(z.object({ type: z.string(), count, lastAt: time })),
  })
  .register(named, { id: "ProviderStatus" });
export type ProviderStatus = z.infer<typeof ProviderStatus>;

/** Click memory: who may tell clicks, and what was told. */
export const ClickStatus = z
  .object({
    state: z.enum(["on", "off", "problem"]),
    says: z.string(),
    todo: z.exactOptional(z.string()),
    providers: z
      .array(z.string())
      .check(about("those whose session tokens are taken, by `<PROVIDER>_ISSUER`")),
    byToken: z.boolean().check(about("`CLICKS_TOKEN` is set: the site's server can tell clicks")),
    remembered: count.check(about("clicks that are remembered; ten thousand are counted at most")),
    lastToldAt: z.nullable(time).check(about("when the last remembered click was first told")),
    refusals,
  })
  .register(named, { id: "ClickStatus" });
export type ClickStatus = z.infer<typeof ClickStatus>;

/** The state of the Worker. */
export const Status = z
  .object({
    checks: z.array(Check),
    providers: z.array(ProviderStatus),
    refusals: refusals.check(about("requests to addresses of no provider")),
    clicks: ClickStatus,
    events: z
      .record(z.string(), count)
      .check(about("events of the last 24 hours by status, of the last ten thousand")),
    keptSince: z.nullable(time).check(about("when the oldest event came whose personal data is still kept")),
  })
  .register(named, { id: "Status" });
export type Status = z.infer<typeof Status>;

/** Days of UTC, newest first: what was delivered, compared with Dub's list. */
export const Days = z
  .object({
    days: z.array(
      z.object({
        day: z.iso.date(),
        says: z.string().check(about("the result in a sentence")),
        doneAt: z.nullable(time),
        pages: z.nullable(count).check(about("of Dub's list; null: Dub was not asked yet")),
        page: count.check(about("pages read")),
        listed: count.check(about("leads on them")),
        delivered: z.nullable(count).check(about("leads delivered on the day; null: not compared yet")),
        present: count.check(about("of these, at Dub")),
        missing: count.check(about("of these, not at Dub: events with the reason missing_at_dub")),
        linkDeleted: count,
        customerDeleted: count,
        unclear: count.check(
          about("not listed; the link of the click may be deleted, or the event is blanked"),
        ),
        otherClick: count.check(about("credited to another click")),
        settled: count.check(about("events in doubt that became recorded by the list")),
        elsewhere: count.check(about("events without a lead that another sender has recorded")),
        others: z.record(z.string(), count).check(about("leads of other senders by event name")),
        twice: z
          .record(z.string(), count)
          .check(about("leads of other senders whose customer has a lead of this Worker, by event name")),
      }),
    ),
  })
  .register(named, { id: "Days" });
export type Days = z.infer<typeof Days>;

/** Events received in each hour. */
export const Hours = z
  .object({
    hours: z.array(
      z.object({
        hour: time,
        provider: z.string(),
        ...state,
        events: count,
        byMemory: count.check(about("of them, those whose click was told (click memory)")),
      }),
    ),
    summedUntil: z.nullable(time).check(about("later hours are counted from the newest events")),
    complete: z
      .boolean()
      .check(about("false: so many events came since summedUntil that not all are counted")),
  })
  .register(named, { id: "Hours" });
export type Hours = z.infer<typeof Hours>;

const trialStep = z.object({
  path: z.string().check(about("of the expression, in the mapping file")),
  line: z.int(),
  field: z.exactOptional(z.string()),
  source: z.string(),
  value: z.exactOptional(z.unknown()),
  cut: z.exactOptional(z.string()).check(about("the beginning of a long value's JSON")),
  error: z.exactOptional(
    z.object({
      message: z.string(),
      path: z.exactOptional(z.string()),
      source: z.exactOptional(z.string()),
      column: z.exactOptional(z.int()),
    }),
  ),
  reads: z.array(z.string()).check(about("places in the event that the value is made of")),
});

const json = z.unknown().check(about("JSON, or a text that is read as such"));

/** A mapping file and a webhook to try it on. */
export const Trial = z
  .object({
    provider: z.optional(z.string()),
    mapping: json,
    webhook: json,
    headers: z.optional(z.record(z.string(), z.string())),
    isEvent: z.optional(z.boolean()).check(about("true: the webhook is one event, as `each` gives it")),
  })
  .register(named, { id: "Trial" });

/** What a webhook becomes by a mapping file. */
export const Tried = z
  .object({
    mistakes: z.array(
      z.object({
        in: z.enum(["mapping", "webhook"]),
        message: z.string(),
        line: z.exactOptional(z.int()),
        column: z.exactOptional(z.int()),
        path: z.exactOptional(z.string()),
        expression: z.exactOptional(z.string()),
        at: z.exactOptional(z.int()).check(about("column in the expression")),
      }),
    ),
    each: z.nullable(trialStep),
    events: z.array(
      z.object({
        type: z.nullable(z.string()),
        eventId: z.nullable(z.string()),
        becomes: z.enum(["lead", "skipped", "rejected", "ignored"]),
        reason: z.exactOptional(reasonName),
        means: z.exactOptional(z.string()),
        todo: z.exactOptional(z.string()),
        detail: z.exactOptional(z.string()),
        lead: z.exactOptional(z.record(z.string(), z.unknown())),
        warnings: z.array(z.object({ field: z.string(), did: z.string() })),
        rule: z.nullable(z.int()).check(about("of the mapping file, from 0")),
        steps: z.array(trialStep),
      }),
    ),
    more: count.check(about("events after the ten that are shown")),
    headers: z.array(z.string()).check(about("headers that the mapping file reads")),
    isSplit: z.boolean().check(about("the mapping file splits a webhook by `each`")),
  })
  .register(named, { id: "Tried" });

/** What became of one event. */
export const Replayed = z
  .object({ was: z.object(state), became: z.array(z.object(state)) })
  .register(named, { id: "Replayed" });
export type Replayed = z.infer<typeof Replayed>;

export const Ended = z.object({ became: z.array(z.object(state)) }).register(named, { id: "Ended" });
export type Ended = z.infer<typeof Ended>;

/** One slice of a replay, counted. */
export const ReplaySlice = z
  .object({
    dryRun: z.boolean(),
    events: count,
    became: z.array(z.object({ ...state, events: count })),
    left: z.array(z.object({ why: left, message: z.string(), events: count })),
    next: next.check(about("`after` of the next slice; null after the last")),
    leadKeys: z
      .exactOptional(z.array(z.string()))
      .check(about("of a dry run: to be sent with the next slice")),
  })
  .register(named, { id: "ReplaySlice" });
export type ReplaySlice = z.infer<typeof ReplaySlice>;

/** What is erased of a person. */
export const Forgotten = z
  .object({
    dryRun: z.boolean(),
    customers: z.array(z.string()).check(about("customer ids by which the person is known")),
    emails: z.array(z.string()).check(about("e-mail addresses by which the person is known, in lower case")),
    events: count.check(about("events that are blanked, or would be")),
    clicks: count.check(about("remembered clicks that are deleted, or would be")),
    inDelivery: z
      .array(z.string())
      .check(
        about("ids of events of the person that are left, since they are being delivered; a hundred at most"),
      ),
    others: z
      .array(z.string())
      .check(about("ids of events that are left, since they are of somebody else and only name the person")),
    searched: count.check(about("kept payloads that were looked into")),
    unsearched: z
      .array(z.string())
      .check(about("ids and addresses that payloads are not searched for, since they are too short")),
    next: z
      .nullable(z.string())
      .check(about("`cursor` of the next request; null when all is done, which the last one does")),
  })
  .register(named, { id: "Forgotten" });
export type Forgotten = z.infer<typeof Forgotten>;

/** What a request gives, with the words in which a wrong field is refused. */
const fields = (id: string, names: readonly (keyof typeof FIELDS)[]) =>
  z
    .object(
      Object.fromEntries(names.map((name) => [name, FIELDS[name].schema.check(about(FIELDS[name].is))])),
    )
    .register(named, { id });

/** `query` and `body`: what is sent. `answers`: the JSON for each HTTP status; any other is an ApiError. */
type Route = {
  method: "get" | "post";
  path: string;
  summary: string;
  query?: z.ZodMiniObject;
  body?: z.ZodMiniObject;
  answers: Record<number, z.ZodMiniType>;
};

/** Every request that the API takes. */
export const ROUTES: Route[] = [
  {
    method: "get",
    path: "/api/events",
    summary: "Events, newest first.",
    query: fields("EventQuery", EVENT_FILTERS),
    answers: { 200: EventPage },
  },
  {
    method: "post",
    path: "/api/events/search",
    summary: "Events by what a person is known by, newest first. In the body, since addresses are logged.",
    body: fields("EventSearch", SEARCH_FIELDS),
    answers: { 200: EventPage },
  },
  {
    method: "get",
    path: "/api/events/{id}",
    summary: "One event whole.",
    answers: { 200: ApiEventWhole },
  },
  {
    method: "post",
    path: "/api/events/{id}/replay",
    summary: "Replays one event: maps its payload again, and delivers the result.",
    answers: { 200: Replayed, 409: LeftAlone },
  },
  {
    method: "post",
    path: "/api/events/{id}/end",
    summary: "Ends a pending event as failed.",
    answers: { 200: Ended },
  },
  {
    method: "post",
    path: "/api/replay",
    summary: "Replays up to a hundred events that fit a filter, in the order in which they came.",
    body: fields("Replay", REPLAY_FIELDS),
    answers: { 200: ReplaySlice },
  },
  {
    method: "post",
    path: "/api/forget",
    summary:
      "Erases a person: looks into a slice of the kept payloads, and with the last one erases the rest.",
    body: fields("Forget", FORGET_FIELDS),
    answers: { 200: Forgotten },
  },
  {
    method: "get",
    path: "/api/status",
    summary: "Whether everything is set up, and what the operator should do.",
    query: z
      .object({
        ask: z
          .optional(z.enum(["dub"]))
          .check(about("dub: also ask Dub what the key may do; nothing is recorded there")),
      })
      .register(named, { id: "StatusQuery" }),
    answers: { 200: Status },
  },
  {
    method: "post",
    path: "/api/workbench",
    summary: "What a webhook becomes by a mapping file that need not be deployed. Nothing is stored or sent.",
    body: Trial,
    answers: { 200: Tried },
  },
  {
    method: "get",
    path: "/api/hours",
    summary: "Events by the hour, provider and reason.",
    query: fields("HoursQuery", ["since"]),
    answers: { 200: Hours },
  },
  {
    method: "get",
    path: "/api/days",
    summary: "Each day's delivered leads compared with Dub's list, of the last thirty days.",
    answers: { 200: Days },
  },
];
