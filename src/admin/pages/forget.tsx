/** What the page of an event shows before a person is forgotten. */
import { inline } from "../display.ts";
import { TOO_MANY } from "../forget.ts";
import type { Forgotten } from "../schema.ts";
import { Ask } from "./confirm.tsx";

/** Ids that are shown. */
const MAX_SHOWN = 10;

const Ids = ({ ids }: { ids: string[] }) => (
  <>
    {ids.slice(0, MAX_SHOWN).map((id, i) => (
      <>
        {i > 0 && ", "}
        <a href={`/admin/events/${encodeURIComponent(id)}`}>{id}</a>
      </>
    ))}
    {ids.length > MAX_SHOWN && ` and ${ids.length - MAX_SHOWN} more`}
  </>
);

/** `forget`: what would be erased; null: it would be too many persons. */
export const AskForget = ({ forget, here }: { forget: Forgotten | null; here: string }) => (
  <Ask title="Forget this person?">
    {forget === null ? (
      <p>That can't be done here: {TOO_MANY}.</p>
    ) : (
      <>
        <p>
          Known as{" "}
          <bdi>{[...forget.customers, ...forget.emails].map((one) => inline(one, 60)).join(", ")}</bdi>. Would
          be erased: {forget.events} events (payload, lead, attempts) and {forget.clicks} remembered clicks. A
          pending event ends, and is not delivered. It can't be undone.
        </p>
        {forget.inDelivery.length > 0 && (
          <p>
            Left, since it is being delivered at this moment: <Ids ids={forget.inDelivery} />. Look again in a
            minute.
          </p>
        )}
        {forget.others.length > 0 && (
          <p>
            Left, since it is of somebody else and only names the person: <Ids ids={forget.others} />. Its
            payload goes after RETENTION_DAYS.
          </p>
        )}
        {forget.next === null ? (
          <form method="post" action={`${here}/forget`}>
            <button type="submit" class="main">
              Forget this person
            </button>{" "}
            <a href={here}>Leave it</a>
          </form>
        ) : (
          <p>
            There are more payloads to look into than one page can: run{" "}
            <code>npm run forget -- &lt;customer id&gt;</code>, which looks into all.
          </p>
        )}
        <p class="quiet">Dub still has the customer afterwards: delete it there.</p>
      </>
    )}
  </Ask>
);
