/** Days compared with Dub's list: a section of the overview, and `/admin/days/<day>` with the events of its differences. */
import { Hono } from "hono";
import type { Env } from "../../context.ts";
import { type Day, type DifferentEvent, findDifferent, readDay } from "../../ledger/days.ts";
import { iso as dateOf, namesOf } from "../../reconcile/findings.ts";
import { DAY } from "../../time.ts";
import { daySentence, differencesOf } from "../days.ts";
import { inline } from "../display.ts";
import { eventsHref } from "./chart.tsx";
import { answerPage } from "./layout.tsx";
import { Table } from "./parts.tsx";

/** Days that the overview shows, and events and names that the page of a day shows. */
export const DAYS_SHOWN = 7;
const EVENTS_SHOWN = 60;
const NAMES_SHOWN = 10;

/** The route of the page of a day. */
export function dayRoutes() {
  const route = new Hono<{ Bindings: Env }>();
  route.get("/days/:day{\\d{4}-\\d\\d-\\d\\d}", async (c) => {
    const at = Date.parse(c.req.param("day"));
    const day = Number.isNaN(at) ? null : await readDay(c.env.DB, at);
    if (!day) return c.notFound();
    const events = await findDifferent(c.env.DB, at, EVENTS_SHOWN);
    return answerPage(c, { title: dateOf(at), children: <DayPage day={day} events={events} /> });
  });
  return route;
}

/** The section of the overview; nothing before there is a day with leads. */
export const DaysSection = ({ days }: { days: Day[] }) => {
  const told = days.filter(({ delivered, listed }) => (delivered ?? 0) > 0 || listed > 0);
  if (told.length === 0) return null;
  return (
    <>
      <h2 id="days">Compared with Dub's list</h2>
      <Table caption="Days compared with Dub's list" head={["Day (UTC)", "Result", "Differences"]}>
        {told.map((day) => (
          <tr>
            <th scope="row">
              <a href={`/admin/days/${dateOf(day.day)}`}>{dateOf(day.day)}</a>
            </th>
            <td>{daySentence(day)}</td>
            <td>
              {differencesOf(day)
                .map(({ leads, says }) => `${leads} ${says}`)
                .join("; ") || (day.doneAt === null ? "" : "none")}
            </td>
          </tr>
        ))}
      </Table>
    </>
  );
};

const DayPage = ({ day, events }: { day: Day; events: DifferentEvent[] }) => {
  const differences = differencesOf(day);
  return (
    <>
      <h1>{dateOf(day.day)}, compared with Dub's list</h1>
      <p>{daySentence(day)}</p>
      <ul>
        {differences.map(({ kind, leads, says }) => (
          <li>
            {leads} {says}
            {kind === "missing" && (
              <>
                : <a href={eventsHref({ reason: "missing_at_dub", since: day.day - 30 * DAY })}>open them</a>
              </>
            )}
          </li>
        ))}
      </ul>
      <Names title="Leads of customers who have a lead of this Worker, too" json={day.twice} />
      <Names title="Leads of other senders" json={day.others} />
      {events.length > 0 && (
        <Table caption="Delivered leads with a difference" head={["Event", "What Dub says"]}>
          {events.map(({ id, atDub, dubClick }) => (
            <tr>
              <td>
                <a href={`/admin/events/${encodeURIComponent(id)}`}>{id}</a>
              </td>
              <td>
                {dubClick === null ? (SAYS[atDub ?? ""] ?? "not on its list") : "credited to another click"}
              </td>
            </tr>
          ))}
        </Table>
      )}
      {events.length === EVENTS_SHOWN && <p class="quiet">More events are left out here.</p>}
    </>
  );
};

const SAYS: Record<string, string> = {
  link_deleted: "its link was deleted",
  customer_deleted: "its customer was deleted",
  unclear: "not listed; the link of its click may be deleted",
};

const Names = ({ title, json }: { title: string; json: string }) => {
  const names = namesOf(json);
  return names.length === 0 ? null : (
    <p>
      {title}:{" "}
      {names
        .slice(0, NAMES_SHOWN)
        .map(([name, leads]) => `“${inline(name, 60)}” ${leads}`)
        .join(", ")}
      {names.length > NAMES_SHOWN && `, and ${names.length - NAMES_SHOWN} more names`}.
    </p>
  );
};
