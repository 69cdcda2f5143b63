/** `npm run forget -- <customer id or e-mail>`: shows what the ledger has of a person, asks, and erases it. */
import { createInterface } from "node:readline/promises";
import { added } from "../../admin/forget.ts";
import { Forgotten } from "../../admin/schema.ts";
import { readAdmin, TOKEN_FROM } from "../admin.ts";
import { command, exitWith, jsonOption, run } from "../command.ts";
import { plain } from "../print.ts";

type Whom = { find: string; related: boolean };

/** All slices of a person, as one. */
async function forget(to: string, whom: Whom, dryRun: boolean): Promise<Forgotten> {
  const ask = (cursor: { cursor?: string }) =>
    readAdmin(to, "/api/forget", Forgotten, { ...whom, dryRun, ...cursor });
  let all = await ask({});
  while (all.next !== null) all = added(all, await ask({ cursor: all.next }));
  return all;
}

const some = (count: number, what: string) =>
  `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;
/** Whether the ledger has nothing of the person. */
const isNothing = (one: Forgotten) =>
  one.events + one.clicks + one.inDelivery.length + one.others.length === 0;
const isLeft = ({ inDelivery, others }: Forgotten) => inDelivery.length + others.length > 0;

function format(find: string, one: Forgotten): string {
  const { dryRun, customers, emails, events, clicks, inDelivery, others, searched, unsearched } = one;
  const known = [...customers, ...emails].map(plain).join(", ");
  const lines = [
    `Known as: ${known || plain(find)}.`,
    `${dryRun ? "Would be erased" : "Erased"}: ${some(events, "event")} (payload, lead, attempts), ${some(clicks, "remembered click")}.`,
    `Looked into ${some(searched, "kept payload")} for events that name the person and became no lead.`,
    unsearched.length > 0
      ? `Too short to be looked for in payloads: ${unsearched.map(plain).join(", ")}.`
      : "",
    inDelivery.length > 0
      ? `Left, since it is being delivered at this moment: ${inDelivery.join(", ")}. Run this again in a minute.`
      : "",
    others.length > 0
      ? `Left, since it is an event of somebody else that names the person: ${others.join(", ")}. Its payload goes after RETENTION_DAYS; "npm run event -- <id>" shows it.`
      : "",
  ];
  return lines.filter((line) => line !== "").join("\n");
}

/** What Dub has is the operator's to delete. */
function atDub({ customers }: Forgotten): string {
  const [id = "<customer id>"] = customers;
  const more = customers.length > 1 ? `, and so for ${some(customers.length - 1, "other id")}` : "";
  return `Dub still has the customer. Delete it there, in the dashboard under Customers, or by the API: DELETE https://api.dub.co/customers/ext_${plain(encodeURIComponent(id))}${more}.\nWhat stays here, and why: docs/privacy.md.`;
}

async function isConfirmed(): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question("Erase it? It can't be undone. [y/N] ")).trim());
  } finally {
    terminal.close();
  }
}

async function act(to: string, whom: Whom, yes: boolean, json: boolean): Promise<number> {
  const show = (one: Forgotten) => console.log(json ? JSON.stringify(one, null, 2) : format(whom.find, one));
  if (!yes) {
    const would = await forget(to, whom, true);
    show(would);
    if (isNothing(would)) return 0;
    if (json || !(process.stdin.isTTY && process.stderr.isTTY)) {
      if (!json) console.log("\nNothing is erased yet: --yes erases it.");
      return 1;
    }
    if (!(await isConfirmed())) {
      console.log("Nothing is erased.");
      return 1;
    }
  }
  const done = await forget(to, whom, false);
  show(done);
  if (!json) console.log(`\n${atDub(done)}`);
  return isLeft(done) ? 1 : 0;
}

export const program = command(
  "forget",
  "Erases what the Worker keeps of a person: events, delivery attempts, remembered clicks. Shows it first, and asks.",
  { 0: "nothing of the person is left", 1: "something is left, or was only shown" },
)
  .argument("<person>", "a customer id or an e-mail address")
  .option(
    "--no-related",
    "only what has this very id or address, not what the same person is known by otherwise",
  )
  .option("--yes", "erase without asking")
  .option("--to <address>", "address of the Worker", "http://localhost:8787")
  .addOption(jsonOption())
  .addHelpText("after", `\n${TOKEN_FROM}`)
  .action(
    exitWith((find, { to, related, yes, json }) => act(to, { find, related }, yes ?? false, json ?? false)),
  );

if (import.meta.main) void run(program);
