/** The verifier of each mapping, with its keys, made once for each isolate and secret. */
import type { Mapping } from "../mapping/compile.ts";
import { providerSecret, secretName } from "../settings.ts";
import type { Verifier } from "../verify/scheme.ts";
import { createVerifier } from "../verify/schemes.ts";

const cache = new WeakMap<Mapping, { secret: string; verifier: Promise<Verifier> }>();

/** The verifier of a mapping, or undefined when its secret is not set. Throws SecretError when the secret can't be used. */
export async function verifierOf(
  mapping: Mapping,
  env: Record<string, unknown>,
): Promise<Verifier | undefined> {
  const { provider, file } = mapping;
  const secret = providerSecret(env, provider);
  if (secret === undefined) return undefined;
  const cached = cache.get(mapping);
  if (cached?.secret === secret) return cached.verifier;
  const verifier = createVerifier(file.verify, secretName(provider), secret);
  cache.set(mapping, { secret, verifier });
  return verifier;
}
