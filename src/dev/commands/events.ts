/** `npm run events -- …`: kept events, newest first, as a table, JSON or CSV. */
import { writeEvents } from "../../admin/export.ts";
import type { ApiEvent } from "../../admin/schema.ts";
import { TOKEN_FROM } from "../admin.ts";
import { command, exitWith, jsonOption, run } from "../command.ts";
import { customerOf } from "../events.ts";
import { countOf, firstEvents, withFilters } from "../filters.ts";
import { jsonText, minute, table } from "../print.ts";
import { UserError } from "../user-error.ts";

const DEFAULT_LIMIT = 50;

function tableOf(events: ApiEvent[]): string {
  const rows = events.map((event) => [
    minute(event.receivedAt),
    event.provider,
    event.status,
    event.reason,
    event.type ?? "",
    customerOf(event),
    event.id,
  ]);
  return table(["came (UTC)", "provider", "status", "reason", "type", "customer", "event"], rows);
}

export const program = withFilters(
  command("events", "Kept events, newest first.", { 0: "done, also when no event fits" }),
)
  .option("--type <name>", "events of this type, as the provider names it")
  .option(
    "--find <text>",
    "events by an e-mail address, a customer id, a click id, the provider's delivery id, or an event's id; exact",
  )
  .option("--limit <count>", "at most so many events", countOf, DEFAULT_LIMIT)
  .option("--to <address>", "address of the Worker", "http://localhost:8787")
  .option("--csv", "print CSV, for spreadsheets")
  .addOption(jsonOption())
  .addHelpText("after", `\n${TOKEN_FROM}`)
  .action(
    exitWith(async ({ to, limit, csv, json, ...wanted }) => {
      if (csv && json) throw new UserError("Choose --csv or --json.");
      const { events, more } = await firstEvents(to, wanted, limit);
      if (json) console.log(jsonText({ events }));
      else if (csv) process.stdout.write(writeEvents(events, "csv"));
      else console.log(events.length === 0 ? "No event fits." : tableOf(events));
      if (more)
        console.error(`There can be more: raise --limit (${limit}), or name a time by --since and --until.`);
      return 0;
    }),
  );

if (import.meta.main) void run(program);
