/** `npm run replay -- …`: counts what a replay of kept events would change; with `--yes` replays them. */
import { Replayed, ReplaySlice } from "../../admin/schema.ts";
import { askAdmin, fitting, readAdmin, TOKEN_FROM } from "../admin.ts";
import { command, exitWith, idsLast, jsonOption, run } from "../command.ts";
import { type Wanted, withFilters } from "../filters.ts";
import { table } from "../print.ts";
import { UserError } from "../user-error.ts";

type Done = { id: string; error?: string; message?: string } & Partial<Replayed>;
type Counted = Pick<ReplaySlice, "dryRun" | "became" | "left">;

async function replayId(to: string, id: string): Promise<Done> {
  const { status, body } = await askAdmin(to, `/api/events/${encodeURIComponent(id)}/replay`, {});
  if (![200, 404, 409].includes(status)) throw new UserError(`${status}: ${body.message}`);
  return { id, ...(status === 200 ? fitting(to, Replayed, body) : body) };
}

/** Events that changed in the same way are counted together, over all slices. */
async function replayAll(to: string, filter: Wanted, yes: boolean): Promise<Counted> {
  const became = new Map<string, Counted["became"][number]>();
  const left = new Map<string, Counted["left"][number]>();
  let leadKeys: string[] = [];
  for (let after: number | null = 0; after !== null; ) {
    const options = yes ? { after } : { after, dryRun: true, leadKeys: leadKeys.slice(-50_000) };
    const slice: ReplaySlice = await readAdmin(to, "/api/replay", ReplaySlice, { ...filter, ...options });
    leadKeys = slice.leadKeys ?? [];
    for (const group of slice.became) add(became, `${group.status} ${group.reason}`, group);
    for (const group of slice.left) add(left, group.why, group);
    after = slice.next;
  }
  return { dryRun: !yes, became: [...became.values()], left: [...left.values()] };
}

function add<T extends { events: number }>(groups: Map<string, T>, key: string, group: T): void {
  const before = groups.get(key);
  groups.set(key, { ...group, events: group.events + (before?.events ?? 0) });
}

function formatCounted({ dryRun, became, left }: Counted): string {
  const rows = [
    ...became.map(({ events, reason, status }) => [String(events), reason, status]),
    ...left.map(({ events, message }) => [String(events), message, "stays"]),
  ];
  if (rows.length === 0) return "No event fits.";
  const counted = table(["events", "reason", dryRun ? "would become" : "became"], rows);
  return dryRun && became.length > 0 ? `${counted}\n\nNothing is changed yet: --yes replays them.` : counted;
}

export const program = withFilters(
  command(
    "replay",
    "Maps kept events again with today's mapping file, and delivers the result. By id: at once. By filter: counts what would change, and with --yes does it.",
    { 0: "done", 1: "an event of the ids given was not replayed" },
  ),
)
  .argument("[id...]", "events by id")
  .option("--yes", "replay them; without it they are only counted")
  .option("--to <address>", "address of the Worker", "http://localhost:8787")
  .addOption(jsonOption())
  .addHelpText("after", `\n${TOKEN_FROM}`)
  .action(
    exitWith(async (ids, { to, yes, json, ...filter }) => {
      if (ids.length > 0 === Object.keys(filter).length > 0)
        throw new UserError(
          'Name ids, or say which events. "npm run replay -- --help" lists what can be given.',
        );
      if (ids.length === 0) {
        const counted = await replayAll(to, filter, yes ?? false);
        console.log(json ? JSON.stringify(counted, null, 2) : formatCounted(counted));
        return 0;
      }
      const replayed: Done[] = [];
      for (const id of ids) {
        const one = await replayId(to, id);
        replayed.push(one);
        const what = one.became?.map(({ status, reason }) => `${status} (${reason})`).join(", ");
        if (!json) console.log(`${id}  ${what ?? one.message}`);
      }
      if (json) console.log(JSON.stringify({ events: replayed }, null, 2));
      return replayed.every(({ became }) => became) ? 0 : 1;
    }),
  );

if (import.meta.main) void run(program, idsLast(process.argv.slice(2)));
