/** The ADMIN_TOKEN of a Worker on this machine, where commands find it by the Worker's port. */
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { isLocal } from "../admin/local.ts";
import { ROOT } from "./files.ts";
import { isRunning } from "./process/interrupted.ts";

const fileOf = (port: number | string) => join(ROOT, ".wrangler", `admin-token-${port}`);

/** A token and what removes its file. */
export type LocalToken = { token: string; remove: () => void };

/** Makes a token anew for the Worker that this process runs on a port. Only this user can read its file. */
export function makeLocalToken(port: number): LocalToken {
  const file = fileOf(port);
  const token = randomBytes(24).toString("base64url");
  const remove = () => rmSync(file, { force: true });
  mkdirSync(dirname(file), { recursive: true });
  // What a killed process has left.
  remove();
  writeFileSync(file, `${process.pid} ${token}`, { flag: "wx", mode: 0o600 });
  return { token, remove };
}

/** Writes a file of variables for `wrangler dev --env-file`, which only this user can read. */
export function writeEnvFile(file: string, values: Record<string, string>): void {
  mkdirSync(dirname(file), { recursive: true });
  rmSync(file, { force: true });
  writeFileSync(file, formatEnv(values), { flag: "wx", mode: 0o600 });
}

/** A line for each value, which wrangler reads as it is: it would replace `$NAME`. */
export function formatEnv(values: Record<string, string>): string {
  const quoted = (text: string) => {
    const quote = ["'", "`", '"'].find((one) => !text.includes(one)) ?? "'";
    return `${quote}${text.replaceAll("$", "\\$")}${quote}`;
  };
  return Object.entries(values)
    .map(([name, value]) => `${name}=${quoted(value)}\n`)
    .join("");
}

/** The token of the Worker that runs at an origin of this machine; undefined when none was made for it. */
export function findLocalToken(origin: string): string | undefined {
  if (!isLocal(origin)) return undefined;
  try {
    const [pid, token] = readFileSync(fileOf(new URL(origin).port), "utf8").split(" ");
    return isRunning(Number(pid)) ? token : undefined;
  } catch {
    return undefined;
  }
}

/** The link that opens the admin pages signed in. Without a token, which then is the person's own, it asks for it. */
export function adminLink(origin: string, token?: string): string {
  const link = new URL("/admin", origin);
  if (token === undefined) return `${link}  (password: your ADMIN_TOKEN)`;
  link.username = "admin";
  link.password = token;
  return link.href;
}
