/** What all commands share: arguments, `--help`, errors and exit codes. */
import { Command, CommanderError, Option } from "@commander-js/extra-typings";
import { SecretError } from "../verify/secret.ts";
import { UserError } from "./user-error.ts";

/** The exit code of a command that could not do its work: a wrong argument, a missing file, no answer. */
export const COULD_NOT_RUN = 2;

type Exits = { [code: number]: string };

/**
 * A command of package.json. `exits`: what its exit codes mean beside 2. Results are printed on stdout; errors, and
 * what is only said while it works, on stderr.
 */
export function command(script: string, summary: string, exits: Exits = {}): Command {
  const codes = { ...exits, [COULD_NOT_RUN]: "could not run: a wrong argument, a missing file, no answer" };
  const lines = Object.entries(codes).map(([code, means]) => `  ${code.padEnd(3)}  ${means}`);
  const typed = script === "start" ? "npm start --" : `npm run ${script} --`;
  return new Command(typed)
    .description(summary)
    .helpOption("--help", "print this help")
    .configureHelp({ helpWidth: 110 })
    .addHelpText("after", `\nExit codes:\n${lines.join("\n")}`)
    .showHelpAfterError(`"${typed} --help" lists what can be given.`)
    .exitOverride();
}

/** `--json`, for scripts: one JSON value on stdout instead of text. */
export const jsonOption = () => new Option("--json", "print JSON, for scripts");

/** For an option that may be given several times, as `.option(flags, description, repeated, [])`. */
export const repeated = (value: string, before: string[]): string[] => [...before, value];

/** The action of a command: what it resolves with is the exit code. */
export function exitWith<A extends unknown[]>(
  act: (...args: A) => Promise<number | undefined> | number | undefined,
): (...args: A) => Promise<void> {
  return async (...args) => {
    process.exitCode = (await act(...args)) ?? 0;
  };
}

/** Arguments with the ids at the end: an id may begin with a dash, and is no option then. */
export function idsLast(args: string[]): string[] {
  const isDashed = (arg: string) => /^-[\w-]{21}$/.test(arg);
  return [...args.filter((arg) => !isDashed(arg)), "--", ...args.filter(isDashed)];
}

/** Runs a command with its arguments. What the person can correct is printed without a stack. */
export async function run(
  program: { parseAsync: (args: string[], from: { from: "user" }) => Promise<unknown> },
  args = process.argv.slice(2),
): Promise<void> {
  // Who reads has had enough, such as head.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit();
  });
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    // commander has printed the message or the help already.
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : COULD_NOT_RUN;
      return;
    }
    if (!(error instanceof UserError || error instanceof SecretError)) throw error;
    console.error(error.message);
    process.exitCode = COULD_NOT_RUN;
  }
}

/** The help of a command, as `--help` prints it. */
export function helpOf(program: Pick<Command, "outputHelp" | "configureOutput">): string {
  let text = "";
  program.configureOutput({
    writeOut: (part) => {
      text += part;
    },
    getOutHasColors: () => false,
  });
  program.outputHelp();
  return text.trimEnd();
}
