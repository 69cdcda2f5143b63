/** Asking the admin API of a Worker, with its errors in words. */
import type * as z from "zod/mini";
import { ADMIN_TOKEN } from "../admin/auth.ts";
import { isLocal } from "../admin/local.ts";
import { readSecret, SecretError } from "../verify/secret.ts";
import { readTokens } from "../verify/token.ts";
import { workerAddress } from "./address.ts";
import { ADMIN_TIMEOUT } from "./limits.ts";
import { findLocalToken } from "./local-token.ts";
import { notThisWorker, request } from "./request.ts";
import { ownSecret } from "./samples/secrets.ts";
import { UserError } from "./user-error.ts";

/** What the admin API answers: the status, and JSON. */
export type AdminAnswer = {
  status: number;
  body: { error?: string; message?: string } & Record<string, unknown>;
};

/**
 * Asks the admin API at `to`: POST with a body, else GET. The token is sent over https only, except to this machine.
 * Throws a UserError when the Worker can't be asked.
 */
export async function askAdmin(to: string, path: string, body?: object): Promise<AdminAnswer> {
  const origin = workerAddress(to);
  if (!origin.startsWith("https:") && !isLocal(origin))
    throw new UserError(`--to ${to}: the token is sent over https only.`);
  const url = `${origin}${path}`;
  const { status, text } = await request(
    url,
    {
      headers: { authorization: `Bearer ${await tokenToSend(origin)}`, "content-type": "application/json" },
      ...(body && { method: "POST", body: JSON.stringify(body) }),
    },
    ADMIN_TIMEOUT,
  );
  if (status === 404 && /"not_found"/.test(text))
    throw new UserError(`${origin} has no admin API: set the Worker secret ADMIN_TOKEN to turn it on.`);
  if (status === 401)
    throw new UserError(
      `${origin} refuses the token: ${
        isLocal(origin)
          ? "it was started with another one. Start it again, or take ADMIN_TOKEN out of the environment (unset ADMIN_TOKEN) or .dev.vars"
          : "set ADMIN_TOKEN in the environment or in .dev.vars to the Worker's own"
      }.`,
    );
  try {
    return { status, body: JSON.parse(text) };
  } catch {
    throw notThisWorker(url, status, text);
  }
}

/** For help texts: where the token is from. */
export const TOKEN_FROM =
  "The token is ADMIN_TOKEN of the environment or of .dev.vars; npm start and npm run dev need none here.";

/**
 * The token of a Worker that runs here, else that of the environment or of .dev.vars: while it is rotated there are two,
 * of which the first is sent. Throws a UserError when there is none, or for one that no Worker takes.
 */
async function tokenToSend(origin: string): Promise<string> {
  const text = findLocalToken(origin) ?? ownSecret(ADMIN_TOKEN);
  if (text === undefined)
    throw new UserError(
      `No token for ${origin}: set ADMIN_TOKEN in the environment or in .dev.vars to the Worker's own.`,
    );
  try {
    await readTokens(ADMIN_TOKEN, text);
  } catch (error) {
    throw error instanceof SecretError ? new UserError(`${error.message}.`) : error;
  }
  const [token = ""] = readSecret(ADMIN_TOKEN, text);
  // fetch would name the value.
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new UserError(`${ADMIN_TOKEN} has characters that a header can't have.`);
  return token;
}

/** Asks for something that there must be. Throws a UserError with the Worker's own words when it answers no. */
export async function readAdmin<T extends z.ZodMiniType>(
  to: string,
  path: string,
  schema: T,
  body?: object,
): Promise<z.infer<T>> {
  const answer = await askAdmin(to, path, body);
  if (answer.status !== 200)
    throw new UserError(`${answer.status}: ${answer.body.message ?? answer.body.error}`);
  return fitting(to, schema, answer.body);
}

/** An answer, once its schema is seen to fit. Throws a UserError that names the field where it does not. */
export function fitting<T extends z.ZodMiniType>(to: string, schema: T, answer: unknown): z.infer<T> {
  const { error } = schema.safeParse(answer);
  if (!error) return answer as z.infer<T>;
  const field = error.issues[0]?.path.join(".");
  throw new UserError(
    `${workerAddress(to)}: this Worker is of another version: ${field} of its answer is not as expected here. Run the command from the version that is deployed, or deploy this one.`,
  );
}
