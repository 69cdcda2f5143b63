/** Commands as a person types them, each with its processes. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { ROOT } from "../../src/dev/files.ts";

export type Running = {
  child: ChildProcess;
  lines: string[];
  until: (words: RegExp) => Promise<string>;
  ended: Promise<number>;
};

/** The lines that a process prints, and its end. `until` resolves with the first line that has the words. */
export function watchLines(child: ChildProcess): Omit<Running, "child"> {
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  const ended = new Promise<number>((resolve) => child.once("close", (code) => resolve(code ?? -1)));
  for (const stream of [child.stdout, child.stderr])
    if (stream)
      createInterface({ input: stream }).on("line", (line) => {
        lines.push(line);
        for (const check of waiting) check();
      });
  const until = (words: RegExp) =>
    new Promise<string>((resolve, reject) => {
      const check = () => {
        const line = lines.find((one) => words.test(one));
        if (line === undefined) return;
        waiting.delete(check);
        resolve(line);
      };
      waiting.add(check);
      check();
      ended.then(() => reject(new Error(`ended without ${words}:\n${lines.join("\n")}`)));
    });
  return { lines, until, ended };
}

/** Runs npm with arguments, such as `start`, or `run`, `send`. */
export function npm(...args: string[]): Running {
  const child = spawn("npm", ["--silent", ...args], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
    env: { ...process.env, NO_COLOR: "1" },
  });
  return { child, ...watchLines(child) };
}

/** What the terminal does on Ctrl-C: the signal goes to the whole group. */
export function signal({ child }: Running, name: "SIGINT" | "SIGKILL"): void {
  try {
    if (child.pid) process.kill(-child.pid, name);
  } catch {
    // It has ended.
  }
}

export type Process = { pid: string; parent: string; args: string };

function processes(): Process[] {
  const all = execFileSync("ps", ["-eo", "pid=,ppid=,args="], { encoding: "utf8" }).split("\n");
  return all.flatMap((line) => {
    const [, pid = "", parent = "", args = ""] = /^ *(\d+) +(\d+) (.*)$/.exec(line) ?? [];
    return pid ? [{ pid, parent, args }] : [];
  });
}

/** The processes that a command has started, and those that they have. */
export function family({ child, lines }: Running): Process[] {
  const all = processes();
  const below = (pid: string): Process[] =>
    all.filter(({ parent }) => parent === pid).flatMap((one) => [one, ...below(one.pid)]);
  const found = below(String(child.pid));
  if (!found.some(({ args }) => args.includes("workerd serve")))
    throw new Error(`the Worker does not run:\n${lines.slice(-10).join("\n")}`);
  return found;
}

/** Those of a family that are still there. */
export function left(family: Process[]): string[] {
  const now = new Set(processes().map(({ pid, args }) => `${pid} ${args}`));
  return family.map(({ pid, args }) => `${pid} ${args}`).filter((one) => now.has(one));
}

export const nodeOf = (started: Process[], command: string) =>
  started.find(({ args }) => args.startsWith(`node src/dev/commands/${command}.ts`));
