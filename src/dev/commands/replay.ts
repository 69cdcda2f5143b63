/** `npm run replay -- …`: counts what a replay of kept events would change; with `--yes` replays them. */
import type { Slice } from "../../replay/replay.ts";
import { askAdmin, readAdmin } from "../admin.ts";
import { command, exitWith, run } from "../command.ts";
import { table } from "../print.ts";
import { UserError } from "../user-error.ts";

type Wanted = { status?: string[]; reason?: string[]; provider?: string; since?: string; until?: string };

/** The words of an option that lists several. */
const words = (text: string): string[] => text.split(/[\s,]+/).filter((word) => word !== "");

async function replayIds(to: string, ids: string[]): Promise<number> {
  let wrong = 0;
  for (const id of ids) {
    const { status, body } = await askAdmin(to, `/api/events/${encodeURIComponent(id)}/replay`, {});
    if (![200, 404, 409].includes(status)) throw new UserError(`${status}: ${body.message}`);
    const became = body.became as { status: string; reason: string }[] | undefined;
    if (!became) wrong++;
    const what = became?.map(({ status, reason }) => `${status} (${reason})`).join(", ");
    console.log(`${id}  ${what ?? body.message}`);
  }
  return wrong === 0 ? 0 : 1;
}

async function replayAll(to: string, filter: Wanted, yes: boolean): Promise<number> {
  const counts = new Map<string, number>();
  const add = (cells: string[], events: number) => {
    const name = JSON.stringify(cells);
    counts.set(name, (counts.get(name) ?? 0) + events);
  };
  let leadKeys: string[] = [];
  for (let after: number | null = 0; after !== null; ) {
    const options = yes ? { after } : { after, dryRun: true, leadKeys: leadKeys.slice(-50_000) };
    const slice: Slice = await readAdmin<Slice>(to, "/api/replay", { ...filter, ...options });
    leadKeys = slice.leadKeys ?? [];
    for (const { status, reason, events } of slice.became) add([reason, status], events);
    for (const { message, events } of slice.left) add([message, "stays"], events);
    after = slice.next;
  }
  const rows = [...counts].map(([cells, events]) => [String(events), ...(JSON.parse(cells) as string[])]);
  if (rows.length === 0) console.log("No event fits.");
  else console.log(table(["events", "reason", yes ? "became" : "would become"], rows));
  if (!yes && rows.some((row) => row[2] !== "stays"))
    console.log("\nNothing is changed yet: --yes replays them.");
  return 0;
}

export const program = command(
  "replay",
  "Maps kept events again with today's mapping file, and delivers the result. By id: at once. By filter: counts what would change, and with --yes does it.",
  { 0: "done", 1: "an event of the ids given was not replayed" },
)
  .argument("[id...]", "events by id")
  .option("--status <names>", "events with these statuses, separated by commas", words)
  .option("--reason <names>", "events with these reasons, separated by commas", words)
  .option("--provider <name>", "events of this provider")
  .option(
    "--since <time>",
    "events that came at or after this time (UTC), such as 2026-11-01 or 2026-11-24T09:30:00Z",
  )
  .option("--until <time>", "events that came before this time (UTC)")
  .option("--yes", "replay them; without it they are only counted")
  .option("--to <address>", "address of the Worker", "http://localhost:8787")
  .addHelpText("after", "\nThe token is ADMIN_TOKEN of the environment or of .dev.vars.")
  .action(
    exitWith(async (ids, { to, yes, ...filter }) => {
      if (ids.length > 0 === Object.keys(filter).length > 0)
        throw new UserError(
          'Name ids, or say which events. "npm run replay -- --help" lists what can be given.',
        );
      return ids.length > 0 ? replayIds(to, ids) : replayAll(to, filter, yes ?? false);
    }),
  );

/** An id may begin with a dash, and is no option then. */
function afterOptions(args: string[]): string[] {
  const isDashed = (arg: string) => /^-[\w-]{21}$/.test(arg);
  return [...args.filter((arg) => !isDashed(arg)), "--", ...args.filter(isDashed)];
}

if (import.meta.main) void run(program, afterOptions(process.argv.slice(2)));
