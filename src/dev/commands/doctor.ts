/** `npm run doctor`: whether a Worker is set up, in a table with what to do. */
import { todoAt, toTurnOn } from "../../admin/local.ts";
import { type Check, Status } from "../../admin/schema.ts";
import { lastRefusal } from "../../admin/status.ts";
import { workerAddress } from "../address.ts";
import { readAdmin, TOKEN_FROM } from "../admin.ts";
import { command, exitWith, jsonOption, run } from "../command.ts";
import { ADMIN_TIMEOUT } from "../limits.ts";
import { table } from "../print.ts";
import { notThisWorker, request } from "../request.ts";
import { UserError } from "../user-error.ts";

/** What can be seen without a token: whether the Worker answers, and whether its database can be used. */
async function fromOutside(origin: string): Promise<Check> {
  const { status, text } = await request(`${origin}/`, {}, ADMIN_TIMEOUT);
  if (!text.startsWith("webhook-to-lead")) throw notThisWorker(origin, status, text);
  const [says = "", todo] = text
    .replace(/^webhook-to-lead: /, "")
    .trim()
    .split("\nWhat to do: ");
  return status === 200
    ? { what: "Worker", state: "ok", says: `answers at ${origin}` }
    : { what: "Worker", state: "problem", says, ...(todo && { todo }) };
}

function providerChecks({ providers }: Status): Check[] {
  return providers.map((one) => {
    const { provider: what, address, state, says, lastEventAt } = one;
    if (state === "off")
      return {
        what,
        state: "off",
        says: "is off",
        todo: `to turn it on, ${toTurnOn(one)}`,
      };
    if (state === "problem") return { what, state, says: says ?? "", todo: "correct it" };
    const refusal = lastRefusal(one);
    if (refusal)
      return {
        what,
        state: "problem",
        says: `the last webhook was refused at ${refusal.lastAt}: ${refusal.evidence}`,
        todo: refusal.todo,
      };
    return {
      what,
      state: "ok",
      says: lastEventAt
        ? `is on; last event ${lastEventAt}`
        : `is on; no event yet, send webhooks to ${address}`,
    };
  });
}

async function doctor(to: string, asJson: boolean): Promise<number> {
  const origin = workerAddress(to);
  const checks = [await fromOutside(origin)];
  try {
    const report = await readAdmin(origin, "/api/status?ask=dub", Status);
    checks.push(...report.checks, ...providerChecks(report));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    // The message says what to do.
    checks.push({ what: "admin API", state: "unknown", says: error.message.replace(/\.$/, "") });
  }
  if (asJson) console.log(JSON.stringify(checks, null, 2));
  else
    console.log(
      table(
        ["check", "state", "what is so, and what to do"],
        checks.map(({ what, state, says, todo }) => [
          what,
          state,
          todo ? `${says}. → ${todoAt(origin, todo)}` : says,
        ]),
        1,
      ),
    );
  return checks.every(({ state }) => state === "ok" || state === "off") ? 0 : 1;
}

export const program = command(
  "doctor",
  "Whether a Worker is set up: settings, secrets by name, database, cron, queue, Dub's key, each provider; with what to do.",
  { 0: "everything that is on works", 1: "something must be done" },
)
  .option("--to <address>", "address of the Worker", "http://localhost:8787")
  .addOption(jsonOption())
  .addHelpText("after", `\n${TOKEN_FROM}\nDub is asked what the key may do; nothing is recorded there.`)
  .action(exitWith(({ to, json }) => doctor(to, json ?? false)));

if (import.meta.main) void run(program);
