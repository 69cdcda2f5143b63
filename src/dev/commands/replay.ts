/** `npm run replay -- …`: counts what a replay of kept events would change; with `--yes` replays them. */
import type { Slice } from "../../replay/replay.ts";
import { command, exitWith, run } from "../command.ts";
import { ADMIN_TIMEOUT } from "../limits.ts";
import { table } from "../print.ts";
import { adminToken } from "../samples/secrets.ts";
import { UserError } from "../user-error.ts";

type Wanted = { status?: string[]; reason?: string[]; provider?: string; since?: string; until?: string };

/** The words of an option that lists several. */
const words = (text: string): string[] => text.split(/[\s,]+/).filter((word) => word !== "");

/** Posts to the admin API; throws a UserError with the Worker's own words unless the answer is among `fine`. */
async function post(to: string, path: string, body: object, fine = [200]): Promise<unknown> {
  const { protocol, hostname } = new URL(to);
  if (protocol !== "https:" && !["localhost", "127.0.0.1", "[::1]"].includes(hostname))
    throw new UserError(`--to ${to}: the token is sent over https only.`);
  let response: Response;
  let text: string;
  try {
    response = await fetch(`${to}${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${adminToken()}`, "content-type": "application/json" },
      body: JSON.stringify(body),
      redirect: "error",
      signal: AbortSignal.timeout(ADMIN_TIMEOUT),
    });
    text = await response.text();
  } catch (error) {
    throw new UserError(`Nothing answers at ${to} (${(error as Error).cause ?? (error as Error).message}).`);
  }
  if (response.status === 404 && /"not_found"/.test(text))
    throw new UserError(`${to} has no admin API: set the Worker secret ADMIN_TOKEN to turn it on.`);
  let json: { message?: string };
  try {
    json = JSON.parse(text);
  } catch {
    throw new UserError(
      `${to} answers ${response.status}, and not as this Worker does: ${text.slice(0, 200)}`,
    );
  }
  if (!fine.includes(response.status)) throw new UserError(`${response.status}: ${json.message ?? text}`);
  return json;
}

async function replayIds(to: string, ids: string[]): Promise<number> {
  let wrong = 0;
  for (const id of ids) {
    const answer = (await post(to, `/api/events/${encodeURIComponent(id)}/replay`, {}, [200, 404, 409])) as {
      became?: { status: string; reason: string }[];
      message?: string;
    };
    if (!answer.became) wrong++;
    const what = answer.became?.map(({ status, reason }) => `${status} (${reason})`).join(", ");
    console.log(`${id}  ${what ?? answer.message}`);
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
    const slice = (await post(to, "/api/replay", { ...filter, ...options })) as Slice;
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
      const address = to.replace(/\/+$/, "");
      return ids.length > 0 ? replayIds(address, ids) : replayAll(address, filter, yes ?? false);
    }),
  );

/** An id may begin with a dash, and is no option then. */
function afterOptions(args: string[]): string[] {
  const isDashed = (arg: string) => /^-[\w-]{21}$/.test(arg);
  return [...args.filter((arg) => !isDashed(arg)), "--", ...args.filter(isDashed)];
}

if (import.meta.main) void run(program, afterOptions(process.argv.slice(2)));
