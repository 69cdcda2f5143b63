/** `npm run preview -- <provider> <payload.json>`: prints what a webhook becomes as JSON, without network. */
import { readFileSync } from "node:fs";
import { preview } from "../check/results.ts";
import { command, exitWith, repeated, run } from "../command.ts";
import { loadMapping, providers, readMapping } from "../files.ts";
import { UserError } from "../user-error.ts";

export const program = command("preview", "Prints what a webhook becomes, as JSON. Nothing is sent.")
  .argument("<provider>", "a folder of mappings, such as clerk")
  .argument("<payload.json>", "the webhook's body as the provider sends it; - reads standard input")
  .option("--header <name=value>", "a header of the webhook; may be repeated", repeated, [])
  .action(
    exitWith((provider, path, { header }) => {
      const headers = new Headers(header.map((one) => one.split(/=(.*)/s, 2) as [string, string]));
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
    }),
  );

if (import.meta.main) void run(program);
