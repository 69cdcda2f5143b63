/** The page of one event, and what can be done with it. */
import { type Context, Hono } from "hono";
import type { Alert } from "../../alert.ts";
import type { Deps, Env } from "../../context.ts";
import { log } from "../../log.ts";
import { endOne, LEFT, previewOne, replayOne } from "../../replay/replay.ts";
import { about } from "../../states.ts";
import { iso } from "../checks.ts";
import { type EventDetails, jsonOf, readDetails } from "../details.ts";
import { inline, sizeOf, within } from "../display.ts";
import { type AtDub, askDub, LISTED_BEFORE } from "../dub-leads.ts";
import { fieldRows } from "../field-rows.ts";
import { sampleFile } from "../sample.ts";
import { type StoryStep, sentence } from "../story.ts";
import { ASK_BUDGET, AskEnd, AskReplay, ListedAtDub, type Preview } from "./confirm.tsx";
import { answerPage } from "./layout.tsx";
import { Sides } from "./lead-and-payload.tsx";
import { StatusMark, Time, Words } from "./parts.tsx";
import { SamplePage } from "./sample.tsx";
import { setUpPage } from "./set-up.ts";

/** Bytes that the parts of the page may take, so that it stays below 30 kB whatever an event holds. */
const BUDGET = { attempts: 3500, story: 4500, payload: 12_000 };
/** Of the tags around a step of the story. */
const STEP = 100;

type Page = Context<{ Bindings: Env }>;

/** What is shown beside the event itself, when it was asked for. */
type Besides = {
  said?: string | undefined;
  ask?: "replay" | "end" | undefined;
  preview?: Preview;
  dub?: AtDub;
};

/** The routes under `/admin/events/:id`. */
export function eventPages(deps: Deps & { alert: Alert }) {
  const pages = new Hono<{ Bindings: Env }>();
  const idOf = (c: Page) => c.req.param("id") ?? "";
  const back = (c: Page, said: string) =>
    c.redirect(`/admin/events/${encodeURIComponent(idOf(c))}?said=${said}`, 303);

  const show = async (c: Page, besides: Besides = {}) => {
    const told = await readDetails(c.env, deps, idOf(c));
    return told
      ? answerPage(c, {
          title: titleOf(told),
          live: besides.said !== undefined && told.row.status === "pending",
          children: <Event told={told} {...besides} />,
        })
      : unknown(c);
  };

  pages.get("/events/:id", async (c) => {
    const said = c.req.query("said");
    const ask = c.req.query("ask");
    if (ask === "replay") {
      const preview = await previewOne(c.env, deps, idOf(c));
      return preview ? show(c, { ask, preview }) : unknown(c);
    }
    return show(c, { said, ask: ask === "end" ? ask : undefined });
  });

  pages.post("/events/:id/replay", async (c) => {
    const id = idOf(c);
    const done = await replayOne(c.env, deps, id);
    if (!done) return unknown(c);
    if ("why" in done) return back(c, `left-${done.why}`);
    log("info", "replay", { event: id, reason: done.was.reason, became: done.became[0]?.reason });
    return back(c, done.was.reason === "not_split" ? "split" : "replayed");
  });

  pages.post("/events/:id/end", async (c) => {
    const ended = await endOne(c.env, deps, idOf(c));
    if (ended === null) return unknown(c);
    if (ended) log("info", "ended", { event: idOf(c) });
    return back(c, ended ? "ended" : "not-pending");
  });

  pages.get("/events/:id/dub", (c) => c.redirect(`/admin/events/${encodeURIComponent(idOf(c))}`));
  pages.post("/events/:id/dub", async (c) => {
    const told = await readDetails(c.env, deps, idOf(c));
    if (!told) return unknown(c);
    const customer = told.lead?.customerExternalId;
    const dub =
      customer === undefined
        ? { says: ["Dub can't be asked: the customer's id is not known."], leads: [] }
        : await askDub(c.env, deps, customer, told.row.receivedAt - LISTED_BEFORE);
    return answerPage(c, { title: titleOf(told), children: <Event told={told} dub={dub} /> });
  });

  pages.get("/events/:id/payload", async (c) => {
    const told = await readDetails(c.env, deps, idOf(c));
    if (!told) return unknown(c);
    if (told.row.payload === null) return unknown(c, "The payload of this event is not kept.");
    return download(c, told.row.payload, `event-${told.row.id}`);
  });

  const sample = async (
    c: Page,
    answer: (told: EventDetails, file: ReturnType<typeof sampleFile>) => Response | Promise<Response>,
  ) => {
    const told = await readDetails(c.env, deps, idOf(c));
    if (!told) return unknown(c);
    if (told.payload === undefined)
      return unknown(c, "The payload of this event is not kept, so it can't be a sample.");
    if (!told.mapping)
      return unknown(c, "The mapping file of its provider can't be used, so it can't be a sample.");
    return answer(told, sampleFile(told.mapping, told.row, told.payload));
  };
  pages.get("/events/:id/sample.json", (c) =>
    sample(c, ({ row }, { text }) => download(c, text, `sample-${row.id}`)),
  );
  pages.get("/events/:id/sample", (c) =>
    sample(c, (told, file) =>
      answerPage(c, {
        title: "Sample",
        children: <SamplePage told={told} text={file.text} alone={file.alone} />,
      }),
    ),
  );

  return pages;
}

const titleOf = ({ row }: EventDetails) => `${inline(row.type ?? "no type", 80)}, ${row.status}`;

function download(c: Page, text: string, name: string) {
  return c.body(text, 200, {
    "content-type": "application/json; charset=utf-8",
    "content-disposition": `attachment; filename="${name.replace(/[^\w-]/g, "")}.json"`,
  });
}

function unknown(c: Page, says?: string) {
  const split = c.req.query("said") === "split";
  const children = split ? (
    <>
      <h1>The webhook was split</h1>
      <p>
        It is kept as its events now, each with an id of its own: they are the newest in the{" "}
        <a href="/admin/events">list of events</a>.
      </p>
    </>
  ) : (
    <>
      <h1>{says === undefined ? "There is no such event" : "There is nothing to show"}</h1>
      <p>
        {says ??
          "No event has the id of this address. Was the address copied whole? Events stay for good, so it was not removed by time."}
      </p>
      <p>
        <a href="/admin/events">All events</a>
      </p>
    </>
  );
  return answerPage(c, { title: "Not found", children }, split ? 200 : 404);
}

const Event = ({ told, said, ask, preview, dub }: { told: EventDetails } & Besides) => {
  const { row, lead, payload } = told;
  const { means, todo } = about(row.reason);
  const here = `/admin/events/${encodeURIComponent(row.id)}`;
  const rows = fieldRows(lead, told.explanation);
  const budget = BUDGET.payload - (preview || dub ? ASK_BUDGET : 0);
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
          <strong>What to do:</strong> <Words text={sentence(todo)} />
          {row.reason === "no_click_id" && (
            <>
              {" "}
              <a href={setUpPage(row.provider)}>How the click id gets into the webhook</a>
            </>
          )}
        </p>
        <p class="quiet">
          Reason <a href={`/admin/events?reason=${row.reason}`}>{row.reason}</a>, event <code>{row.id}</code>{" "}
          of {row.provider}, received <Time at={iso(row.receivedAt)} />
        </p>
      </section>
      <Actions told={told} here={here} />
      {ask === "replay" && preview && <AskReplay preview={preview} kept={row.lead} here={here} />}
      {ask === "end" && <AskEnd status={row.status} here={here} />}
      {dub && <ListedAtDub dub={dub} since={row.receivedAt - LISTED_BEFORE} />}
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
          .map(({ at, says, event }) => (
            <li>
              {at !== null && <Time at={iso(at)} />}
              <span>
                {says}
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
