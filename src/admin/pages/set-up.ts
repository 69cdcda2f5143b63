/** Where the set-up of a provider is explained. */
import { shipped } from "../../../mappings/index.ts";
import { REPOSITORY } from "./layout.tsx";

export function setUpPage(provider: string): string {
  return Object.hasOwn(shipped, provider)
    ? `${REPOSITORY}/mappings/${provider}/README.md`
    : `${REPOSITORY}/README.md#where-the-click-id-comes-from`;
}
