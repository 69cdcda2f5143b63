/** A request of a command to a Worker. */
import { printable } from "../log.ts";
import { UserError } from "./user-error.ts";

/** Status and body of the answer. Redirects are not followed. Throws a UserError when nothing answers in `patience` milliseconds. */
export async function request(
  url: string,
  init: RequestInit,
  patience: number,
): Promise<{ status: number; text: string }> {
  try {
    const signal = AbortSignal.timeout(patience);
    const response = await fetch(url, { ...init, redirect: "manual", signal });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    const { cause } = error as Error;
    if (/wrong version number|packet length too long/.test(String(cause)))
      throw new UserError(`${new URL(url).origin} speaks http, not https: write --to http://…`);
    throw new UserError(
      `Nothing answers at ${url} (${cause ?? (error as Error).message}). Is the Worker running? "npm start" or "npm run dev" starts one on this machine.`,
    );
  }
}

/** The error for an answer that this Worker does not give. */
export function notThisWorker(url: string, status: number, text: string): UserError {
  return new UserError(
    `${url} answers ${status}, and not as this Worker does: is it the right address? It says: ${printable(text, 200)}`,
  );
}
