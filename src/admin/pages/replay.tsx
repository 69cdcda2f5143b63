/** Replaying all events of a filter: first what they would become, then as many with each request as one may. */
import { type Context, Hono } from "hono";
import type { Alert } from "../../alert.ts";
import type { Deps, Env } from "../../context.ts";
import type { Filter } from "../../ledger/part.ts";
import { log } from "../../log.ts";
import {
  count,
  LEFT,
  type PreviewedEvent,
  previewMany,
  replay,
  SLICE,
  type Slice,
} from "../../replay/replay.ts";
import { about, type Reason } from "../../states.ts";
import { beginning } from "../display.ts";
import { fieldsOfQuery } from "../events.ts";
import { REPLAY_FILTERS, readFields } from "../fields.ts";
import { address, withZone } from "./filters.tsx";
import { formOf, listed, withoutEmpty } from "./form.ts";
import { answerPage } from "./layout.tsx";
import { StatusMark, Table, Time, Words, Wrong } from "./parts.tsx";

/** Events that the preview lists, the oldest. */
const MAX_LISTED = 20;

type Fields = Record<string, string>;

/** The address of the page that asks, for the filter of the list. */
export const replayAddress = (filter: Fields) => `/admin/replay?${new URLSearchParams(filter)}`;

/** The address that asks about the events after a number. */
const onward = (filter: Fields, after: number, done: number) =>
  replayAddress({ ...filter, after: String(after), done: String(done) });

/** The routes of `/admin/replay`. */
export function replayPages(deps: Deps & { alert: Alert }) {
  const pages = new Hono<{ Bindings: Env }>();
  const providers = Object.keys(deps.mappings);

  /** `filter`: as it was sent. `search`: as it is read. */
  const read = ({ after = "0", done = "0", ...filter }: Fields) => {
    const { value: search, wrong } = readFields(fieldsOfQuery(listed(filter)), REPLAY_FILTERS, providers);
    if (Object.keys(filter).length === 0) wrong.push("Filter the list first: say which events to replay.");
    for (const number of [after, done])
      if (!/^\d{1,15}$/.test(number))
        wrong.push("The form is not one of this page: begin with the list again.");
    return { filter, search: search as Filter, wrong, after: Number(after), done: Number(done) };
  };
  const refuse = (c: Context, wrong: string[]) =>
    answerPage(c, { title: "Replay", children: <Wrong wrong={wrong} /> }, 400);

  pages.get("/replay", async (c) => {
    const { filter, search, wrong, after, done } = read(withZone(withoutEmpty(c.req.query())));
    if (wrong.length > 0) return refuse(c, wrong);
    const { events, next } = await previewMany(c.env, deps, search, after);
    const children = <Preview filter={filter} events={events} next={next} after={after} done={done} />;
    return answerPage(c, { title: "Replay", children });
  });

  pages.post("/replay", async (c) => {
    const { filter, search, wrong, after, done } = read(withoutEmpty(await formOf(c)));
    if (wrong.length > 0) return refuse(c, wrong);
    const slice = await replay(c.env, deps, search, { dryRun: false, after, leadKeys: [] });
    log("info", "replay", { events: slice.events, dryRun: false });
    const children = <Result filter={filter} slice={slice} done={done + slice.events} />;
    return answerPage(c, { title: "Replay", children });
  });
  return pages;
}

type StepProps = { filter: Fields; after: number; done: number; label: string };

/** The button that replays the events after a number. */
const Step = ({ filter, after, done, label }: StepProps) => (
  <form method="post" action="/admin/replay">
    {Object.entries({ ...filter, after: String(after), done: String(done) }).map(([name, value]) => (
      <input type="hidden" name={name} value={value} />
    ))}
    <button type="submit" class="main">
      {label}
    </button>{" "}
    <a href={address(filter)}>{done === 0 ? "Leave them" : "Stop here"}</a>
  </form>
);

const number = (value: number, what = "event") =>
  `${value.toLocaleString("en")} ${what}${value === 1 ? "" : "s"}`;

const Chosen = ({ filter }: { filter: Fields }) => (
  <p>
    All events with{" "}
    {Object.entries(filter).map(([name, value], i) => (
      <>
        {i > 0 && ", "}
        {name} <code>{beginning(value, 300)}</code>
      </>
    ))}
    , the oldest first, with up to {SLICE} in one step.
  </p>
);

type PreviewProps = {
  filter: Fields;
  events: PreviewedEvent[];
  next: number | null;
  after: number;
  done: number;
};

const Preview = ({ filter, events, next, after, done }: PreviewProps) => {
  const would = events.flatMap((one) => ("would" in one ? one.would : []));
  const left = events.flatMap((one) => ("why" in one ? [one] : []));
  return (
    <>
      <h1>Replay these events?</h1>
      <Chosen filter={filter} />
      {events.length === 0 ? (
        <p>
          {next === null ? (
            <>
              No {after > 0 && "other "}event fits. <a href={address(filter)}>Back to the list</a>
            </>
          ) : (
            <>
              None fits of the events looked at so far. <a href={onward(filter, next, done)}>Look further</a>
            </>
          )}
        </p>
      ) : (
        <>
          <p class="quiet">
            Tried with today's mapping files; nothing is changed yet. What Dub answers is known only when it
            is asked.{" "}
            {next !== null &&
              `This is a preview of ${number(events.length)}; there can be more, which come after them.`}
          </p>
          <Counted
            caption={`What ${number(events.length)} would become`}
            became={count(would, ({ status, reason }) => ({ status, reason }))}
            left={count(left, ({ why }) => ({ why, message: LEFT[why] }))}
          />
          <Table
            caption={events.length > MAX_LISTED ? `The first ${MAX_LISTED} of them` : "Each of them"}
            head={["Received (UTC)", "Provider", "Event", "Now", "Then"]}
          >
            {events.slice(0, MAX_LISTED).map((one) => (
              <Row one={one} />
            ))}
          </Table>
          {would.length > 0 || next !== null ? (
            <Step
              filter={filter}
              after={after}
              done={done}
              label={`Replay ${next === null ? "" : "the first "}${number(events.length)}`}
            />
          ) : (
            <p>A replay would leave all of them as they are.</p>
          )}
        </>
      )}
    </>
  );
};

const Row = ({ one }: { one: PreviewedEvent }) => {
  const { id, provider, type, status, received_at } = one.row;
  return (
    <tr>
      <td>
        <a href={`/admin/events/${id}`}>
          <Time at={new Date(received_at).toISOString()} />
        </a>
      </td>
      <td>{provider}</td>
      <td>{beginning(type ?? "(no type)")}</td>
      <td>
        <StatusMark status={status} />
      </td>
      <td>
        {"why" in one ? (
          <>stays: {LEFT[one.why]}</>
        ) : (
          <>
            {one.would.slice(0, 1).map((first) => (
              <>
                <StatusMark status={first.status} /> <code>{first.reason}</code>
                {first.detail !== null && `: ${beginning(first.detail, 120)}`}
              </>
            ))}
            {one.would.length > 1 && ` and ${number(one.would.length - 1, "other event")}`}
          </>
        )}
      </td>
    </tr>
  );
};

type CountedProps = { caption: string } & Pick<Slice, "became" | "left">;

const Counted = ({ caption, became, left }: CountedProps) => (
  <Table caption={caption} head={["Events", "Result", "Meaning"]}>
    {became.map(({ events, status, reason }) => (
      <tr>
        <td>{events}</td>
        <td>
          <StatusMark status={status} /> <code>{reason}</code>
        </td>
        <td>
          <Words text={about(reason satisfies Reason).means} />
        </td>
      </tr>
    ))}
    {left.map(({ events, message }) => (
      <tr>
        <td>{events}</td>
        <td>stays as it is</td>
        <td>{message}</td>
      </tr>
    ))}
  </Table>
);

type ResultProps = { filter: Fields; slice: Slice; done: number };

const Result = ({ filter, slice, done }: ResultProps) => (
  <>
    <h1>{slice.next === null ? "Replayed" : "Replayed so far"}</h1>
    <Chosen filter={filter} />
    {slice.events === 0 ? (
      <p>
        {slice.next === null ? "No other event fits." : "None fits of the events looked at in this step."}
      </p>
    ) : (
      <Counted caption={`What ${number(slice.events)} became`} became={slice.became} left={slice.left} />
    )}
    {done > slice.events && <p>With the steps before, {number(done)} were looked at.</p>}
    {slice.next === null ? (
      <p>
        There are no more. The leads among them are delivered within minutes:{" "}
        <a href={address({ status: "pending" })}>pending events</a>, <a href={address({})}>all events</a>.
      </p>
    ) : (
      <>
        <p>There can be more events of this filter.</p>
        <Step filter={filter} after={slice.next} done={done} label={`Go on with up to ${SLICE} more`} />
        <p>
          <a href={onward(filter, slice.next, done)}>Look first at what they would become</a>
        </p>
      </>
    )}
  </>
);
