/** Secrets on this machine: from the environment, else from .dev.vars, else one made up for here. */
import { CLICKS_TOKEN } from "../../clicks/proof.ts";
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
  return ownSecret(secretName(provider)) ?? localSecret(provider, verify);
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

/** A provider's secret on this machine, and where it is from, for people. */
export function findSecret(provider: string): { text: string; from: string; madeUp?: boolean } {
  const name = secretName(provider);
  const text = ownSecret(name);
  if (text === undefined)
    return {
      text: secretFor(provider),
      from: `npm start, since neither the environment nor ${DEV_VARS} has one`,
      madeUp: true,
    };
  return { text, from: process.env[name] ? "the environment" : DEV_VARS };
}

/** The CLICKS_TOKEN of a Worker on this machine: one, or several while it is rotated. */
export function localClicksTokens(): string {
  return ownSecret(CLICKS_TOKEN) ?? "local-token-for-clicks-of-this-machine-only";
}

/** A secret of the environment or of .dev.vars. Throws a UserError when its line of .dev.vars can't be read. */
export function ownSecret(name: string): string | undefined {
  if (process.env[name]) return process.env[name];
  const { values, unusable, lines } = readVars();
  if (unusable.has(name))
    throw new UserError(`${name} can't be read: see line ${lines[name]} of ${DEV_VARS}.`);
  return values[name] || undefined;
}
