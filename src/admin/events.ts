/** Reading events: `GET /api/events`, `POST /api/events/search`, `GET /api/events/:id`. */
import type { D1Database } from "@cloudflare/workers-types";
import { type Context, Hono } from "hono";
import type { Deps, Env } from "../context.ts";
import { type FoundRow, type Search, search } from "../ledger/search.ts";
import { about } from "../states.ts";
import { whyNot } from "./click-story.ts";
import { type EventDetails, jsonOf, readDetails } from "./details.ts";
import { badFilter, readFields, readObject, SEARCH_FIELDS } from "./fields.ts";
import type { ApiEvent, ApiEventWhole, EventPage } from "./schema.ts";

export type { ApiEvent, ApiEventWhole, EventPage };

const DEFAULT_PAGE = 50;

/** The routes that read events. */
export function eventRoutes(deps: Pick<Deps, "now" | "mappings">) {
  const routes = new Hono<{ Bindings: Env }>();
  const providers = Object.keys(deps.mappings);

  const page = async (c: Context<{ Bindings: Env }>, given: object) => {
    const { value, wrong } = readFields(given, SEARCH_FIELDS, providers);
    return wrong.length > 0 ? badFilter(c, wrong) : c.json(await listEvents(c.env.DB, value, providers));
  };

  routes.get("/events", async (c) => {
    const given = fieldsOfQuery(c.req.queries());
    // Cloudflare's logs keep the address of a request.
    if ("find" in given)
      return badFilter(c, ["send find by POST /api/events/search, since addresses are logged"]);
    return page(c, given);
  });

  routes.post("/events/search", async (c) => {
    const body = await readObject(c);
    if (!body) return badFilter(c, ['Send a JSON object such as {"find": "user_123"}']);
    return page(c, body);
  });

  routes.get("/events/:id", async (c) => {
    const id = c.req.param("id");
    const told = await readDetails(c.env, deps, id);
    return told
      ? c.json({ ...whole(told), story: storyAs(told), others: othersAs(told) })
      : unknownEvent(c, id);
  });
  return routes;
}

/** A page of events, newest first, and `before` of the next one: a page may have few events, or none, and still a next one. */
export async function listEvents(
  db: D1Database,
  { limit = DEFAULT_PAGE, ...filter }: Partial<Search>,
  providers: string[],
): Promise<EventPage> {
  const { rows, next } = await search(db, { ...filter, limit }, providers);
  return { events: rows.map(short), next };
}

/** Without its story and its customer's other events. */
function whole({ row, attempts, clicks }: EventDetails): Omit<ApiEventWhole, "story" | "others"> {
  const { payload, doubt, doubtSince, leaseUntil, deliveredBy, atDub, atDubSince, dubClick, clickedAt } = row;
  return {
    ...short(row),
    payload: jsonOf(payload),
    doubt,
    doubtSince: time(doubtSince),
    leaseUntil: leaseUntil > 0 ? time(leaseUntil) : null,
    deliveredBy,
    clickToldAt: time(row.clickToldAt),
    clicks: clicks.map((click) => ({
      clickId: click.clickId,
      by: click.whose === "email" ? "email" : click.proof,
      clickedAt: time(click.clickedAt),
      toldAt: time(click.toldAt) as string,
      whyNot: row.clickBy === null ? whyNot(click, row) : null,
    })),
    atDub,
    atDubSince: time(atDubSince),
    dubClick,
    clickedAt: time(clickedAt),
    attempts: attempts.map(({ at, ...rest }) => ({
      at: time(at) as string,
      ...rest,
      means: about(rest.reason).means,
    })),
  };
}

/** The answer for an id that no event has. */
export function unknownEvent(c: Context, id: string) {
  return c.json({ error: "unknown_event", message: `There is no event with the id ${id}.` }, 404);
}

/** The fields that a query string gives. */
export function fieldsOfQuery(queries: Record<string, string[]>): object {
  return Object.fromEntries(Object.entries(queries).map(([name, texts]) => [name, fromQuery(name, texts)]));
}

/** The value of a field; one that may be there once, and is there twice, is given on as a list, which is refused. */
function fromQuery(name: string, texts: string[]): unknown {
  if (name === "status" || name === "reason") return texts.flatMap((text) => text.split(","));
  const [text = ""] = texts;
  if (texts.length > 1) return texts;
  return (name === "before" || name === "limit") && /^\d+$/.test(text) ? Number(text) : text;
}

function short(row: FoundRow): ApiEvent {
  const { means, todo } = about(row.reason);
  return {
    id: row.id,
    receivedAt: time(row.receivedAt) as string,
    provider: row.provider,
    eventId: row.eventId,
    type: row.type,
    status: row.status,
    reason: row.reason,
    means,
    todo,
    detail: row.detail,
    warnings: (jsonOf(row.warnings) ?? []) as ApiEvent["warnings"],
    lead: object(row.lead),
    link: jsonOf(row.link) as ApiEvent["link"],
    replayedAt: time(row.replayedAt),
    nextAttemptAt: time(row.nextAttemptAt),
    deliveredAt: time(row.deliveredAt),
    tries: row.tries,
    clickBy: row.clickBy,
  };
}

const time = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

/** An object of a JSON column; what was changed by hand and is none as `unreadable`. */
function object(text: string | null): Record<string, unknown> | null {
  const value = jsonOf(text);
  return typeof value === "object" ? (value as Record<string, unknown> | null) : { unreadable: text };
}

/** The story as the API shows it: sentences, each with its time if that is known. */
function storyAs({ story }: EventDetails): ApiEventWhole["story"] {
  return story.map(({ at, says }) => ({ at: time(at), says }));
}

function othersAs({ others }: EventDetails): ApiEventWhole["others"] {
  return others.rows.map(({ id, receivedAt, provider, type, status, reason }) => ({
    id,
    receivedAt: time(receivedAt) as string,
    provider,
    type,
    status,
    reason,
  }));
}
