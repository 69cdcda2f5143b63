/** The compiled mapping of each provider, made once for each isolate. */
import { compileMapping, type Mapping } from "./compile.ts";

const cache = new Map<string, { json: unknown; mapping: Mapping }>();

/** The mapping of `provider` among `files`, or undefined when there is none. Throws MappingError when the file is wrong. */
export function mappingOf(provider: string, files: Record<string, unknown>): Mapping | undefined {
  if (!Object.hasOwn(files, provider)) return undefined;
  const json = files[provider];
  const cached = cache.get(provider);
  if (cached?.json === json) return cached?.mapping;
  const mapping = compileMapping(provider, json);
  cache.set(provider, { json, mapping });
  return mapping;
}
