/** The filters of the list of events. */
import { about, REASONS, type Reason, STATUS_NAMES, statusOf } from "../../states.ts";
import { todoAt } from "../local.ts";
import { Reason as ReasonLink, Words } from "./parts.tsx";

/** What is filtered by, as in the address. */
export const FILTERS = ["status", "reason", "provider", "type", "since", "until"] as const;
type Filter = Partial<Record<(typeof FILTERS)[number], string>>;

/** The address of the list with a query. */
export function address(query: Record<string, string>): string {
  const text = new URLSearchParams(query).toString();
  return `/admin/events${text === "" ? "" : `?${text}`}`;
}

/** The value of a field for a time; a day is its beginning. */
const local = (time: string | undefined) =>
  time === undefined ? undefined : time.length === 10 ? `${time}T00:00` : time.replace(/Z$/, "");

/** A field for a time gives no time zone: times are UTC here. */
export function withZone(given: Record<string, string>): Record<string, string> {
  const zoned = ([name, value]: [string, string]) => [
    name,
    /T\d\d:\d\d(:\d\d)?$/.test(value) ? `${value}Z` : value,
  ];
  return Object.fromEntries(Object.entries(given).map(zoned));
}

type FiltersProps = { filter: Filter; providers: string[]; live: boolean; origin: string };

/** The form. `live`: the list is loaded again every few seconds. `origin`: of the Worker. */
export const Filters = ({ filter, providers, live, origin }: FiltersProps) => (
  <form class="filters" method="get" action="/admin/events">
    <Choice name="status" label="Status" names={STATUS_NAMES} chosen={filter.status} />
    <label>
      Reason
      <select name="reason">
        <option value="">all</option>
        {STATUS_NAMES.map((status) => (
          <optgroup label={status}>
            {(Object.keys(REASONS) as Reason[])
              .filter((reason) => statusOf(reason) === status)
              .map((reason) => (
                <option selected={filter.reason === reason}>{reason}</option>
              ))}
          </optgroup>
        ))}
      </select>
    </label>
    <Choice name="provider" label="Provider" names={providers} chosen={filter.provider} />
    <label>
      Event type
      <input name="type" value={filter.type} maxlength={255} placeholder="user.created" />
    </label>
    <label>
      From (UTC)
      <input type="datetime-local" name="since" value={local(filter.since)} />
    </label>
    <label>
      Before (UTC)
      <input type="datetime-local" name="until" value={local(filter.until)} />
    </label>
    <button type="submit">Filter</button>
    <a class="button" href={address(live ? filter : { ...filter, live: "1" })}>
      {live ? "Stop" : "Live"}
    </a>
    {live && (
      <p class="quiet live">
        Live: <span id="looked">the list is loaded again every few seconds</span>. A webhook that is refused,
        or that no rule takes, is not listed: see the <a href="/admin#providers">overview</a>.
      </p>
    )}
    {filter.reason !== undefined && Object.hasOwn(REASONS, filter.reason) && (
      <Meaning reason={filter.reason as Reason} origin={origin} />
    )}
  </form>
);

const Meaning = ({ reason, origin }: { reason: Reason; origin: string }) => (
  <p class="quiet live">
    <ReasonLink name={reason} />: <Words text={about(reason).means} />. What to do:{" "}
    <Words text={todoAt(origin, about(reason).todo)} />.
  </p>
);

type ChoiceProps = { name: string; label: string; names: string[]; chosen: string | undefined };

const Choice = ({ name, label, names, chosen }: ChoiceProps) => (
  <label>
    {label}
    <select name={name}>
      <option value="">all</option>
      {names.map((one) => (
        <option selected={one === chosen}>{one}</option>
      ))}
    </select>
  </label>
);
