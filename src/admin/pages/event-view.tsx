/** The page of one event: its state, what can be done, its story, and its lead beside its payload. */
import { LEFT } from "../../replay/replay.ts";
import { about } from "../../states.ts";
import { iso } from "../checks.ts";
import { type EventDetails, jsonOf } from "../details.ts";
import { inline, sizeOf, within } from "../display.ts";
import { type AtDub, LISTED_BEFORE } from "../dub-leads.ts";
import { fieldRows } from "../field-rows.ts";
import { todoAt } from "../local.ts";
import type { Cause } from "../no-lead.ts";
import { type StoryStep, sentence } from "../story.ts";
import { Causes } from "./causes.tsx";
import { ASK_BUDGET, AskEnd, AskReplay, ListedAtDub, type Preview } from "./confirm.tsx";
import { Sides } from "./lead-and-payload.tsx";
import { Reason, StatusMark, Time, Words } from "./parts.tsx";
import { setUpPage } from "./set-up.ts";

/** Bytes that the parts of the page may take, so that it stays below 30 kB whatever an event holds. */
const BUDGET = { attempts: 3500, story: 4500, payload: 12_000, causes: 4000 };
/** Of the tags around a step of the story. */
const STEP = 100;

/** What is shown beside the event itself, when it was asked for. */
export type Besides = {
  said?: string | undefined;
  ask?: "replay" | "end" | undefined;
  preview?: Preview;
  dub?: AtDub;
  causes?: Cause[];
};

/** What the page shows. `told`: what is known of the event. `origin`: of the Worker. */
export const Event = ({
  told,
  origin,
  said,
  ask,
  preview,
  dub,
  causes = [],
}: { told: EventDetails; origin: string } & Besides) => {
  const { row, lead, payload } = told;
  const { means, todo } = about(row.reason);
  const here = `/admin/events/${encodeURIComponent(row.id)}`;
  const rows = fieldRows(lead, told.explanation);
  const budget = BUDGET.payload - (preview || dub ? ASK_BUDGET : 0) - (causes.length > 0 ? BUDGET.causes : 0);
  return (
    <div id="found">
      <h1 class="event">
        <StatusMark status={row.status} /> <bdi>{inline(row.type ?? "no type", 255)}</bdi>
      </h1>
      <Said said={said} />
      <section class={`verdict ${row.status}`} aria-label="State">
        <p class="means">
          {row.link === null ? <Words text={sentence(means)} /> : <Credited link={jsonOf(row.link)} />}
        </p>
        {row.detail !== null && (
          <p>
            In detail: <q>{inline(row.detail, 400)}</q>
          </p>
        )}
        <p>
          <strong>What to do:</strong> <Words text={sentence(todoAt(origin, todo))} />
          {row.reason === "no_click_id" && (
            <>
              {" "}
              <a href={setUpPage(row.provider)}>How the click id gets into the webhook</a>
            </>
          )}
        </p>
        <p class="quiet">
          Reason <Reason name={row.reason} /> (
          <a href={`/admin/events?reason=${row.reason}`}>all events with it</a>), event <code>{row.id}</code>{" "}
          of {row.provider}, received <Time at={iso(row.receivedAt)} />
        </p>
      </section>
      <Actions told={told} here={here} />
      {ask === "replay" && preview && <AskReplay preview={preview} kept={row.lead} here={here} />}
      {ask === "end" && <AskEnd status={row.status} here={here} />}
      {dub && <ListedAtDub dub={dub} since={row.receivedAt - LISTED_BEFORE} />}
      {causes.length > 0 && (
        <>
          <h2>What could explain it</h2>
          <Causes causes={causes} budget={BUDGET.causes} />
        </>
      )}
      <h2 id="story">Story</h2>
      <Story steps={told.story} id={row.id} />
      <Sides rows={rows} told={told} here={here} budget={payload === undefined ? 0 : budget} />
    </div>
  );
};

const Credited = ({ link }: { link: unknown }) => {
  const { shortLink, id, partnerId } = Object(link) as Record<string, unknown>;
  return (
    <>
      Dub credited the lead to the link <bdi>{inline(String(shortLink ?? id))}</bdi>
      {typeof partnerId === "string" && (
        <>
          , of the partner <bdi>{inline(partnerId)}</bdi>
        </>
      )}
      .
    </>
  );
};

const SAID: Record<string, string> = {
  replayed:
    "It was replayed. What became of it is shown here; while it is pending, this page looks again by itself.",
  ended: "It was ended. It can be replayed later.",
  "not-pending": "It was not ended: it is not pending, or it is being delivered at this moment.",
  ...Object.fromEntries(
    Object.entries(LEFT).map(([why, says]) => [`left-${why}`, `The replay left it as it is. ${says}`]),
  ),
};

const Said = ({ said }: { said: string | undefined }) =>
  said !== undefined && Object.hasOwn(SAID, said) ? (
    <p class="said" role="status">
      {SAID[said]}
    </p>
  ) : null;

const Actions = ({ told, here }: { told: EventDetails; here: string }) => {
  const { row, lead, mapping, payload } = told;
  const person = lead?.customerExternalId ?? lead?.customerEmail;
  return (
    <div class="actions">
      <a class="button" href={`${here}?ask=replay#ask`}>
        Replay …
      </a>
      {row.status === "pending" && (
        <a class="button" href={`${here}?ask=end#ask`}>
          End it …
        </a>
      )}
      {person !== undefined && (
        <form method="post" action="/admin/search">
          <input type="hidden" name="find" value={person} />
          <button type="submit">Other events of this person</button>
        </form>
      )}
      {lead?.customerExternalId !== undefined && (
        <form method="post" action={`${here}/dub#ask`}>
          <button type="submit">Ask Dub what it lists</button>
        </form>
      )}
      {payload !== undefined && (
        <>
          <a class="button" href={`/admin/workbench?event=${encodeURIComponent(row.id)}`}>
            Open in the workbench
          </a>
          {mapping && (
            <a class="button" href={`${here}/sample`}>
              Copy as a sample
            </a>
          )}
        </>
      )}
    </div>
  );
};

const sizeOfStep = ({ says }: StoryStep) => sizeOf(says) + STEP;

const Story = ({ steps, id }: { steps: StoryStep[]; id: string }) => {
  const attempts = steps.filter(({ attempt }) => attempt);
  const newest = new Set(within(attempts.toReversed(), sizeOfStep, BUDGET.attempts).shown);
  const left = attempts.length - newest.size;
  const others = within(
    steps.filter(({ attempt }) => !attempt),
    sizeOfStep,
    BUDGET.story,
  );
  const kept = new Set([...newest, ...others.shown]);
  return (
    <>
      <ol class="story">
        {steps
          .filter((one) => kept.has(one))
          .map(({ at, marked, event }) => (
            <li>
              {at !== null && <Time at={iso(at)} />}
              <span>
                <Words text={marked} />
                {event !== undefined && (
                  <>
                    {" "}
                    <a href={`/admin/events/${encodeURIComponent(event)}`}>Open that event</a>
                  </>
                )}
              </span>
            </li>
          ))}
      </ol>
      {(left > 0 || others.cut) && (
        <p class="quiet">
          {left > 0 && `${left} older attempts are left out. `}
          {others.cut && "Some sentences are left out. "}
          <a href={`/api/events/${encodeURIComponent(id)}`}>The whole event as JSON</a> has them.
        </p>
      )}
    </>
  );
};
