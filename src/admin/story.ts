/** The story of an event in sentences, from what the ledger keeps of it; pure, so that every sentence can be tested. */
import type { Lead } from "../lead.ts";
import type { Pause } from "../ledger/pauses.ts";
import type { AttemptRow, FoundEvent, FoundRow, WholeRow } from "../ledger/search.ts";
import { about, type Reason } from "../states.ts";
import { DAY, HOUR, MINUTE, SECOND } from "../time.ts";
import type { Verify } from "../verify/schemes.ts";
import { exact, quoted, type Wording, wordingOf } from "./marked.ts";

/** `at`: milliseconds since 1970; null: when is not kept, or it is not over. `event`: another event it is about. */
export type StoryStep = Wording & { at: number | null; attempt?: true; event?: string };
/** A step whose sentence has its marks. */
type Step = Omit<StoryStep, "marked">;

/** Which rule of today's mapping file takes the event. */
export type RuleNow =
  | { kind: "taken"; index: number; on: string[]; when: string | undefined }
  | { kind: "none" }
  | { kind: "unknown"; why: string };

/** What delivery goes by today; `problem`: why it can't run at all. */
export type DeliveryNow = { schedule: readonly number[]; pause: Pause | null } | { problem: string };

/** The link that Dub credited. */
type Link = { shortLink?: string | null; id: string; partnerId?: string | null };

/** The event that holds the lead key of another one. */
export type Holder = Pick<FoundRow, "id" | "status" | "reason"> & { link: Link | null };

export type StoryOf = FoundEvent & {
  now: number;
  lead: Partial<Lead> | null;
  link: Link | null;
  warnings: { field: string; did: string }[];
  /** The event that holds the lead key of this one. */
  holder: Holder | null;
  /** Of today's mapping file; null: it can't be used. */
  provider: { name: string; verify: Verify; secret: string } | null;
  rule: RuleNow;
  delivery: DeliveryNow;
  /** What click memory says of it. */
  clicks: Step[];
};

/** Attempts that are told; the newest. */
const MAX_ATTEMPTS = 20;
const MAX_WARNINGS = 20;

/** The story, from the webhook to what comes next. */
export function storyOf(story: StoryOf): StoryStep[] {
  return stepsOf(story).map(({ says, ...step }) => ({ ...step, ...wordingOf(says) }));
}

function stepsOf(story: StoryOf): Step[] {
  const { row } = story;
  const untimed = (says: string): Step => ({ at: null, says });
  return [
    { at: row.receivedAt, says: received(story) },
    untimed(verified(story)),
    untimed(ruled(story)),
    ...mapped(story).map(untimed),
    ...story.clicks,
    ...tried(story),
    ...unsettled(story).map(untimed),
    ...doubted(story).map(untimed),
    ...ended(story),
    ...atDub(story),
    ...(row.status === "pending" ? [untimed(next(story))] : []),
  ];
}

/** A reason's `means` or `todo` as a sentence. */
export function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
}

/** A time in words, in UTC. */
export const moment = (at: number) => `${new Date(at).toISOString().slice(0, 19).replace("T", " ")} UTC`;

/** A length of time in words. */
export function duration(time: number): string {
  const [unit, name] = (
    [
      [DAY, "day"],
      [HOUR, "hour"],
      [MINUTE, "minute"],
      [SECOND, "second"],
    ] as const
  ).find(([one]) => time >= one) ?? [1, "millisecond"];
  const count = Math.round((time / unit) * 10) / 10;
  return `${count} ${name}${count === 1 ? "" : "s"}`;
}

/** Whether retention has removed what the event held. */
export const isBlanked = (row: Pick<WholeRow, "eventId">) => row.eventId === null;

function received({ row, provider }: StoryOf): string {
  const of =
    row.type === null ? "an event whose type could not be read" : `an event of type ${quoted(row.type)}`;
  const from = `${provider?.name ?? row.provider} sent a webhook with ${of}.`;
  if (isBlanked(row))
    return `${from} Its payload, its lead, its id at the provider, the details and the attempts were removed: at the end of the retention time (RETENTION_DAYS), or when the person was forgotten. Status and reason stay.`;
  const id = row.eventId?.startsWith("sha256:")
    ? "Neither the mapping file nor the webhook names an id for it, so a hash of its content recognises it when it is sent again."
    : `The provider's id for it is ${quoted(row.eventId ?? "")}; when it is sent again, nothing happens twice.`;
  const size = row.payload === null ? " Its payload was too large to be kept (over 1 MB)." : "";
  return `${from} ${id}${size}`;
}

const PROOFS: Record<Verify["scheme"], string> = {
  "standard-webhooks": "its signature (Standard Webhooks) matched the secret",
  stripe: "its Stripe signature matched the secret",
  hmac: "its HMAC signature matched the secret",
  token: "it carried the secret itself",
};

function verified({ provider }: StoryOf): string {
  const only = "A webhook that is not is refused and leaves no event.";
  if (!provider)
    return `It was proved genuine when it came. ${only} By which scheme can't be said: the mapping file can't be used now.`;
  const { verify, secret } = provider;
  const header = verify.scheme === "token" ? ` in the header ${verify.header}` : "";
  return `It is genuine: ${PROOFS[verify.scheme]} ${secret}${header} (scheme ${verify.scheme} of today's mapping file; the ledger keeps no more). ${only}`;
}

function ruled({ rule }: StoryOf): string {
  switch (rule.kind) {
    case "unknown":
      return `Which rule of the mapping file took it can't be said now: ${rule.why}.`;
    case "none":
      return "No rule of today's mapping file takes it: the file was changed since it came.";
    case "taken": {
      const on = rule.on.map((one) => exact(one)).join(" or ");
      const when = rule.when === undefined ? "" : `, when ${exact(rule.when)}`;
      return `Rule ${rule.index + 1} of today's mapping file takes it (leads[${rule.index}], asked again just now): on ${on}${when}.`;
    }
  }
}

/** What the mapping made of it, and what was repaired. */
function mapped({ row, lead, warnings }: StoryOf): string[] {
  const says = leadSentence(row, lead);
  const shown = warnings
    .slice(0, MAX_WARNINGS)
    .map(({ field, did }) => `Warning about ${field}: ${exact(did)}.`);
  const more = warnings.length - shown.length;
  return [
    ...(says === undefined ? [] : [says]),
    ...shown,
    ...(more > 0 ? [`And ${more} more warnings.`] : []),
  ];
}

function leadSentence(row: WholeRow, lead: Partial<Lead> | null): string | undefined {
  if (isBlanked(row)) return undefined;
  const byMapping = about(row.reason).by === "mapping" && row.status !== "pending";
  const whose = [
    lead?.customerExternalId !== undefined && `customer ${quoted(lead.customerExternalId)}`,
    lead?.customerEmail !== undefined && `e-mail ${quoted(lead.customerEmail)}`,
    lead?.clickId && row.clickBy === null && `click id ${quoted(lead.clickId)}`,
  ].filter(Boolean);
  if (byMapping) {
    const known =
      whose.length > 0 ? ` It can be found by what could be read of it: ${whose.join(", ")}.` : "";
    return `The mapping made no lead of it to deliver.${known}`;
  }
  if (lead === null)
    return row.lead === null
      ? undefined
      : "Its lead in the ledger is no JSON object: the row was changed by hand.";
  const click = row.clickBy
    ? ", without a click id in the webhook"
    : lead.clickId
      ? ""
      : ", without a click id: Dub is to use the click of the customer, if it knows one";
  const mode =
    lead.mode === "deferred"
      ? " Its mode is deferred: it only registers the customer, and counts nothing."
      : "";
  return `The mapping made the lead ${quoted(lead.eventName ?? "")} of it, for ${whose.join(", ")}${click}.${mode}`;
}

const ASKED: Record<string, string> = {
  register: "Dub was asked to register the customer with the click, which counts nothing yet",
  record: "Dub was asked to record the lead, which counts it",
};

/** The delivery attempts and the last replay, by their time. */
function tried({ row, attempts }: StoryOf): Step[] {
  const told = attempts.slice(-MAX_ATTEMPTS);
  const more = attempts.length - told.length;
  const steps: Step[] = told.map((one) => ({ at: one.at, says: attemptSentence(one), attempt: true }));
  if (row.replayedAt !== null)
    steps.push({
      at: row.replayedAt,
      says: "It was replayed. (Earlier replays are not kept; the lead and the warnings are those of now.)",
    });
  steps.sort((a, b) => (a.at ?? 0) - (b.at ?? 0));
  return more > 0
    ? [{ at: null, says: `${more} earlier attempt${more === 1 ? " is" : "s are"} left out here.` }, ...steps]
    : steps;
}

function attemptSentence({ phase, httpStatus, message, milliseconds, reason }: AttemptRow): string {
  const said = message === null ? "" : `, ${quoted(message)}`;
  const answer =
    httpStatus === null
      ? `There was no answer${said}, after ${duration(milliseconds)}`
      : `The answer was ${httpStatus}${said}, after ${duration(milliseconds)}`;
  return `${ASKED[phase] ?? `Dub was asked (${exact(phase)})`}. ${answer}. That means: ${about(reason).means}.`;
}

/** Deliveries that were begun and of which no result is kept. */
function unsettled({ row, now }: StoryOf): string[] {
  if (row.leaseUntil > now)
    return [`It is being delivered at this moment: the result is expected by ${moment(row.leaseUntil)}.`];
  if (row.claims === 0) return [];
  const [times, was] = row.claims === 1 ? ["One delivery", "was"] : [`${row.claims} deliveries`, "were"];
  return [
    `${times} ${was} begun and the result was never stored: the Worker was stopped, or the ledger could not be written. Dub may have the lead, so the next delivery asks first whether Dub lists it.`,
  ];
}

function doubted({ row }: StoryOf): string[] {
  if (row.doubt === null) return [];
  const since = row.doubtSince === null ? "" : ` since ${moment(row.doubtSince)}`;
  const cause =
    row.doubt === "unknown"
      ? "the answer to a call that records the lead was lost, so nobody knows whether Dub has it"
      : "Dub answered that a recording call failed, and may refuse the same lead for seven days all the same";
  const then =
    row.status === "pending"
      ? "Before it is recorded again, Dub is asked whether it lists the lead, so that it is not counted twice."
      : "Meanwhile no other event of the same customer and event name is delivered, unless the rule says once: event. A replay asks Dub first whether it lists the lead.";
  return [`The lead is in doubt${since}: ${cause}. ${then}`];
}

/** How it ended; nothing while it is pending. */
function ended({ row, link, holder }: StoryOf): Step[] {
  const { means } = about(row.reason);
  switch (row.status) {
    case "pending":
      return [];
    case "delivered":
      return [{ at: row.deliveredAt, says: deliveredSentence(row, link) }];
    case "duplicate":
      return [
        row.reason === "duplicate_at_dub"
          ? { at: null, says: `It is a duplicate: ${means}. Nothing was counted twice.` }
          : holder === null
            ? { at: null, says: `It is a duplicate: ${means}.` }
            : { at: null, says: `It is a duplicate. ${holderSentence(holder)}`, event: holder.id },
      ];
    default: {
      const detail = row.detail === null ? "" : ` In detail: ${quoted(row.detail)}.`;
      return [{ at: null, says: `It ended as ${row.status}: ${means}.${detail}` }];
    }
  }
}

/** What became of the event that holds the lead key of a duplicate. */
export function holderSentence({ id, status, reason, link }: Holder): string {
  const of = `Another event with the same customer and event name, ${exact(id)},`;
  if (status === "delivered" && link !== null) return `${of} is delivered: Dub credited${linkWords(link)}.`;
  const is = `${of} is ${status === "duplicate" ? "a duplicate" : status} (${reason}): ${about(reason).means}.`;
  return status === "delivered" || status === "duplicate"
    ? is
    : `${is} If it ends without a lead, the oldest duplicate is delivered instead.`;
}

function linkWords(link: Link): string {
  const partner = link.partnerId ? `, of the partner ${exact(link.partnerId)}` : "";
  return ` the link ${exact(link.shortLink ?? link.id)}${partner}`;
}

const WHAT_DUB_SAYS = {
  listed: "Dub's list or webhook has the lead",
  link_deleted: "Dub does not list the lead any more, since its link was deleted there",
  customer_deleted: "Dub does not know the customer any more: it was deleted there, and is not made again",
  unclear: "Dub does not list the lead, and why can't be told: the link of its click may be deleted",
};
/** A click is told to be later than the sign-up from this difference on: the clocks differ. */
const LATER = MINUTE;

/** What Dub's list and its webhook say of the lead. */
function atDub({ row }: StoryOf): Step[] {
  if (row.atDub === null) return [];
  const other =
    row.dubClick === null
      ? ""
      : `, credited to the click ${quoted(row.dubClick)}${row.lead === null ? "" : ", which is not the lead's own"}`;
  const { clickedAt, receivedAt } = row;
  const made = clickedAt === null ? "" : ` That click was made at ${moment(clickedAt)}`;
  const late =
    clickedAt !== null && clickedAt > receivedAt + LATER
      ? ", after the sign-up: it did not bring the customer. See docs/reconciliation.md."
      : made && ".";
  return [{ at: row.atDubSince, says: `${WHAT_DUB_SAYS[row.atDub]}${other}.${made}${late}` }];
}

function deliveredSentence(row: WholeRow, link: StoryOf["link"]): string {
  const to = link ? linkWords(link) : "";
  const how = row.deliveredBy === "single" ? " The setting DUB_DELIVERY was single." : "";
  if (row.reason === "customer_registered")
    return `It was delivered: Dub keeps the customer${to && ` with${to}`}, and counts no lead yet.`;
  if (row.reason === "recorded_unconfirmed")
    return `It counts as delivered, without proof: ${about(row.reason).means}.`;
  return to
    ? `It was delivered: Dub credited${to}.${how}`
    : `It was delivered: Dub has the lead, and named no link for it.${how}`;
}

/** When it is tried next, and why then. */
function next({ row, now, delivery, attempts }: StoryOf): string {
  if (row.leaseUntil > now) return "What comes next is decided by the answer of this delivery.";
  if ("problem" in delivery)
    return `Nothing is delivered until a setting is corrected: ${delivery.problem} Then it goes on by itself.`;
  const { pause } = delivery;
  const at = row.nextAttemptAt ?? now;
  if (pause && pause.until >= at) {
    const sooner = pause.name === "setting" ? ", or at once when DUB_API_KEY or DUB_API_URL is changed" : "";
    const first = pause.name === "rate_limit" ? "" : " One lead is tried before all others then.";
    return `All deliveries wait until ${moment(pause.until)}${sooner}: ${about(pause.reason).means}. It is tried after that.${first}`;
  }
  if (at <= now)
    return `It is due since ${moment(at)}: the queue brings it to Dub in seconds, or cron within a minute or a few when many are due.`;
  return `The next attempt is due at ${moment(at)}, in ${duration(at - now)}: ${whyThen(row, delivery.schedule, attempts)}.`;
}

/** Why the next attempt is due when it is, for the reasons that can wait. */
function whyThen(row: WholeRow, schedule: readonly number[], attempts: AttemptRow[]): string {
  const step = schedule[row.retries - 1];
  const byRetries =
    step === undefined || row.retries === 0
      ? "by the retry schedule (RETRY_SCHEDULE)"
      : `wait ${row.retries} of ${schedule.length} of the retry schedule (RETRY_SCHEDULE) is ${duration(step * SECOND)}, and up to a tenth more`;
  const until =
    attempts.at(-1)?.reason === row.reason ? "" : ", or by a pause of all deliveries that ends then";
  switch (row.reason as Reason) {
    case "rate_limited":
      return "Dub's rate limit counts over a minute, and that window has ended then";
    case "unconfirmed":
      return "Dub lists a lead within an hour after it has recorded it, so it is asked again after one; while the workspace is over its events limit, Dub lists nothing and is asked every six hours";
    case "dedup_blocked":
      return "Dub forgets after seven days that it has seen the lead, and an hour is added to be sure. Then Dub is asked whether it lists the lead, and if not it is recorded";
    case "customer_not_known_yet":
      return "while another lead of the customer is pending here, it is tried every ten minutes; otherwise by the retry schedule for about fifteen minutes, then it is skipped. It is tried at once when another lead of the customer is delivered";
    case "click_not_found_yet":
      return `${byRetries}. After the last wait, or about two hours if the click id does not look like one of Dub, it is rejected; while Dub accepts no lead at all, it is tried each hour instead, for 30 days at most`;
    case "dub_address":
      return `${byRetries}${until}. After the last wait it fails; while Dub accepts no lead at all, it is tried each hour instead, for 30 days at most`;
    case "dub_key_missing":
    case "dub_key_refused":
    case "dub_plan_or_role":
    case "dub_workspace":
      return "with a wrong setting one lead asks again each hour, and all others follow when Dub answers it. It goes on at once when DUB_API_KEY or DUB_API_URL is changed";
    default:
      return `${byRetries}${until}. After the last wait it fails`;
  }
}
