/** Secrets on this machine: from the environment, else from .dev.vars, else one made up for here. */

import { ADMIN_TOKEN } from "../../admin/auth.ts";
import { secretName } from "../../settings.ts";
import { createVerifier } from "../../verify/schemes.ts";
import { SecretError } from "../../verify/secret.ts";
import { loadMapping } from "../files.ts";
import { UserError } from "../user-error.ts";
import { DEV_VARS, readVars } from "../vars.ts";
import { localSecret } from "./sign.ts";

/** Throws a UserError when the provider's line of .dev.vars can't be read. */
export function secretFor(provider: string): string {
  const { verify } = loadMapping(provider).file;
  return own(secretName(provider)) ?? localSecret(provider, verify);
}

/** What is wrong with a provider's own secret, which then is off on this machine; or undefined. */
export async function secretProblem(provider: string): Promise<string | undefined> {
  try {
    await createVerifier(loadMapping(provider).file.verify, secretName(provider), secretFor(provider));
  } catch (error) {
    if (error instanceof SecretError || error instanceof UserError) return error.message;
    throw error;
  }
  return undefined;
}

export function adminToken(): string {
  return own(ADMIN_TOKEN) ?? "local-admin-token-for-this-machine-only";
}

/** A provider's secret on this machine, and where it is from, for people. */
export function findSecret(provider: string): { text: string; from: string; madeUp?: boolean } {
  const name = secretName(provider);
  const text = own(name);
  if (text === undefined)
    return {
      text: secretFor(provider),
      from: `npm start, since neither the environment nor ${DEV_VARS} has one`,
      madeUp: true,
    };
  return { text, from: process.env[name] ? "the environment" : DEV_VARS };
}

function own(name: string): string | undefined {
  if (process.env[name]) return process.env[name];
  const { values, unusable, lines } = readVars();
  if (unusable.has(name))
    throw new UserError(`${name} can't be read: see line ${lines[name]} of ${DEV_VARS}.`);
  return values[name] || undefined;
}
