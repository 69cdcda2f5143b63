/** Asking Dub for the leads that no page of its list has, one by one. */
import type { Dub } from "../dub/client.ts";
import type { Unlisted as Failed } from "../dub/find.ts";
import { lookUp } from "../dub/list.ts";
import type { CreditedLink } from "../lead.ts";
import type { Asked, Unlisted } from "../ledger/days.ts";
import { DAY } from "../time.ts";
import { ASK_WAIT } from "./limits.ts";

/** Dub may have recorded a lead so long before its delivery was noted: the answer was lost, and it was looked for again. */
const BEFORE = 8 * DAY;

/** Asks for each; ends with the first that Dub does not answer. */
export async function askEach(
  dub: Dub,
  leads: Unlisted[],
  sleep: (time: number) => Promise<void>,
): Promise<{ answers: Asked[]; problem?: Failed }> {
  const answers: Asked[] = [];
  for (const [i, { id, lead, link, deliveredAt }] of leads.entries()) {
    if (i > 0) await sleep(ASK_WAIT);
    const credited = link === null ? null : (JSON.parse(link) as CreditedLink).id;
    const found = await lookUp(dub, lead, deliveredAt - BEFORE, credited);
    switch (found.kind) {
      case "failed":
      case "refused":
      case "throttled":
        return { answers, problem: found };
      default:
        answers.push({ id, found: found.kind, clickId: found.kind === "listed" ? found.clickId : null });
    }
  }
  return { answers };
}
