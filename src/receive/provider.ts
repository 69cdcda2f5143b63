/** A provider as the front door sees it: its compiled mapping and its keys, prepared once for each isolate. */
import { type Edges, providerSecret, secretName } from "../env.ts";
import { compileMapping, type Mapping } from "../mapping/compile.ts";
import { prepareKeys } from "./verify/index.ts";
import type { Keys } from "./verify/secret.ts";

const mappings = new Map<string, { json: unknown; mapping: Mapping }>();
const keys = new Map<string, { secret: string; keys: Promise<Keys> }>();

/** The mapping of `provider`, or undefined when there is none. Throws MappingError when the file is wrong. */
export function mappingOf(provider: string, all: Edges["mappings"]): Mapping | undefined {
  if (!Object.hasOwn(all, provider)) return undefined;
  const json = all[provider];
  const cached = mappings.get(provider);
  if (cached?.json === json) return cached?.mapping;
  const mapping = compileMapping(provider, json);
  mappings.set(provider, { json, mapping });
  return mapping;
}

/** The keys of a provider, or undefined when its secret is not set. Throws SecretError when it can't be used. */
export async function keysOf(
  { provider, file }: Mapping,
  env: Record<string, unknown>,
): Promise<Keys | undefined> {
  const secret = providerSecret(env, provider);
  if (secret === undefined) return undefined;
  const cached = keys.get(provider);
  if (cached?.secret === secret) return cached.keys;
  const prepared = prepareKeys(file.verify, secretName(provider), secret);
  keys.set(provider, { secret, keys: prepared });
  return prepared;
}
