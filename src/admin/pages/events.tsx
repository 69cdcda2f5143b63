/** The list of events: filters, search, export, and the newest ones as they come. */
import { type Context, Hono } from "hono";
import type { Deps, Env } from "../../context.ts";
import { readCausesOfNoEvent } from "../causes.ts";
import { beginning } from "../display.ts";
import { type ApiEvent, type EventPage, fieldsOfQuery, listEvents } from "../events.ts";
import { type Format, writeEvents } from "../export.ts";
import { type Fields, readFields } from "../fields.ts";
import { Causes } from "./causes.tsx";
import { address, FILTERS, Filters, withZone } from "./filters.tsx";
import { formOf, listed, withoutEmpty } from "./form.ts";
import { answerPage } from "./layout.tsx";
import { StatusMark, Table, Time, Words, Wrong } from "./parts.tsx";
import { replayAddress } from "./replay.tsx";

/** Events in one exported file. */
const MAX_EXPORTED = 1_000;

/** The routes of the list. */
export function listPages(deps: Deps) {
  const { mappings } = deps;
  const pages = new Hono<{ Bindings: Env }>();
  const providers = Object.keys(mappings);
  const read = (given: object, allowed: readonly (keyof Fields)[]) => readFields(given, allowed, providers);

  pages.get("/events", async (c) => {
    const { live, ...given } = c.req.query();
    const filter = withZone(withoutEmpty(given));
    const { value, wrong } = read(fieldsOfQuery(listed(filter)), [...FILTERS, "before"]);
    const page =
      wrong.length > 0
        ? null
        : await listEvents(c.env.DB, { ...value, limit: rowsBeside(filter) }, providers);
    const { before: _, ...shown } = filter;
    const content = (
      <>
        <h1>Events</h1>
        <Filters filter={shown} providers={providers} live={live !== undefined} origin={originOf(c)} />
        {page ? (
          <Found
            page={page}
            older={page.next === null ? null : address({ ...shown, before: String(page.next) })}
          />
        ) : (
          <Wrong wrong={wrong} />
        )}
        {page && page.events.length > 0 && <Export fields={filter} />}
        {page && Object.keys(shown).length > 0 && (
          <p class="quiet">
            <a href={replayAddress(shown)}>Replay these …</a> says first what all events of this filter would
            become.
          </p>
        )}
      </>
    );
    return answerPage(c, { title: "Events", live: live !== undefined, children: content }, page ? 200 : 400);
  });

  // By POST, and never in an address: Cloudflare's logs keep addresses, and this can be an e-mail address.
  pages.get("/search", (c) => c.redirect("/admin/events"));
  pages.post("/search", async (c) => {
    const given = withoutEmpty(await formOf(c));
    const { value, wrong } = read(fieldsOfQuery(listed(given)), ["find", "before"]);
    const find = value.find ?? "";
    if (find === "") wrong.push("Write what to find.");
    const page = wrong.length > 0 ? null : await listEvents(c.env.DB, { ...value, related: true }, providers);
    const isNothing = page?.events.length === 0 && page.next === null && value.before === undefined;
    const causes = isNothing && (await readCausesOfNoEvent(c.env, deps, originOf(c)));
    const content = (
      <>
        <h1>Events of “{find}”</h1>
        {page && page.events.length > 0 && (
          <p class="quiet">
            Found as e-mail address, customer id, click id or event id; with all other events of the same
            persons.
          </p>
        )}
        {!page && <Wrong wrong={wrong} />}
        {causes && (
          <>
            <p>No event is kept for this. What could explain it:</p>
            <Causes causes={causes} budget={CAUSES_BUDGET} />
          </>
        )}
        {page && !causes && <Found page={page} older={null} />}
        {page?.next && (
          <form method="post" action="/admin/search">
            <input type="hidden" name="find" value={find} />
            <input type="hidden" name="before" value={page.next} />
            <button type="submit">Older</button>
          </form>
        )}
        {page && page.events.length > 0 && <Export fields={given} />}
      </>
    );
    return answerPage(c, { title: "Search", find, children: content }, page ? 200 : 400);
  });

  pages.post("/export", async (c) => {
    const { format, ...given } = withoutEmpty(await formOf(c));
    const { value, wrong } = read(fieldsOfQuery(listed(given)), [...FILTERS, "find", "before"]);
    if (format !== "csv" && format !== "json") wrong.push("format must be csv or json");
    if (wrong.length > 0) return answerPage(c, { title: "Export", children: <Wrong wrong={wrong} /> }, 400);
    const events: ApiEvent[] = [];
    const search = { ...value, ...(value.find !== undefined && { related: true }), limit: PER_PAGE };
    let next: number | null | undefined = value.before;
    for (let pages = 0; next !== null && pages < MAX_PAGES && events.length < MAX_EXPORTED; pages++) {
      const page: EventPage = await listEvents(
        c.env.DB,
        { ...search, ...(next !== undefined && { before: next }) },
        providers,
      );
      events.push(...page.events);
      next = page.next;
    }
    const { find, ...filter } = given;
    const rest = address({ ...filter, before: String(next) });
    const goOn =
      find === undefined
        ? `open ${new URL(rest, c.req.url).href} and export again`
        : `POST /api/events/search with "before": ${next} goes on`;
    const more = next === null ? null : `The file is cut: there can be older events. To get them: ${goOn}.`;
    return c.body(writeEvents(events, format as Format, more), 200, {
      "content-type": format === "csv" ? "text/csv; charset=utf-8" : "application/json",
      "content-disposition": `attachment; filename="events${next === null ? "" : "-cut"}.${format}"`,
    });
  });
  return pages;
}

const originOf = (c: Context) => new URL(c.req.url).origin;

/** Rows of a list whose links repeat a filter: the page stays below 30 kB also when the filter is long. */
const rowsBeside = (filter: Record<string, string>) => (address(filter).length > 300 ? 25 : 50);

/** Bytes that the causes may take, so that the page stays below 30 kB. */
const CAUSES_BUDGET = 20_000;
const PER_PAGE = 100;
/** Each page is up to three queries, of which a request of the Free plan may make 50. */
const MAX_PAGES = 15;

const Found = ({ page: { events, next }, older }: { page: EventPage; older: string | null }) => (
  <div id="found">
    {events.length === 0 ? (
      <p>{next === null ? "No event fits." : "No event fits so far. Older events were not looked at yet."}</p>
    ) : (
      <div class="list">
        <Table
          caption="Events, newest first"
          head={["Received (UTC)", "Provider", "Event", "Result", "Customer"]}
        >
          {events.map((event) => (
            <Row event={event} />
          ))}
        </Table>
      </div>
    )}
    {older && (
      <p>
        <a class="button" href={older} rel="next">
          {events.length === 0 ? "Look further" : "Older"}
        </a>
      </p>
    )}
  </div>
);

const Row = ({ event }: { event: ApiEvent }) => {
  const { id, receivedAt, provider, type, status, means, lead, link } = event;
  const customer = lead?.customerEmail ?? lead?.customerExternalId;
  return (
    <tr>
      <td>
        <a href={`/admin/events/${id}`}>
          <Time at={receivedAt} />
        </a>
      </td>
      <td>{provider}</td>
      <td>{beginning(type ?? "(no type)")}</td>
      <td>
        <StatusMark status={status} />{" "}
        <span class="quiet">
          {link?.shortLink ? `credited ${beginning(link.shortLink)}` : <Words text={gist(means)} />}
        </span>
      </td>
      <td>{typeof customer === "string" ? beginning(customer) : ""}</td>
    </tr>
  );
};

/** The beginning of a reason's sentence: the event's page has it whole. */
const gist = (means: string) => (means.split(/[:(]|, (?:or|and) /)[0] ?? "").trim();

const Export = ({ fields }: { fields: Record<string, string> }) => (
  <form class="export quiet" method="post" action="/admin/export">
    {Object.entries(fields).map(([name, value]) => (
      <input type="hidden" name={name} value={value} />
    ))}
    Export up to {MAX_EXPORTED.toLocaleString("en")}
    {fields.before !== undefined && " from this page on"} (if there are more, the end of the file says how to
    go on):{" "}
    <button type="submit" name="format" value="csv">
      CSV
    </button>{" "}
    <button type="submit" name="format" value="json">
      JSON
    </button>
  </form>
);
