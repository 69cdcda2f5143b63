/** `npm run send -- <provider> [sample]`: signs a sample, posts it, and says what became of it. */
import { todoAt } from "../../admin/local.ts";
import { SECOND } from "../../time.ts";
import { inspect } from "../../verify/schemes.ts";
import { workerAddress } from "../address.ts";
import { TOKEN_FROM } from "../admin.ts";
import { command, exitWith, jsonOption, repeated, run } from "../command.ts";
import { advice, becameLeads, EVENT_COLUMNS, eventRows, shownEvent } from "../events.ts";
import { DEFAULT_SAMPLE, loadMapping, readSample } from "../files.ts";
import { givenHeaders } from "../headers.ts";
import { MOMENT, parseMoment } from "../moment.ts";
import { table } from "../print.ts";
import { followEvent } from "../samples/follow.ts";
import { freshSample } from "../samples/fresh.ts";
import { postSample } from "../samples/post.ts";
import { whyRefused } from "../samples/refusal.ts";
import { parseAssignment, setPath } from "../samples/set.ts";
import { UserError } from "../user-error.ts";

type Options = {
  to: string;
  set: string[];
  again?: true | undefined;
  at?: string | undefined;
  secret?: string | undefined;
  headers: string[];
  wait?: string | true | undefined;
  json?: true | undefined;
};

/** Seconds. */
const DEFAULT_WAIT = 30;

async function send(provider: string, name: string, options: Options): Promise<number> {
  const to = workerAddress(options.to);
  const patience = options.wait === undefined ? undefined : secondsOf(options.wait);
  const sample = readSample(provider, name);
  const paths = options.set.map((assignment) => {
    const { path, value } = parseAssignment(assignment);
    if (!setPath(sample.webhook, path, value))
      console.error(`--set ${assignment}: the sample had no ${path.join(".")}, it is added.`);
    return path;
  });
  if (options.again && paths.length > 0)
    throw new UserError("--again sends the sample as it is in its file: leave --set out.");
  const sent = options.again ? sample : freshSample(loadMapping(provider), sample, paths);
  const posted = await postSample(provider, sent, to, {
    again: options.again,
    at: options.at === undefined ? undefined : parseMoment("--at", options.at),
    secret: options.secret,
    headers: givenHeaders(options.headers),
  });
  if (
    options.at !== undefined &&
    inspect(loadMapping(provider).file.verify, posted.request).time === undefined
  )
    console.error(`--at has no effect: ${provider} signs no time.`);
  const { status, text } = posted;
  if (status !== 200) {
    const cause = await whyRefused(provider, to, posted);
    if (options.json) console.log(JSON.stringify({ status, answer: text, cause }));
    else {
      console.log(`${status} ${text}`);
      if (cause)
        console.log(
          `\n${cause.reason}: ${cause.evidence ?? cause.means}\nWhat to do: ${todoAt(to, cause.todo)}`,
        );
    }
    return 1;
  }
  const answered = posted.events.map(shownEvent);
  if (patience !== undefined && answered.some((event) => event.status === "pending"))
    console.error(`Waiting for the end, for ${patience} s at most …`);
  const events =
    patience === undefined
      ? answered
      : await Promise.all(answered.map((event) => followEvent(to, event, patience * SECOND)));
  if (options.json) console.log(JSON.stringify({ status, events }));
  else {
    console.log(table(EVENT_COLUMNS, eventRows(provider, events)));
    const said = patience === undefined ? "" : todoAt(to, advice(events));
    if (said !== "") console.log(`\n${said}`);
    const later = events.find((event) => event.status === "pending")?.id;
    if (patience !== undefined && later !== undefined)
      console.error(`\nStill pending after ${patience} s. Later: npm run why -- ${later}`);
  }
  return patience === undefined || becameLeads(events) ? 0 : 1;
}

function secondsOf(given: string | true): number {
  const seconds = given === true ? DEFAULT_WAIT : Number(given);
  if (!(seconds > 0))
    throw new UserError(
      `--wait ${given}: write a number of seconds above 0 after --wait, and the sample before it.`,
    );
  return seconds;
}

export const program = command(
  "send",
  "Signs a sample and posts it. The ids of the event and of the customer are made anew each time, so that it is a new event of a new customer.",
  {
    0: "the webhook is answered 200; with --wait: it became a lead that is delivered",
    1: "it is answered otherwise; with --wait: it is no lead (yet)",
  },
)
  .argument("<provider>", "a folder of mappings, such as clerk")
  .argument("[sample]", "a file of mappings/<provider>/samples, without .json", DEFAULT_SAMPLE)
  .option("--to <address>", "address of the Worker", "http://localhost:8787")
  .option(
    "--set <path=value>",
    "set a value of the webhook, such as data.id=user_1; the value is JSON, or text, and is sent as it is; may be repeated",
    repeated,
    [],
  )
  .option(
    "--wait [seconds]",
    `follow the event to its end, for ${DEFAULT_WAIT} seconds at most unless told otherwise, and say what to do`,
  )
  .option("--again", "send the sample with the ids of its file, as a provider sends a webhook again")
  .option("--at <time>", `sign at this time, ${MOMENT}`)
  .option("--secret <secret>", "sign with this secret instead of the one of this machine")
  .option(
    "--headers <file or name=value>",
    "set headers after signing; a name without value leaves the header out; may be repeated",
    repeated,
    [],
  )
  .addOption(jsonOption())
  .addHelpText(
    "after",
    `
The secret of this machine is the provider's setting in the environment or in .dev.vars, or one made up for here.
--wait asks the admin API of the Worker. ${TOKEN_FROM}

Click ids that the stand-in for Dub of "npm start" knows: any sixteen letters and digits. These begin with a word
that says how Dub answers, such as --set data.unsafe_metadata.dubClickId=unknownClick0001 for clerk:
  unknown…   Dub does not know the click        foreign…   its link is another workspace's
  disabled…  its link is disabled               deleted…   its link was deleted`,
  )
  .action(exitWith((provider, name, options) => send(provider, name, options as Options)));

if (import.meta.main) void run(program);
