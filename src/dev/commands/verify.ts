/** `npm run verify -- <provider> --headers <file> <body>`: why a captured request is refused, step by step. */
import { secretName } from "../../settings.ts";
import type { SignedRequest } from "../../verify/verdict.ts";
import { command, exitWith, jsonOption, run } from "../command.ts";
import { loadMapping, providers } from "../files.ts";
import { parseHeaders, readBytes, readText, toHeaders } from "../headers.ts";
import { MOMENT, parseMoment } from "../moment.ts";
import { mark } from "../print.ts";
import { findSecret } from "../samples/secrets.ts";
import { UserError } from "../user-error.ts";
import type { Candidate } from "../verify/cause.ts";
import { verifyCapture } from "../verify/report.ts";

type Options = {
  headers?: string | undefined;
  url?: string | undefined;
  at?: string | undefined;
  secret?: string | undefined;
  json?: true | undefined;
};

async function verify(provider: string, bodyFile: string, options: Options): Promise<number> {
  const { verify: scheme } = loadMapping(provider).file;
  if (options.headers === undefined)
    throw new UserError("Name the file with the request's headers: --headers h.txt.");
  if (options.headers === "-" && bodyFile === "-")
    throw new UserError("Only one of the two, headers or body, can be read from standard input.");
  const captured = parseHeaders(readText(options.headers), options.headers);
  const headers = toHeaders(captured.headers);
  const path = captured.path ?? `/webhooks/${provider}`;
  const request: SignedRequest = {
    method: captured.method ?? "POST",
    url:
      options.url ?? (/^https?:/.test(path) ? path : `https://${headers.get("host") ?? "localhost"}${path}`),
    headers,
    body: readBytes(bodyFile),
  };
  const report = await verifyCapture({
    provider,
    verify: scheme,
    request,
    secret: options.secret === undefined ? findSecret(provider) : { text: options.secret, from: "--secret" },
    others: otherSecrets(provider, options.secret !== undefined),
    schemes: Object.fromEntries(providers().map((name) => [name, loadMapping(name).file.verify])),
    at: options.at === undefined || options.at === "signed" ? options.at : parseMoment("--at", options.at),
  });
  if (options.json) console.log(JSON.stringify(report));
  else {
    for (const { step, ok, says } of report.steps) console.log(`${mark(ok)}  ${step.padEnd(10)} ${says}`);
    const { cause } = report;
    console.log(cause ? `\nRefused: ${cause.says}.\nWhat to do: ${cause.todo}.` : "\nGenuine.");
  }
  return report.genuine ? 0 : 1;
}

/** The secrets of other settings on this machine; the provider's own, too, when another is tried instead of it. */
function otherSecrets(provider: string, ownToo: boolean): Candidate[] {
  return providers()
    .filter((name) => ownToo || name !== provider)
    .flatMap((name) => {
      try {
        return [{ name: secretName(name), text: findSecret(name).text, own: false }];
      } catch (error) {
        // Its line of .dev.vars can't be read.
        if (error instanceof UserError) return [];
        throw error;
      }
    });
}

export const program = command(
  "verify",
  "Says step by step why a captured request is genuine or refused: headers, time, what is signed, secret, signature. For one that is refused it tries what often goes wrong, and names the cause.",
  { 0: "the request is genuine", 1: "it is refused" },
)
  .argument("<provider>", "a folder of mappings, such as clerk")
  .argument("<body>", "a file with the body, byte by byte as it came; - reads standard input")
  .option(
    "--headers <file>",
    "a file with the request's headers: Name: value lines, those of curl -v or of a browser's tools, or JSON",
  )
  .option(
    "--at <time>",
    `when the request came: signed for the time of its signature, or ${MOMENT} (default: now)`,
  )
  .option("--secret <secret>", "verify with this secret instead of the one of this machine")
  .option("--url <address>", "the address that the request was sent to, for schemes that sign it")
  .addOption(jsonOption())
  .addHelpText(
    "after",
    `
The secret of this machine is the provider's setting in the environment or in .dev.vars, or the one that npm start
uses. No secret and no signature is printed; of what is signed, the beginning.`,
  )
  .action(exitWith((provider, body, options) => verify(provider, body, options as Options)));

if (import.meta.main) void run(program);
