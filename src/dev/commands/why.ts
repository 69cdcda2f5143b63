/** `npm run why -- <text>`: every event of a person, and what could explain that there is none. */
import { todoAt } from "../../admin/local.ts";
import {
  type Cause,
  causesOfNoClickId,
  causesOfNoEvent,
  isLead,
  isUnexplained,
  MAX_REJECTED,
} from "../../admin/no-lead.ts";
import { type ApiEvent, Status } from "../../admin/schema.ts";
import { workerAddress } from "../address.ts";
import { readAdmin, TOKEN_FROM } from "../admin.ts";
import { command, exitWith, jsonOption, run } from "../command.ts";
import { firstEvents } from "../filters.ts";
import { jsonText, minute, plain } from "../print.ts";

/** An event in a few lines. */
function story(event: ApiEvent, origin: string): string {
  const { id, receivedAt, provider, type, status, reason, means, todo, detail, warnings, lead, link } = event;
  const lines = [
    `${minute(receivedAt)}  ${provider}  ${plain(type ?? "(no type)")}  →  ${status} (${reason})`,
    `  ${means}.`,
    detail ? `  Detail: ${plain(detail)}` : "",
    /^nothing(:|$)/.test(todo) && status !== "pending" ? "" : `  What to do: ${todoAt(origin, todo)}.`,
    link
      ? `  Credited: ${plain(link.shortLink ?? link.id)}${link.partnerId ? `, partner ${plain(link.partnerId)}` : ""}`
      : "",
    lead?.clickId ? `  Click id: ${plain(lead.clickId)}` : "",
    ...warnings.map(({ field, did }) => `  Warning: ${field}: ${plain(did)}`),
    event.nextAttemptAt ? `  Next attempt: ${minute(event.nextAttemptAt)} UTC` : "",
    `  Event: ${id}`,
  ];
  return lines.filter((line) => line !== "").join("\n");
}

/** What could explain a lead that is missing. */
async function causes(events: ApiEvent[], to: string): Promise<Cause[]> {
  if (!isUnexplained(events)) return [];
  const status = await readAdmin(to, "/api/status", Status);
  if (events.length > 0) {
    const own = status.providers.filter((one) => events.some(({ provider }) => provider === one.provider));
    return causesOfNoClickId(own);
  }
  return causesOfNoEvent(status, await firstEvents(to, { status: ["rejected"] }, MAX_REJECTED));
}

async function why(text: string, to: string, asJson: boolean): Promise<number> {
  const found = await firstEvents(to, { find: text, related: true }, Number.POSITIVE_INFINITY);
  // The lead is often the first of many.
  const events = found.events.reverse();
  const lead = isLead(events);
  const explanations = (await causes(events, to)).map(({ says }) => says);
  if (asJson) console.log(jsonText({ lead, events, explanations }));
  else {
    console.log(
      events.length === 0
        ? "No event of it is kept."
        : events.map((one) => story(one, workerAddress(to))).join("\n\n"),
    );
    if (explanations.length > 0)
      console.log(
        `\nWhat could explain that there is no lead:\n${explanations.map((one) => `- ${one}`).join("\n")}`,
      );
  }
  return lead ? 0 : 1;
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
