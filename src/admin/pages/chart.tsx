/** The charts of the overview, with the same figures as a table. */
import type { Status } from "../../states.ts";
import { DAY } from "../../time.ts";
import type { Bucket, Figures } from "../figures.ts";
import { Table } from "./parts.tsx";

/** Statuses from the bottom of a bar to its top. */
const STACK: Status[] = ["delivered", "pending", "duplicate", "skipped", "rejected", "failed"];
/** What is there can be seen, however little it is. Heights are of 100. */
const LEAST = 2;

/** The address of the events that fit filters; times in milliseconds. */
export function eventsHref(filters: Record<string, string | number>): string {
  const given = Object.entries(filters).map(
    ([name, value]) => `${name}=${typeof value === "number" ? timeOf(value) : encodeURIComponent(value)}`,
  );
  return `/admin/events?${given.join("&")}`;
}

/** A full hour of UTC as a filter takes it. */
function timeOf(at: number): string {
  const text = new Date(at).toISOString();
  return at % DAY === 0 ? text.slice(0, 10) : `${text.slice(0, 16)}Z`;
}

/** The beginning of a span as people read it. */
function nameOf({ at, until }: Bucket): string {
  const text = new Date(at).toISOString();
  return until - at === DAY ? text.slice(0, 10) : text.slice(0, 16).replace("T", " ");
}

/** The statuses that figures have, in the order of the bars. */
export const present = (figures: Figures) => STACK.filter((status) => figures.statuses[status]);

const withClick = ({ byWebhook, byMemory }: Figures) => byWebhook + byMemory;

/** How many of the sign-ups have a click id. */
const ofSignUps = (one: Figures) => (one.signUps > 0 ? `${withClick(one)} of ${one.signUps}` : "–");

/** The heads of the columns that say of how many sign-ups the click is known; in parts where click memory had one. */
export const clickHeads = (all: Figures) =>
  all.byMemory > 0 ? ["By webhook", "By memory", "By neither"] : ["With a click id"];

/** The texts of these columns. `all`: of the whole table. */
export const clickCells = (one: Figures, all: Figures) =>
  all.byMemory > 0 ? [one.byWebhook, one.byMemory, one.signUps - withClick(one)] : [ofSignUps(one)];

/** Events by status over time, and the share of sign-ups with a click id; then both as a table. `all`: of all spans. */
export const Charts = ({ buckets, all }: { buckets: Bucket[]; all: Figures }) => {
  const most = Math.max(...buckets.map(({ events }) => events));
  const span = buckets.some(({ at, until }) => until - at === DAY) ? "day" : "hour";
  return (
    <>
      <figure>
        <figcaption>
          Events by {span}; the most in one {span}: {most}
        </figcaption>
        <Bars buckets={buckets} most={most} />
        <Axis buckets={buckets} />
      </figure>
      {all.signUps > 0 && (
        <figure>
          <figcaption>
            Sign-ups whose click is known: {ofSignUps(all)} (
            {Math.round((100 * withClick(all)) / all.signUps)} %)
            {all.byMemory > 0 &&
              `: ${all.byWebhook} by the webhook (below), ${all.byMemory} by click memory (above), ${all.signUps - withClick(all)} by neither`}
            . When the share drops, the sign-up form has most likely stopped passing the click id on.
          </figcaption>
          <svg class="chart low" viewBox={viewBoxOf(buckets)} preserveAspectRatio="none" aria-hidden="true">
            <path class="bar click" d={sharePath(buckets, false)} />
            {all.byMemory > 0 && <path class="bar memory" d={sharePath(buckets, true)} />}
          </svg>
          <Axis buckets={buckets} />
        </figure>
      )}
      <details>
        <summary>The figures as a table</summary>
        <div class="figures">
          <Table
            caption={`Events by ${span}; those without events are left out`}
            head={[`${span === "day" ? "Day" : "Hour"} (UTC)`, "Events", ...present(all), ...clickHeads(all)]}
          >
            {buckets
              .filter(({ events }) => events > 0)
              .map((one) => (
                <tr>
                  <th scope="row">
                    <a href={eventsHref({ since: one.at, until: one.until })}>{nameOf(one)}</a>
                  </th>
                  <td>{one.events}</td>
                  {present(all).map((status) => (
                    <td>{one.statuses[status] ?? 0}</td>
                  ))}
                  {clickCells(one, all).map((cell) => (
                    <td>{cell}</td>
                  ))}
                </tr>
              ))}
          </Table>
        </div>
      </details>
    </>
  );
};

const viewBoxOf = (buckets: Bucket[]) => `0 0 ${10 * buckets.length} 100`;
const round = (value: number) => Math.round(10 * value) / 10;

/** Bars of stacked statuses, one path for each; each bar leads to its events. Screen readers have the table instead. */
const Bars = ({ buckets, most }: { buckets: Bucket[]; most: number }) => {
  const scale = (100 - LEAST * STACK.length) / most;
  const paths = new Map<Status, string>();
  buckets.forEach((bucket, i) => {
    let y = 100;
    for (const status of present(bucket)) {
      const top = y - Math.max(LEAST, (bucket.statuses[status] ?? 0) * scale);
      paths.set(status, `${paths.get(status) ?? ""}M${10 * i + 5} ${round(y)}V${round(top)}`);
      y = top;
    }
  });
  return (
    <svg class="chart" viewBox={viewBoxOf(buckets)} preserveAspectRatio="none" aria-hidden="true">
      {[...paths].map(([status, path]) => (
        <path class={`bar ${status}`} d={path} />
      ))}
      {buckets.map((one, i) =>
        one.events > 0 ? (
          <a href={eventsHref({ since: one.at, until: one.until })} tabindex={-1}>
            <rect x={10 * i}>
              <title>{`${nameOf(one)}: ${one.events}`}</title>
            </rect>
          </a>
        ) : null,
      )}
    </svg>
  );
};

/**
 * A bar for each span with sign-ups, as high as the share whose click is known by the webhook; a share of none can be
 * seen, too. `memory`: instead the part above it, of those known by click memory.
 */
function sharePath(buckets: Bucket[], memory: boolean): string {
  return buckets
    .map(({ signUps, byWebhook, byMemory }, i) => {
      if (signUps === 0 || (memory && byMemory === 0)) return "";
      const below = 100 - Math.max(LEAST, (100 * byWebhook) / signUps);
      const [from, to] = memory ? [below, Math.max(0, below - (100 * byMemory) / signUps)] : [100, below];
      return `M${10 * i + 5} ${round(from)}V${round(to)}`;
    })
    .join("");
}

const Axis = ({ buckets }: { buckets: Bucket[] }) => {
  const [first, last] = [buckets[0], buckets.at(-1)];
  return (
    <div class="axis">
      <span>{first && nameOf(first)}</span>
      <span>{last && nameOf(last)} (UTC, not over yet)</span>
    </div>
  );
};
