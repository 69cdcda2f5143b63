/** Secrets on this machine: from the environment, else from .dev.vars, else one made up for here. */

import { secretName } from "../../settings.ts";
import { loadMapping, readDevVars } from "../files.ts";
import { localSecret } from "./sign.ts";

export function secretFor(provider: string): string {
  const { verify } = loadMapping(provider).file;
  return own(secretName(provider)) ?? localSecret(provider, verify);
}

export function adminToken(): string {
  return own("ADMIN_TOKEN") ?? "local-admin-token-for-this-machine-only";
}

function own(name: string): string | undefined {
  return process.env[name] || readDevVars()[name] || undefined;
}
