/** The routes of one event: its page, and what can be done with it. */
import { type Context, Hono } from "hono";
import type { Alert } from "../../alert.ts";
import type { Deps, Env } from "../../context.ts";
import { log } from "../../log.ts";
import { endOne, previewOne, replayOne } from "../../replay/replay.ts";
import { readCausesOfNoClickId } from "../causes.ts";
import { type EventDetails, readDetails } from "../details.ts";
import { inline } from "../display.ts";
import { askDub, LISTED_BEFORE } from "../dub-leads.ts";
import { sampleFile } from "../sample.ts";
import { type Besides, Event } from "./event-view.tsx";
import { answerPage } from "./layout.tsx";
import { SamplePage } from "./sample.tsx";

type Page = Context<{ Bindings: Env }>;

/** The routes under `/admin/events/:id`. */
export function eventPages(deps: Deps & { alert: Alert }) {
  const pages = new Hono<{ Bindings: Env }>();
  const idOf = (c: Page) => c.req.param("id") ?? "";
  const back = (c: Page, said: string) =>
    c.redirect(`/admin/events/${encodeURIComponent(idOf(c))}?said=${said}`, 303);

  const show = async (c: Page, besides: Besides = {}) => {
    const told = await readDetails(c.env, deps, idOf(c));
    if (!told) return unknown(c);
    const causes =
      told.row.reason === "no_click_id" ? await readCausesOfNoClickId(c.env, deps, told, originOf(c)) : [];
    return answerPage(c, {
      title: titleOf(told),
      live: besides.said !== undefined && told.row.status === "pending",
      children: <Event told={told} origin={originOf(c)} causes={causes} {...besides} />,
    });
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
    return answerPage(c, {
      title: titleOf(told),
      children: <Event told={told} origin={originOf(c)} dub={dub} />,
    });
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

const originOf = (c: Page) => new URL(c.req.url).origin;

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
