/** `npm run preview -- <provider> <payload.json>`: prints what a webhook becomes as JSON, without network. */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { preview } from "../check/results.ts";
import { loadMapping, main, providers, readMapping, UserError } from "../files.ts";

const USAGE = `npm run preview -- <provider> <payload.json> [--header name=value ...]
  provider      one of ${providers().join(", ")}
  payload.json  the webhook's body as the provider sends it; - reads it from standard input`;

await main(() => {
  let args: { positionals: string[]; values: { header?: string[] } };
  try {
    args = parseArgs({ allowPositionals: true, options: { header: { type: "string", multiple: true } } });
  } catch (error) {
    throw new UserError(`${(error as Error).message}\n${USAGE}`);
  }
  const [provider, path] = args.positionals;
  if (provider === undefined || path === undefined) throw new UserError(USAGE);
  const headers = new Headers(
    (args.values.header ?? []).map((header) => header.split(/=(.*)/s, 2) as [string, string]),
  );
  const mapping = loadMapping(provider);
  let body: Buffer;
  try {
    body = readFileSync(path === "-" ? 0 : path);
  } catch (error) {
    throw new UserError((error as Error).message);
  }
  const files = Object.fromEntries(providers().map((name) => [name, readMapping(name)]));
  console.log(JSON.stringify(preview(mapping, body, headers, files), null, 2));
  return 0;
});
