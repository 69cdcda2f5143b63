/** The other events of the customer of an event, so that duplicates of one person are seen together. */
import { iso } from "../checks.ts";
import type { EventDetails } from "../details.ts";
import { beginning } from "../display.ts";
import { StatusMark, Time } from "./parts.tsx";

/** Bytes that one of them takes at most. */
const EACH = 400;

export const sizeOfOthers = ({ rows }: EventDetails["others"]) => EACH * rows.length;

export const Others = ({ others: { rows, more } }: { others: EventDetails["others"] }) =>
  rows.length === 0 ? null : (
    <>
      <h2 id="others">Other events of this customer</h2>
      <ul class="kept">
        {rows.map(({ id, provider, type, status, reason, receivedAt }) => (
          <li>
            <Time at={iso(receivedAt)} /> <StatusMark status={status} />{" "}
            <a href={`/admin/events/${encodeURIComponent(id)}`}>
              {provider} <bdi>{beginning(type ?? "no type")}</bdi>
            </a>{" "}
            <span class="quiet">{reason}</span>
          </li>
        ))}
      </ul>
      {more && (
        <p class="quiet">These are the newest. “Other events of this person”, above, finds all of them.</p>
      )}
    </>
  );
