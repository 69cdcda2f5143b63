/** The lead of an event beside its payload. */

import type { EventDetails } from "../details.ts";
import { inline, type Line, linesOf, sizeOf, valueText, within } from "../display.ts";
import { type FieldRow, marksOf } from "../field-rows.ts";
import { maskBeginning } from "../mask.ts";
import { isBlanked } from "../story.ts";
import { Table } from "./parts.tsx";

/** Bytes that the lead may take, and the tags around a row, a line and a mark. */
const LEAD_BUDGET = 4000;
const TAGS = { row: 130, line: 20, mark: 60 };

/** The lead and the payload, each marked with the numbers of the other. */
export const Sides = ({
  rows,
  told,
  here,
  budget,
}: {
  rows: FieldRow[];
  told: EventDetails;
  here: string;
  budget: number;
}) => {
  const { row, payload, lead, explanation } = told;
  const marks = marksOf(rows);
  const marksSize = (path: string | undefined) =>
    (marks.get(path ?? "") ?? []).reduce((sum, { field }) => sum + TAGS.mark + sizeOf(inline(field, 40)), 0);
  const lines = within(
    payload === undefined ? [] : linesOf(maskBeginning(payload)),
    ({ text, path }) => TAGS.line + sizeOf(text) + marksSize(path),
    budget,
  );
  const at = new Map(
    lines.shown.flatMap(({ path }, i) => (path !== undefined && marks.has(path) ? [[path, i]] : [])),
  );
  const fields = within(rows, sizeOfRow, LEAD_BUDGET);
  const outcome = explanation?.outcome;
  const differs =
    lead !== null &&
    outcome !== undefined &&
    JSON.stringify(outcome.kind === "ignored" ? undefined : outcome.lead) !== JSON.stringify(lead);
  return (
    <div class="sides">
      <section aria-labelledby="lead">
        <h2 id="lead">Lead</h2>
        {isBlanked(row) ? (
          <p>It was removed at the end of the retention time.</p>
        ) : rows.length === 0 ? (
          <p>None was made of it.</p>
        ) : (
          <Table
            caption="Fields of the lead, with where each is from"
            head={["Field", "Value, and what it is made of"]}
          >
            {fields.shown.map((one) => (
              <Field row={one} lines={at} />
            ))}
          </Table>
        )}
        {fields.cut && (
          <p class="quiet">
            Some fields are left out.{" "}
            <a href={`/api/events/${encodeURIComponent(row.id)}`}>The whole event as JSON</a> has them.
          </p>
        )}
        {explanation && rows.length > 0 && (
          <p class="quiet">
            The values are those kept. What they are made of is read from today's mapping file
            {differs ? ", which would give another lead by now: Replay shows what is different." : "."}
          </p>
        )}
      </section>
      <section aria-labelledby="payload">
        <h2 id="payload">Payload</h2>
        {payload === undefined ? (
          <p>
            {isBlanked(row)
              ? "It was removed at the end of the retention time."
              : "It was too large to be kept (over 1 MB)."}
          </p>
        ) : (
          <>
            <section class="payload" tabindex={0} aria-label="Payload as JSON">
              <pre>
                {lines.shown.map((line, i) => (
                  <PayloadLine line={line} number={i} marks={marks.get(line.path ?? "") ?? []} />
                ))}
              </pre>
            </section>
            {lines.cut && <p>It is longer: the download has all of it.</p>}
            <p class="quiet">
              <a href={`${here}/payload`}>Download the payload</a>: it is as it came, with personal data.
              Here, values under keys that look like credentials are hidden; in the download they are not.
            </p>
          </>
        )}
      </section>
    </div>
  );
};

const PayloadLine = ({
  line,
  number,
  marks,
}: {
  line: Line;
  number: number;
  marks: { field: string; number: number }[];
}) =>
  marks.length === 0 ? (
    `${line.text}\n`
  ) : (
    <>
      <mark id={`at${number}`}>{line.text}</mark>
      {marks.map((one) => (
        <>
          {" "}
          <a class="n" href={`#field${one.number}`}>
            {one.number} {inline(one.field, 40)}
          </a>
        </>
      ))}
      {"\n"}
    </>
  );

const MAX_PLACES = 4;
const MAX_SOURCE = 120;

function sizeOfRow({ field, kept, source = "", reads, gives }: FieldRow): number {
  const error = typeof gives === "object" ? gives.error : "";
  const texts = [
    inline(field, 100),
    valueText(kept),
    inline(source, MAX_SOURCE),
    inline(error),
    ...reads.slice(0, MAX_PLACES),
  ];
  return texts.reduce((sum, text) => sum + sizeOf(text) + 30, TAGS.row);
}

const Field = ({ row, lines }: { row: FieldRow; lines: Map<unknown, unknown> }) => {
  const { field, number, kept, source, gives, reads } = row;
  return (
    <tr id={number === undefined ? undefined : `field${number}`}>
      <th scope="row">
        {number !== undefined && <span class="n">{number}</span>} {inline(field, 100)}
      </th>
      <td>
        {kept === undefined && (gives === "fixed" || gives === "places") ? (
          <span class="quiet">not kept</span>
        ) : (
          <bdi>{valueText(kept)}</bdi>
        )}
        {reads.slice(0, MAX_PLACES).map((path) => (
          <Place path={path} line={lines.get(path)} />
        ))}
        {reads.length > MAX_PLACES && <div class="quiet">and {reads.length - MAX_PLACES} more places</div>}
        {gives === "fixed" && <div class="quiet">fixed in the mapping file</div>}
        {gives === "nothing" && <div>its expression gives nothing</div>}
        {typeof gives === "object" && <div>its expression fails: {inline(gives.error)}</div>}
        {source !== undefined && gives !== "fixed" && source !== reads[0] && (
          <div class="quiet">
            by <code>{inline(source, MAX_SOURCE)}</code>
          </div>
        )}
      </td>
    </tr>
  );
};

const Place = ({ path, line }: { path: string; line: unknown }) => (
  <div class="quiet">
    from{" "}
    {typeof line === "number" ? (
      <a href={`#at${line}`}>
        <code>{inline(path, 200)}</code>
      </a>
    ) : (
      <code>{inline(path, 200)}</code>
    )}
  </div>
);
