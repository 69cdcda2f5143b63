/** `npm run send -- <provider> [sample] [--to URL] [--set path=value]`: signs a sample with the local secret and posts it. */
import { parseArgs } from "node:util";
import { DEFAULT_SAMPLE, main, providers, readSample, UserError } from "../files.ts";
import { postSample } from "../samples/post.ts";

const USAGE = `npm run send -- <provider> [sample] [--to http://localhost:8787] [--set data.id=user_2 ...]
  provider  one of ${providers().join(", ")}
  sample    a file of mappings/<provider>/samples, without .json; ${DEFAULT_SAMPLE} if none is named
  --to      address of the Worker
  --set     changes a value of the webhook first; the value is JSON, or text`;

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

async function send(): Promise<number> {
  let args: { positionals: string[]; values: { to?: string; set?: string[] } };
  try {
    args = parseArgs({
      allowPositionals: true,
      options: { to: { type: "string" }, set: { type: "string", multiple: true } },
    });
  } catch (error) {
    throw new UserError(`${(error as Error).message}\n${USAGE}`);
  }
  const [provider, name] = args.positionals;
  if (provider === undefined) throw new UserError(USAGE);
  const sample = readSample(provider, name);
  for (const assignment of args.values.set ?? []) {
    const [path = "", ...value] = assignment.split("=");
    if (value.length === 0) throw new UserError(`--set ${assignment}: write it as path=value`);
    setPath(sample.webhook, path, parseValue(value.join("=")));
  }
  const { status, text } = await postSample(provider, sample, args.values.to ?? "http://localhost:8787");
  console.log(`${status} ${text}`);
  return status === 200 ? 0 : 1;
}

if (import.meta.main) await main(send);
