/** `npm run send -- <provider> [sample] [--to URL] [--set path=value]`: signs a sample with the local secret and posts it. */
import { command, exitWith, repeated, run } from "../command.ts";
import { DEFAULT_SAMPLE, readSample } from "../files.ts";
import { postSample } from "../samples/post.ts";
import { UserError } from "../user-error.ts";

/** Sets the value at a path such as `data.items[0].id`; missing objects on the way are made. */
export function setPath(root: unknown, path: string, value: unknown): void {
  const keys = path.split(/[.[\]]+/).filter((key) => key !== "");
  const last = keys.pop();
  if (last === undefined || typeof root !== "object" || root === null)
    throw new UserError(`--set: there is nothing at the path "${path}"`);
  let at = root as Record<string, unknown>;
  for (const key of keys) {
    if (typeof at[key] !== "object" || at[key] === null) at[key] = {};
    at = at[key] as Record<string, unknown>;
  }
  at[last] = value;
}

function parseValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export const program = command("send", "Signs a sample with the local secret and posts it.", {
  0: "the webhook is answered 200",
  1: "it is answered otherwise",
})
  .argument("<provider>", "a folder of mappings, such as clerk")
  .argument("[sample]", "a file of mappings/<provider>/samples, without .json", DEFAULT_SAMPLE)
  .option("--to <address>", "address of the Worker", "http://localhost:8787")
  .option(
    "--set <path=value>",
    "change a value of the webhook first; the value is JSON, or text; may be repeated",
    repeated,
    [],
  )
  .action(
    exitWith(async (provider, name, { to, set }) => {
      const sample = readSample(provider, name);
      for (const assignment of set) {
        const [path = "", ...value] = assignment.split("=");
        if (value.length === 0) throw new UserError(`--set ${assignment}: write it as path=value`);
        setPath(sample.webhook, path, parseValue(value.join("=")));
      }
      const { status, text } = await postSample(provider, sample, to);
      console.log(`${status} ${text}`);
      return status === 200 ? 0 : 1;
    }),
  );

if (import.meta.main) void run(program);
