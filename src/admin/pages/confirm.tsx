/** What the page of an event shows when it was asked for: what a replay would make of it, whether to end it, what Dub lists. */
import type { Child } from "hono/jsx";
import { type Expected, LEFT, type Left, type previewOne } from "../../replay/replay.ts";
import { about, type Reason, type Status } from "../../states.ts";
import { jsonOf } from "../details.ts";
import { inline, sizeOf, valueText, within } from "../display.ts";
import type { AtDub } from "../dub-leads.ts";
import { fieldRows } from "../field-rows.ts";
import { moment } from "../story.ts";
import { StatusMark, Table, Words } from "./parts.tsx";

/** Bytes that such a part may take. */
export const ASK_BUDGET = 4000;

export type Preview = Exclude<Awaited<ReturnType<typeof previewOne>>, null>;

export const Ask = ({ title, children }: { title: string; children: Child }) => (
  <section class="ask" id="ask" aria-label={title}>
    <h2>{title}</h2>
    {children}
  </section>
);

export const AskReplay = ({
  preview,
  kept,
  here,
}: {
  preview: Preview;
  kept: string | null;
  here: string;
}) => (
  <Ask title="What a replay would make of it">
    {"why" in preview ? (
      <p>A replay would leave it as it is. {LEFT[preview.why satisfies Left]}</p>
    ) : (
      <>
        <p class="quiet">
          Tried with today's mapping file; nothing is changed yet. What Dub answers is known only when it is
          asked.
        </p>
        {preview.would.slice(0, MAX_WOULD).map((one) => (
          <Would one={one} kept={kept} />
        ))}
        {preview.would.length > MAX_WOULD && <p>And {preview.would.length - MAX_WOULD} more events.</p>}
        <form method="post" action={`${here}/replay`}>
          <button type="submit" class="main">
            Replay it
          </button>{" "}
          <a href={here}>Leave it</a>
        </form>
      </>
    )}
  </Ask>
);

/** Bytes of the tags around a row. */
const ROW = 130;
const MAX_WOULD = 5;
const MAX_VALUE = 120;

const Would = ({ one, kept }: { one: Expected; kept: string | null }) => {
  const before = new Map(
    fieldRows(Object(jsonOf(kept)), null).map(({ field, kept: value }) => [field, value]),
  );
  const after = new Map(
    fieldRows(Object(jsonOf(one.lead)), null).map(({ field, kept: value }) => [field, value]),
  );
  const changed = [...new Set([...before.keys(), ...after.keys()])].filter(
    (field) => JSON.stringify(before.get(field)) !== JSON.stringify(after.get(field)),
  );
  const { shown, cut } = within(
    changed,
    (field) =>
      ROW +
      sizeOf(field) +
      sizeOf(valueText(before.get(field), MAX_VALUE)) +
      sizeOf(valueText(after.get(field), MAX_VALUE)),
    ASK_BUDGET / 3,
  );
  return (
    <>
      <p>
        <StatusMark status={one.status} /> <Words text={wouldBe(one.status, one.reason)} />
        {one.detail !== null && <> In detail: {inline(one.detail)}.</>}
      </p>
      {changed.length === 0 ? (
        <p>The lead would be the same.</p>
      ) : (
        <Table caption="What would change in the lead" head={["Field", "Now", "Then"]}>
          {shown.map((field) => (
            <tr>
              <th scope="row">{inline(field, MAX_VALUE)}</th>
              <td>
                <bdi>{valueText(before.get(field), MAX_VALUE)}</bdi>
              </td>
              <td>
                <bdi>{valueText(after.get(field), MAX_VALUE)}</bdi>
              </td>
            </tr>
          ))}
        </Table>
      )}
      {cut && <p class="quiet">More fields would change.</p>}
    </>
  );
};

function wouldBe(status: Status, reason: Reason): string {
  return status === "pending"
    ? "It would be a lead, and Dub would be asked next. What Dub answers decides."
    : `It would be ${status}: ${about(reason).means}.`;
}

export const AskEnd = ({ status, here }: { status: Status; here: string }) => (
  <Ask title="End it?">
    {status === "pending" ? (
      <>
        <p>
          It is not delivered then. It ends as failed with the reason ended_by_operator, and can be replayed
          later. If the lead may be at Dub already, no other event of the same customer and event name is
          delivered in its place.
        </p>
        <form method="post" action={`${here}/end`}>
          <button type="submit" class="main">
            End it
          </button>{" "}
          <a href={here}>Leave it</a>
        </form>
      </>
    ) : (
      <p>It can't be ended: it is not pending.</p>
    )}
  </Ask>
);

export const ListedAtDub = ({ dub, since }: { dub: AtDub; since: number }) => {
  const line = ({ eventName, timestamp, link }: AtDub["leads"][number]) => [
    inline(eventName, 100),
    inline(timestamp, 40),
    inline(link?.shortLink ?? link?.id ?? "–", 150),
    inline(link?.partnerId ?? "–", 60),
  ];
  const { shown, cut } = within(
    dub.leads.map(line),
    (cells) => 60 + cells.reduce((sum, cell) => sum + sizeOf(cell), 0),
    ASK_BUDGET - 1500,
  );
  return (
    <Ask title="What Dub lists for this customer">
      {dub.says.map((says) => (
        <p>{says}</p>
      ))}
      {shown.length > 0 && (
        <Table caption="Leads that Dub lists" head={["Event", "At", "Link", "Partner"]}>
          {shown.map((cells) => (
            <tr>
              {cells.map((cell) => (
                <td>
                  <bdi>{cell}</bdi>
                </td>
              ))}
            </tr>
          ))}
        </Table>
      )}
      {cut && <p>There are more.</p>}
      <p class="quiet">Leads since {moment(since)} are asked for. Nothing is recorded by asking.</p>
    </Ask>
  );
};
