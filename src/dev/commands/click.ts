/** `npm run click -- …`: tells a Worker which click a customer came with, as a site's server does. */
import { randomBytes } from "node:crypto";
import { isLocal } from "../../admin/local.ts";
import { ANSWERS, type AnswerCode } from "../../clicks/answers.ts";
import { CLICKS_TOKEN } from "../../clicks/proof.ts";
import { workerAddress } from "../address.ts";
import { command, exitWith, jsonOption, run } from "../command.ts";
import { MOMENT, parseMoment } from "../moment.ts";
import { tellClick } from "../samples/click.ts";
import { localClicksTokens, ownSecret } from "../samples/secrets.ts";
import { UserError } from "../user-error.ts";

type Options = {
  customer?: string | undefined;
  email?: string | undefined;
  click?: string | undefined;
  at?: string | undefined;
  to: string;
  json?: true | undefined;
};

async function click({ customer, email, click, at, to: address, json }: Options): Promise<number> {
  if (customer === undefined && email === undefined)
    throw new UserError("Say whose click it is: --customer <id>, --email <address>, or both.");
  const to = workerAddress(address);
  const clickId = click ?? randomBytes(8).toString("hex");
  const { status, answer } = await tellClick(to, tokensFor(to, address), {
    clickId,
    clickedAt: at === undefined ? undefined : parseMoment("--at", at),
    customerExternalId: customer,
    customerEmail: email,
  });
  if (json) console.log(JSON.stringify({ status, clickId, ...answer }));
  else if ("events" in answer) console.log(`The click ${clickId} is kept. ${becameOf(answer.events)}`);
  else console.log(`${status} ${answer.error}: ${answer.message}\nWhat to do: ${todoOf(answer.error)}`);
  return "events" in answer ? 0 : 1;
}

function becameOf(events: number): string {
  if (events === 0)
    return "No event waits for it: its sign-up may come yet, or the click does not count for it (npm run why says more).";
  const those = events === 1 ? "1 event becomes a lead" : `${events} events become leads`;
  return `By it ${those}: delivered within a minute, or after an hour if only the e-mail address fits.`;
}

const todoOf = (error: string) => ANSWERS[error as AnswerCode]?.todo ?? "see the Worker's log";

/** What is sent is sent over https only, except to this machine. */
function tokensFor(to: string, address: string): string {
  if (!to.startsWith("https:") && !isLocal(to))
    throw new UserError(`--to ${address}: the token is sent over https only.`);
  const text = isLocal(to) ? localClicksTokens() : ownSecret(CLICKS_TOKEN);
  if (text === undefined)
    throw new UserError(
      `No token for ${to}: set ${CLICKS_TOKEN} in the environment or in .dev.vars to the Worker's own.`,
    );
  return text;
}

export const program = command(
  "click",
  "Tells a Worker which click a customer came with, as your site's server does (docs/click-memory.md). A sign-up that lacks only the click becomes a lead by it, whether it came before or comes after.",
  { 0: "the click is kept", 1: "it is refused" },
)
  .option("--customer <id>", "the customer's id, as the mapping file gives it")
  .option("--email <address>", "an e-mail address that the customer has confirmed")
  .option("--click <id>", "the click id; without it one is made up, which the stand-in for Dub knows")
  .option(
    "--at <time>",
    `when your site first saw the click, ${MOMENT}; without it, a quarter of an hour ago is assumed`,
  )
  .option("--to <address>", "address of the Worker", "http://localhost:8787")
  .addOption(jsonOption())
  .addHelpText(
    "after",
    `
The token is ${CLICKS_TOKEN} of the environment or of .dev.vars, or the one that npm start makes up for this machine.

To see it work, while npm start runs:
  npm run send -- clerk organic --set data.id=user_1
  npm run click -- --customer user_1 --at -2d
  npm run why -- user_1`,
  )
  .action(exitWith((options) => click(options as Options)));

if (import.meta.main) void run(program);
