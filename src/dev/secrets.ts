/** Secrets on this machine: from the environment, else from .dev.vars, else one made up for here. */
import { secretName } from "../env.ts";
import { compileMapping } from "../mapping/compile.ts";
import { readDevVars, readMapping } from "./files.ts";
import { localSecret } from "./sign.ts";

export function secretFor(provider: string): string {
  const { verify } = compileMapping(provider, readMapping(provider)).file;
  const name = secretName(provider);
  return process.env[name] || readDevVars()[name] || localSecret(provider, verify);
}
