/** The keys of each provider, imported once for each isolate. */

import type { Mapping } from "../mapping/compile.ts";
import { providerSecret, secretName } from "../settings.ts";
import { prepareKeys } from "../verify/index.ts";
import type { Keys } from "../verify/secret.ts";

const cache = new Map<string, { secret: string; keys: Promise<Keys> }>();

/** The keys of a provider, or undefined when its secret is not set. Throws SecretError when it can't be used. */
export async function keysOf(
  { provider, file }: Mapping,
  env: Record<string, unknown>,
): Promise<Keys | undefined> {
  const secret = providerSecret(env, provider);
  if (secret === undefined) return undefined;
  const cached = cache.get(provider);
  if (cached?.secret === secret) return cached.keys;
  const keys = prepareKeys(file.verify, secretName(provider), secret);
  cache.set(provider, { secret, keys });
  return keys;
}
