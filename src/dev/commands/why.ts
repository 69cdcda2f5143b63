/** `npm run why -- <text>`: every event of a person, and what could explain that there is none. */
import { TOLD_BY } from "../../admin/click-story.ts";
import { type ApiEvent, ApiEventWhole, type ProviderStatus, Status } from "../../admin/schema.ts";
import { about, type Reason } from "../../states.ts";
import { readAdmin, TOKEN_FROM } from "../admin.ts";
import { command, exitWith, jsonOption, run } from "../command.ts";
import { firstEvents } from "../filters.ts";
import { jsonText, minute, plain } from "../print.ts";

const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? "" : "s"}`;
const sentence = (text: string) => text.trim().replace(/\.?$/, ".");

/** An event in a few lines. */
function story(event: ApiEvent): string {
  const { id, receivedAt, provider, type, status, reason, means, todo, detail, warnings, lead, link } = event;
  const lines = [
    `${minute(receivedAt)}  ${provider}  ${plain(type ?? "(no type)")}  →  ${status} (${reason})`,
    `  ${means}.`,
    detail ? `  Detail: ${plain(detail)}` : "",
    /^nothing(:|$)/.test(todo) && status !== "pending" ? "" : `  What to do: ${todo}.`,
    link
      ? `  Credited: ${plain(link.shortLink ?? link.id)}${link.partnerId ? `, partner ${plain(link.partnerId)}` : ""}`
      : "",
    lead?.clickId
      ? `  Click id: ${plain(lead.clickId)}${event.clickBy ? `, told by ${TOLD_BY[event.clickBy]}` : ""}`
      : "",
    ...warnings.map(({ field, did }) => `  Warning: ${field}: ${plain(did)}`),
    event.nextAttemptAt ? `  Next attempt: ${minute(event.nextAttemptAt)} UTC` : "",
    `  Event: ${id}`,
  ];
  return lines.filter((line) => line !== "").join("\n");
}

const NO_CLICK_ID =
  "None of these events has a click id: the visitor did not come by a Dub link, or the sign-up form does not pass it on (see the provider's README in mappings), or your site did not tell it.";

/** What click memory says of the newest event that lacks only a click. */
async function clickMemory(events: ApiEvent[], { clicks }: Status, to: string): Promise<string[]> {
  const waits = events.findLast(({ reason }) => about(reason).awaitsClick);
  if (!waits) return [];
  const whole = await readAdmin(to, `/api/events/${encodeURIComponent(waits.id)}`, ApiEventWhole);
  if (whole.clicks.length > 0)
    return whole.clicks.map(
      ({ by, toldAt, whyNot }) =>
        `Click memory: a click that ${TOLD_BY[by]} told ${minute(toldAt)} UTC does not count: ${whyNot}.`,
    );
  if (clicks.state === "on") return ["Click memory: no click was told for the customer."];
  return [`Click memory: ${sentence(clicks.says)}${clicks.todo ? ` What to do: ${clicks.todo}.` : ""}`];
}

/** What could explain a lead that is missing, a sentence each. An event that has a click id says itself why it is none. */
async function explanations(events: ApiEvent[], to: string): Promise<string[]> {
  if (events.some(({ lead }) => lead?.clickId)) return [];
  const status = await readAdmin(to, "/api/status", Status);
  if (events.length > 0) {
    const own = status.providers.filter((one) => events.some(({ provider }) => provider === one.provider));
    return [NO_CLICK_ID, ...(await clickMemory(events, status, to)), ...own.flatMap(ofProvider)];
  }
  const rejected = await firstEvents(to, { status: ["rejected"] }, 100);
  const unknown = rejected.events.filter(({ lead }) => !lead?.customerExternalId && !lead?.customerEmail);
  const said: string[] = [];
  for (const { what, state, says, todo } of status.checks)
    if (state === "problem") said.push(`${what}: ${says}. What to do: ${todo}.`);
  const on = status.providers.filter(({ state }) => state === "on");
  if (on.length === 0) said.push("No provider is on: no Worker secret of a provider is set.");
  for (const one of status.providers) said.push(...ofProvider(one));
  for (const { reason, count, lastAt, evidence, todo } of status.refusals)
    said.push(
      `${counted(count, "request")} to a wrong address (${reason}), the last ${minute(lastAt)} UTC: ${sentence(evidence)} What to do: ${todo}.`,
    );
  if (unknown.length > 0) {
    const [last] = unknown;
    const many = `${rejected.more ? "At least " : ""}${counted(unknown.length, "event")}`;
    said.push(
      `${many} rejected without saying whose, the last ${last && minute(last.receivedAt)} UTC (${last?.reason}, event ${last?.id}): it may be among them.`,
    );
  }
  said.push(
    status.keptSince === null
      ? "The ledger has no event yet."
      : `Data of persons is kept since ${minute(status.keptSince)} UTC: what ended before can't be found by name any more (RETENTION_DAYS).`,
    `Otherwise no webhook came: see at the provider whether it was sent, and whether the event type is subscribed. On are: ${on.map(({ provider }) => provider).join(", ") || "none"}.`,
  );
  return said;
}

function ofProvider({ provider, state, says, refusals, ignored }: ProviderStatus): string[] {
  const said: string[] = [];
  if (state === "problem") said.push(`${provider}: ${says}`);
  for (const { reason, count, lastAt, evidence, todo } of refusals)
    if (!(state === "off" && reason !== "provider_off"))
      said.push(
        `${provider}: ${counted(count, "webhook")} refused (${reason}), the last ${minute(lastAt)} UTC: ${sentence(evidence)} What to do: ${todo}.`,
      );
  const types = ignored.map(({ type, count }) => `${type} (${count})`).join(", ");
  if (types !== "")
    said.push(
      `${provider}: no rule of its mapping file takes events of type ${types}. If one is a sign-up, add it to \`leads\`.`,
    );
  return said;
}

/** Dub has the lead, from here or from another sender. */
const AT_DUB: Reason[] = ["recorded", "recorded_unconfirmed", "duplicate_at_dub"];

async function why(text: string, to: string, asJson: boolean): Promise<number> {
  const found = await firstEvents(to, { find: text, related: true }, Number.POSITIVE_INFINITY);
  // The lead is often the first of many.
  const events = found.events.reverse();
  const isLead = events.some(({ reason }) => AT_DUB.includes(reason));
  const could = isLead ? [] : await explanations(events, to);
  if (asJson) console.log(jsonText({ lead: isLead, events, explanations: could }));
  else {
    console.log(events.length === 0 ? "No event of it is kept." : events.map(story).join("\n\n"));
    if (could.length > 0)
      console.log(
        `\nWhat could explain that there is no lead:\n${could.map((one) => `- ${one}`).join("\n")}`,
      );
  }
  return isLead ? 0 : 1;
}

export const program = command(
  "why",
  "Why a sign-up became a lead, or did not: every event of a person in order of time, and what could explain a lead that is missing.",
  { 0: "Dub has a lead", 1: "Dub has none (yet), as far as is known here" },
)
  .argument(
    "<text>",
    "an e-mail address, a customer id, a click id, the provider's delivery id, or an event's id; the other events of the persons found are shown, too",
  )
  .option("--to <address>", "address of the Worker", "http://localhost:8787")
  .addOption(jsonOption())
  .addHelpText("after", `\n${TOKEN_FROM}`)
  .action(exitWith((text, { to, json }) => why(text, to, json ?? false)));

if (import.meta.main) void run(program);
