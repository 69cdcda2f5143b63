/** What could explain that there is no lead: one list for the pages and for `npm run why`; pure. */
import type { Reason } from "../states.ts";
import { exact, type Wording, wordingOf } from "./marked.ts";
import type { ApiEvent, ProviderStatus, Status } from "./schema.ts";
import { moment } from "./story.ts";

/** A cause that is possible, and the page that shows more of it. */
export type Cause = Wording & { see?: { name: string; href: string } };

/** What is known of a provider's webhooks. */
export type ProviderTrouble = Pick<ProviderStatus, "provider" | "state" | "says" | "refusals" | "ignored">;

/** The newest rejected events; `more`: there can be others. */
export type Rejected = { events: ApiEvent[]; more: boolean };
/** Rejected events that are looked at. */
export const MAX_REJECTED = 100;

/** Dub has the lead, from here or from another sender. */
const AT_DUB: Reason[] = ["recorded", "recorded_unconfirmed", "duplicate_at_dub"];

/** Whether one of the events shows that Dub has the lead. */
export const isLead = (events: Pick<ApiEvent, "reason">[]) =>
  events.some(({ reason }) => AT_DUB.includes(reason));

/** Whether the providers' state can explain why these events of a person are no lead: else an event says itself why. */
export const isUnexplained = (events: Pick<ApiEvent, "reason" | "lead">[]) =>
  !isLead(events) && !events.some(({ lead }) => lead?.clickId);

const OVERVIEW = { name: "Overview", href: "/admin" };
const PROVIDERS = { name: "Providers", href: "/admin#providers" };

/** For a person of whom events are kept, none with a click id. `providers`: of these events. */
export function causesOfNoClickId(providers: ProviderTrouble[]): Cause[] {
  return [
    cause(
      "None of this person's events carries a click id: the visitor did not come by a Dub link, or the sign-up form does not pass it on (see the provider's README in mappings).",
    ),
    ...providers.flatMap((one) => causesAt(one)),
  ];
}

/** For a text by which no event is found. */
export function causesOfNoEvent(status: Status, rejected: Rejected): Cause[] {
  const { checks, providers, refusals, keptSince } = status;
  const on = providers.filter(({ state }) => state === "on").map(({ provider }) => provider);
  const unknown = rejected.events.filter(({ lead }) => !lead?.customerExternalId && !lead?.customerEmail);
  const [last] = unknown;
  const causes = [
    cause(
      "It is no e-mail address, customer id, click id or event id: names, links and partners are not searched. Ids are exact, with upper and lower case.",
    ),
  ];
  for (const { what, state, says, todo = "" } of checks)
    if (state === "problem") causes.push(cause(`${what}: ${says}.${toDo(todo)}`, OVERVIEW));
  if (on.length === 0)
    causes.push(cause("No provider is on: no Worker secret of a provider is set.", PROVIDERS));
  for (const one of providers) causes.push(...causesAt(one));
  for (const refusal of refusals)
    causes.push(
      cause(
        `${counted(refusal.count, "request")} to a wrong address (${refusal.reason}), ${evidenceOf(refusal)}`,
        OVERVIEW,
      ),
    );
  if (last) {
    const many = `${rejected.more ? "At least " : ""}${counted(unknown.length, "event")}`;
    causes.push(
      cause(
        `${many} rejected without saying whose, the last at ${time(last.receivedAt)} (${last.reason}, event ${last.id}): it may be among them.`,
        { name: "Rejected events", href: "/admin/events?status=rejected" },
      ),
    );
  }
  causes.push(
    cause(
      keptSince === null
        ? "The ledger has no event yet."
        : `Data of persons is kept since ${time(keptSince)}: what ended before can't be found by name any more (RETENTION_DAYS).`,
    ),
    cause(
      `Otherwise no webhook came: see at the provider whether it was sent, and whether the event type is subscribed. On are: ${on.join(", ") || "none"}.`,
      PROVIDERS,
    ),
  );
  return causes;
}

/** Ignored types of a provider that are named. */
const MAX_TYPES = 10;

/** What happened to a provider's webhooks that left no event. */
function causesAt({ provider, state, says = "", refusals, ignored }: ProviderTrouble): Cause[] {
  const causes: Cause[] = [];
  if (state === "problem") causes.push(cause(`${provider}: ${exact(withStop(says), 500)}`, PROVIDERS));
  for (const refusal of refusals)
    if (!(state === "off" && refusal.reason !== "provider_off"))
      causes.push(
        cause(
          `${provider}: ${counted(refusal.count, "webhook")} refused (${refusal.reason}), ${evidenceOf(refusal)}`,
          PROVIDERS,
        ),
      );
  const types = ignored.slice(0, MAX_TYPES).map(({ type, count }) => `${exact(type, 100)} (${count})`);
  if (ignored.length > MAX_TYPES) types.push(`and ${ignored.length - MAX_TYPES} other types`);
  if (types.length > 0)
    causes.push(
      cause(
        `${provider}: no rule of its mapping file takes events of type ${types.join(", ")}. If one is a sign-up, add it to \`leads\`.`,
        PROVIDERS,
      ),
    );
  return causes;
}

function evidenceOf({ lastAt, evidence, todo }: ProviderStatus["refusals"][number]): string {
  return `the last at ${time(lastAt)}: ${exact(withStop(evidence))}${toDo(todo)}`;
}

const cause = (marked: string, see?: Cause["see"]): Cause => ({ ...wordingOf(marked), ...(see && { see }) });
const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? "" : "s"}`;
const time = (iso: string) => moment(Date.parse(iso));
const toDo = (todo: string) => (todo === "" ? "" : ` What to do: ${todo}.`);
/** The beginning of a text with a full stop at its end. */
const withStop = (text: string) => text.trim().replace(/\.?$/, ".");
