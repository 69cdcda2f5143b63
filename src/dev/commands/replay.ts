/** `npm run replay -- …`: counts what a replay of kept events would change; with `--yes` replays them. */
import { parseArgs } from "node:util";
import type { Slice } from "../../replay/replay.ts";
import { main, providers, UserError } from "../files.ts";
import { ADMIN_TIMEOUT } from "../limits.ts";
import { table } from "../print.ts";
import { adminToken } from "../samples/secrets.ts";

const USAGE = `npm run replay -- <id> ... | [--status failed,rejected] [--reason unknown_click] [--provider ${providers()[0]}]
                    [--since 2026-11-01] [--until 2026-11-24T09:30:00Z] [--yes] [--to http://localhost:8787]
  <id>      an event's id, replayed at once
  --status, --reason, --provider, --since, --until
            which events: all that fit each of them; --since and --until are when the webhook came (UTC)
  --yes     replay them; without it they are only counted
  --to      address of the Worker
  The token is ADMIN_TOKEN of the environment or of .dev.vars.`;

type Wanted = { status?: string[]; reason?: string[]; provider?: string; since?: string; until?: string };

function options() {
  const text = { type: "string" } as const;
  // An id may begin with a dash, and is no option then.
  const [dashed, args] = [true, false].map((is) =>
    process.argv.slice(2).filter((arg) => /^-[\w-]{21}$/.test(arg) === is),
  ) as [string[], string[]];
  try {
    const { positionals, values } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        status: text,
        reason: text,
        provider: text,
        since: text,
        until: text,
        to: { type: "string", default: "http://localhost:8787" },
        yes: { type: "boolean", default: false },
      },
    });
    const { to, yes, status, reason, ...rest } = values;
    const ids = [...positionals, ...dashed];
    const list = (name: "status" | "reason") => {
      const given = values[name]?.split(/[\s,]+/).filter((word) => word !== "");
      return given === undefined ? {} : { [name]: given };
    };
    const filter: Wanted = { ...rest, ...list("status"), ...list("reason") };
    if (ids.length > 0 === Object.keys(filter).length > 0) throw new Error("Name ids, or say which events.");
    return { ids, filter, to: to.replace(/\/+$/, ""), yes };
  } catch (error) {
    throw new UserError(`${(error as Error).message}\n${USAGE}`);
  }
}

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

await main(async () => {
  const { ids, filter, to, yes } = options();
  return ids.length > 0 ? replayIds(to, ids) : replayAll(to, filter, yes);
});
