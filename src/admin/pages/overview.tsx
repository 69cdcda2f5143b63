/** `/admin`: what needs the operator, events over time, and each provider. */
import { Hono } from "hono";
import type { Deps, Env } from "../../context.ts";
import { type Day, readDays } from "../../ledger/days.ts";
import { type Counts, countHours } from "../../ledger/hours.ts";
import { DAY, HOUR } from "../../time.ts";
import { iso } from "../checks.ts";
import { bucketsOf, type Figures, figuresOf } from "../figures.ts";
import { toTurnOn } from "../local.ts";
import { readStatus, type Status } from "../status.ts";
import { Charts, clickCells, clickHeads, eventsHref, present } from "./chart.tsx";
import { ClickMemory, ClickProblem } from "./clicks.tsx";
import { DAYS_SHOWN, DaysSection } from "./days.tsx";
import { answerPage } from "./layout.tsx";
import { Table, Words, withStop } from "./parts.tsx";
import { Problems } from "./problems.tsx";
import { Provider, Refusals } from "./provider.tsx";
import { REPOSITORY } from "./set-up.ts";

/** The route of the overview. `?days=30`: of thirty days, by day, instead of 24 hours, by hour. */
export function overviewRoutes(deps: Deps) {
  const route = new Hono<{ Bindings: Env }>();
  route.get("/", async (c) => {
    const { origin } = new URL(c.req.url);
    const now = deps.now();
    const days = c.req.query("days") === "30" ? 30 : 1;
    const step = days === 1 ? HOUR : DAY;
    const since = now - (now % step) - days * DAY + step;
    const [status, counts, compared] = await Promise.all([
      readStatus(c.env, deps, { origin, askDub: false }),
      countHours(c.env.DB, since, step),
      readDays(c.env.DB, DAYS_SHOWN),
    ]);
    return answerPage(c, {
      title: "Overview",
      children: <Overview {...{ status, counts, compared, since, now, step }} />,
    });
  });
  return route;
}

type Period = { counts: Counts; since: number; now: number; step: number };

const Overview = ({ status, compared, ...period }: { status: Status; compared: Day[] } & Period) => (
  <>
    <h1>Overview</h1>
    <Problems status={status} />
    <ClickProblem clicks={status.clicks} />
    {isFresh(status, period.counts) ? <FirstSteps status={status} /> : <Events status={status} {...period} />}
    <DaysSection days={compared} />
    <h2 id="providers">Providers</h2>
    {status.providers.map((one) => (
      <Provider
        one={one}
        seen={period.counts.counts.findLast(({ provider }) => provider === one.provider)?.at}
      />
    ))}
    <ClickMemory clicks={status.clicks} />
    {status.refusals.length > 0 && (
      <>
        <h2>Webhooks sent to no provider's address</h2>
        <Refusals refusals={status.refusals} />
      </>
    )}
    <h2>Other checks</h2>
    <Table caption="Checks without a problem" head={["Check", "State", "Says"]}>
      {status.checks
        .filter(({ state }) => state !== "problem")
        .map(({ what, state, says }) => (
          <tr>
            <td>{what}</td>
            <td>
              <span class={`mark ${state}`}>{state}</span>
            </td>
            <td>
              <Words text={says} />
            </td>
          </tr>
        ))}
    </Table>
  </>
);

/** Whether no event has ever come. */
const isFresh = ({ keptSince, providers }: Status, { counts }: Counts) =>
  keptSince === null && counts.length === 0 && providers.every(({ lastEventAt }) => lastEventAt === null);

const FirstSteps = ({ status: { providers } }: { status: Status }) => {
  const on = providers.filter(({ state }) => state === "on");
  return (
    <>
      <h2>No event yet: what to do first</h2>
      <ol>
        <li>
          {on.length > 0 ? (
            <>Turn on your provider: {on.map(({ name }) => name).join(", ")} can send already.</>
          ) : (
            <>
              Turn on your provider: <Words text={withStop(providers[0] ? toTurnOn(providers[0]) : "")} /> The
              name of each provider's secret stands below.
            </>
          )}
        </li>
        <li>At the provider, create a webhook with the address that stands below.</li>
        <li>
          Let your sign-up form pass the click id on. The set-up page of your provider, linked below, shows
          how.
        </li>
        <li>
          Sign up by a link of yours. <a href={`${REPOSITORY}/docs/first-lead.md`}>To the first real lead</a>{" "}
          says what you should see at each step.
        </li>
      </ol>
    </>
  );
};

const Events = ({ status, counts, since, now, step }: { status: Status } & Period) => {
  const all = figuresOf(counts.counts);
  const latest = counts.summedUntil ?? since;
  return (
    <>
      <nav class="tabs" aria-label="Period">
        <a href="/admin" aria-current={step === HOUR ? "true" : undefined}>
          24 hours
        </a>
        <a href="/admin?days=30" aria-current={step === DAY ? "true" : undefined}>
          30 days
        </a>
      </nav>
      {all.events === 0 ? (
        <p>No event in this time.</p>
      ) : (
        <>
          <ul class="legend">
            {present(all).map((name) => (
              <li>
                <a href={eventsHref({ status: name, since })}>
                  <svg viewBox="0 0 1 1" aria-hidden="true">
                    <rect class={`bar ${name}`} width="1" height="1" />
                  </svg>
                  {all.statuses[name]} {name}
                </a>
              </li>
            ))}
          </ul>
          <Charts buckets={bucketsOf(counts.counts, since, now, step)} all={all} />
          <h2>By provider</h2>
          <ByProvider status={status} counts={counts} since={since} all={all} />
        </>
      )}
      <p class="quiet">
        Hours are counted after their end, and again one day and three days later; what a replay does to older
        events is not seen in the figures.
        {!counts.complete && ` There are more events since ${iso(latest)} than are counted at a time.`}
      </p>
    </>
  );
};

const ByProvider = ({
  status,
  counts: { counts },
  since,
  all,
}: {
  status: Status;
  counts: Counts;
  since: number;
  all: Figures;
}) => (
  <div class="figures stacked">
    <Table caption="Events by provider" head={["Provider", "Events", ...present(all), ...clickHeads(all)]}>
      {[...new Set(counts.map(({ provider }) => provider))].sort().map((provider) => {
        const figures = figuresOf(counts.filter((one) => one.provider === provider));
        const name = status.providers.find((one) => one.provider === provider)?.name ?? provider;
        return (
          <tr>
            <th scope="row">{name}</th>
            <td data-of="events">
              <a href={eventsHref({ provider, since })}>{figures.events}</a>
            </td>
            {present(all).map((one) => (
              <td data-of={one}>
                {figures.statuses[one] ? (
                  <a href={eventsHref({ provider, status: one, since })}>{figures.statuses[one]}</a>
                ) : (
                  0
                )}
              </td>
            ))}
            {clickCells(figures, all).map((cell, i) => (
              <td data-of={clickHeads(all)[i]?.toLowerCase()}>{cell}</td>
            ))}
          </tr>
        );
      })}
    </Table>
  </div>
);
