/** `npm run event -- <id>`: one event whole. */
import { todoAt } from "../../admin/local.ts";
import { ApiEventWhole } from "../../admin/schema.ts";
import { workerAddress } from "../address.ts";
import { readAdmin, TOKEN_FROM } from "../admin.ts";
import { command, exitWith, idsLast, jsonOption, run } from "../command.ts";
import { jsonText, plain, styled } from "../print.ts";

const second = (time: string) => time.slice(0, 19).replace("T", " ");

/** Names and values in two columns; what is null is left out. */
function listed(values: Record<string, unknown>): string {
  const rows = Object.entries(values).filter(([, value]) => value !== null && value !== undefined);
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows
    .map(
      ([name, value]) =>
        `  ${name.padEnd(width)}  ${plain(typeof value === "string" ? value : JSON.stringify(value))}`,
    )
    .join("\n");
}

function shown(event: ApiEventWhole, withPayload: boolean, origin: string): string {
  const { status, reason, means, todo, detail, warnings, story, lead, link, payload } = event;
  const parts = [
    [
      `${styled(status, status)} (${reason}): ${means}.`,
      ...(detail ? [`Detail: ${plain(detail)}`] : []),
      `What to do: ${todoAt(origin, todo)}.`,
      ...warnings.map(({ field, did }) => `Warning: ${field}: ${plain(did)}`),
    ].join("\n"),
    [
      "What happened (UTC)",
      ...story.map(({ at, says }) => `  ${at ? second(at) : " ".repeat(19)}  ${plain(says)}`),
    ].join("\n"),
    `Event\n${listed({
      id: event.id,
      provider: event.provider,
      type: event.type,
      "provider's id": event.eventId,
      "next attempt": event.nextAttemptAt && second(event.nextAttemptAt),
      "in doubt": event.doubt,
    })}`,
    lead && `Lead\n${listed(lead)}`,
    link && `Credited link\n${listed(link)}`,
    payload === null
      ? "Its payload is not kept any more, or was too large."
      : withPayload
        ? `Payload\n${jsonText(payload)}`
        : "--payload prints the payload, as the provider sent it.",
  ];
  return parts.filter((part) => part !== null).join("\n\n");
}

export const program = command(
  "event",
  "One event whole: its status and reason, what to do, what happened from the webhook to the last delivery attempt, the lead, and the payload.",
  { 0: "done" },
)
  .argument("<id>", "our id of the event")
  .option("--payload", "also print the payload: it has personal data, and may have credentials")
  .option("--to <address>", "address of the Worker", "http://localhost:8787")
  .addOption(jsonOption())
  .addHelpText("after", `\n${TOKEN_FROM}`)
  .action(
    exitWith(async (id, { to, payload: withPayload = false, json }) => {
      const event = await readAdmin(to, `/api/events/${encodeURIComponent(id)}`, ApiEventWhole);
      const { payload: _, ...rest } = event;
      console.log(json ? jsonText(withPayload ? event : rest) : shown(event, withPayload, workerAddress(to)));
      return 0;
    }),
  );

if (import.meta.main) void run(program, idsLast(process.argv.slice(2)));
