/** Where the documentation explains the set-up of a provider, and a reason. */
import { shipped } from "../../../mappings/index.ts";

/** Where the documentation is. */
export const REPOSITORY = "https://github.com/webhook-to-lead/webhook-to-lead/blob/main";

export function setUpPage(provider: string): string {
  return Object.hasOwn(shipped, provider)
    ? `${REPOSITORY}/mappings/${provider}/README.md`
    : `${REPOSITORY}/README.md#where-the-click-id-comes-from`;
}

/** A reason of an event, or of a refused webhook. */
export const reasonPage = (reason: string) => `${REPOSITORY}/docs/reasons.md#${reason}`;
