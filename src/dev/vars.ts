/**
 * Files of settings and secrets, one NAME=value a line: `.dev.vars`, and the file of `npm run deploy -- --secrets-file`.
 * A line has the value that wrangler's dotenv gives it. What it drops, cuts or takes otherwise than meant is named.
 */
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { ADMIN_TOKEN } from "../admin/auth.ts";
import { CLICKS_TOKEN } from "../clicks/proof.ts";
import { issuerOf, parseSettings, SettingsError, secretName, sessionSettings } from "../settings.ts";
import { createVerifier } from "../verify/schemes.ts";
import { SecretError } from "../verify/secret.ts";
import { readTokens } from "../verify/token.ts";
import { loadMapping, providers, ROOT } from "./files.ts";
import { nearest } from "./near.ts";
import { UserError } from "./user-error.ts";

/** `message` has no value in it, since the values are secrets. `name` is absent where the line shows none. */
export type VarsProblem = { line: number; name?: string; message: string };

/** `values`: what can be used. `unusable`: names that are in the file, but whose line can't be read. */
export type Vars = {
  values: Record<string, string>;
  lines: Record<string, number>;
  unusable: Set<string>;
  problems: VarsProblem[];
};

/** The name of the local file; `wrangler dev --env staging` reads `.dev.vars.staging` instead, if it is there. */
export const DEV_VARS = ".dev.vars";

/** Parses such a file line by line. */
export function parseVars(text: string): Vars {
  const vars: Vars = { values: {}, lines: {}, unusable: new Set(), problems: [] };
  for (const [i, raw] of text.split(/\r\n?|\n/).entries()) {
    const line = i + 1;
    const written = raw.trim();
    if (written === "" || written.startsWith("#")) continue;
    const [, exported, name, sign = "", after = "", rest = ""] =
      /^(export\s+)?([\w.-]+)(\s*=|:(?=\s))(\s*)(.*)$/.exec(written) ?? [];
    if (name === undefined) {
      vars.problems.push({ line, message: "is not NAME=value, and is not read" });
      continue;
    }
    const say = (message: string) => vars.problems.push({ line, name, message: `${name} ${message}` });
    if (Object.hasOwn(vars.lines, name)) say(`is also on line ${vars.lines[name]}; the last one counts`);
    vars.lines[name] = line;
    vars.unusable.delete(name);
    delete vars.values[name];

    if (exported) say(`has "export" before it: write ${name}=value (it is read all the same)`);
    if (sign === ":") say(`is followed by ":": write ${name}=value (it is read all the same)`);
    else if (sign !== "=" || (after !== "" && rest !== "" && !rest.startsWith("#")))
      say(`has white space around "=": write ${name}=value (it is read all the same)`);

    const value = readValue(rest, after !== "" || rest === "");
    if (value.problem) say(value.problem);
    if (value.text === undefined) vars.unusable.add(name);
    else vars.values[name] = value.text;
  }
  return vars;
}

/** The value in what follows the `=`. `spaced`: white space stands before it. */
function readValue(rest: string, spaced: boolean): { text?: string; problem?: string } {
  const quote = /^["'`]/.exec(rest)?.[0];
  if (quote) {
    const end = closing(rest, quote);
    if (end < 0) return { problem: `begins with ${quote} and does not end with it on this line` };
    if (!/^\s*(#.*)?$/.test(rest.slice(end + 1))) return { problem: `has text after the closing ${quote}` };
    const inside = rest.slice(1, end);
    return { text: quote === '"' ? inside.replaceAll("\\n", "\n").replaceAll("\\r", "\r") : inside };
  }
  const comment = rest.indexOf("#");
  if (comment < 0) return { text: rest };
  const text = rest.slice(0, comment);
  const cut = comment === 0 ? !spaced : !/\s$/.test(text);
  return {
    text: text.trim(),
    ...(cut && { problem: 'is cut at "#", which begins a comment: put the value in single quotes' }),
  };
}

/** Where the quoted text ends: at the next quotation mark without a backslash before it; -1: nowhere. */
function closing(text: string, quote: string): number {
  for (let i = 1; i < text.length; i++) if (text[i] === quote && text[i - 1] !== "\\") return i;
  return -1;
}

/** What is in a file, its path taken from the project's folder; nothing when it is not there. */
export function readVars(file = DEV_VARS): Vars {
  const path = resolve(ROOT, file);
  if (!existsSync(path)) return parseVars("");
  try {
    return parseVars(readFileSync(path, "utf8"));
  } catch (error) {
    throw new UserError(`The file ${JSON.stringify(file)} can't be read: ${(error as Error).message}.`);
  }
}

/** Every problem of such a file: its lines, unknown names, and values that can't be what the name says; by line. */
export async function problemsOf(vars: Vars): Promise<VarsProblem[]> {
  const found = [...vars.problems];
  const secrets = new Map(providers().map((provider) => [secretName(provider), provider]));
  const sessions = new Map(
    providers().flatMap((provider) =>
      Object.values(sessionSettings(provider)).map((name) => [name, provider]),
    ),
  );
  const known = [
    ...Object.keys(parseSettings({})),
    ADMIN_TOKEN,
    CLICKS_TOKEN,
    ...secrets.keys(),
    ...sessions.keys(),
  ];
  for (const [name, line] of Object.entries(vars.lines)) {
    const value = vars.values[name] ?? "";
    const provider = secrets.get(name);
    const message = !known.includes(name)
      ? unknown(name, known)
      : value.trim() === ""
        ? undefined
        : await problemOf(name, value, provider, sessions.get(name));
    if (message !== undefined) found.push({ line, name, message });
  }
  return found.sort((one, other) => one.line - other.line);
}

function unknown(name: string, known: string[]): string {
  const words = name.split("_");
  const short = (one: string) => words.length > 1 && words.every((word) => one.split("_").includes(word));
  const meant = nearest(name, known) ?? known.find(short);
  return `${name} is not a name that the Worker reads${meant ? `: did you mean ${meant}?` : ""}`;
}

/** What is wrong with a setting of a provider's session tokens, or undefined. Throws a SettingsError, too. */
function problemOfSession(name: string, value: string, provider: string): string | undefined {
  // The issuer can be in wrangler.toml, and the others here.
  const issuer = { [sessionSettings(provider).issuer]: "https://issuer.example" };
  issuerOf({ ...issuer, [name]: value }, provider);
  return loadMapping(provider).file.session
    ? undefined
    : `${name} can't be used: the mapping file of ${provider} has no "session"`;
}

/** What is wrong with a value, or undefined. */
async function problemOf(
  name: string,
  value: string,
  provider: string | undefined,
  session: string | undefined,
): Promise<string | undefined> {
  try {
    if (session !== undefined) return problemOfSession(name, value, session);
    if (provider !== undefined) await createVerifier(loadMapping(provider).file.verify, name, value);
    else if (name === ADMIN_TOKEN || name === CLICKS_TOKEN) await readTokens(name, value);
    else parseSettings({ [name]: value });
  } catch (error) {
    if (error instanceof SettingsError || error instanceof SecretError) return error.message;
    // A mapping file that does not compile is the business of `npm run check`.
    if (!(error instanceof UserError)) throw error;
  }
  return undefined;
}

/** `.dev.vars:3: CLERK_WEBHOOK_SECRET is an address, not a secret`. */
export function formatVarsProblem(file: string, { line, message }: VarsProblem): string {
  return `${file}:${line}: ${message}`;
}

/** Says on stderr what is wrong with a file of local settings. */
export async function warnAboutVars(file = DEV_VARS): Promise<void> {
  for (const problem of await problemsOf(readVars(file))) console.error(formatVarsProblem(file, problem));
}
