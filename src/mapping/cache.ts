/** The compiled mapping of each provider, made once for each isolate. */
import { compileMapping, type Mapping, MappingError } from "./compile.ts";

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

/** Compiles all files when the Worker starts, so that no request has to. A wrong file is named when it is asked for. */
export function compileAll(files: Record<string, unknown>): void {
  for (const provider of Object.keys(files)) {
    try {
      mappingOf(provider, files);
    } catch (error) {
      if (!(error instanceof MappingError)) throw error;
    }
  }
}
