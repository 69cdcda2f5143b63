/** What the workbench shows of a trial: mistakes in the texts, or each event with its lead and its expressions. */
import { sentence } from "../story.ts";
import type { Mistake, Tried, TriedEvent, TriedStep } from "../workbench.ts";
import { Reason, Table, Words } from "./parts.tsx";

/** Characters of HTML that the result may have, beside what is always there: a page has less than 30 kB. */
const MAX_DETAILS = 15_000;
const MAX_LEAD = 1200;
const MAX_READS = 4;

/** Says of one text after the other whether there is still room for it. */
function room(): (text: string) => boolean {
  let left = MAX_DETAILS;
  return (text) => {
    if (left > 0) left -= text.length + 5 * (text.match(/[<>&"']/g)?.length ?? 0);
    return left > 0;
  };
}

/** The result of trying a mapping file on a webhook. */
export const Result = ({ tried: { mistakes, each, events, more } }: { tried: Tried }) => {
  if (mistakes.length > 0) return <Mistakes mistakes={mistakes} />;
  if (events.length === 0)
    return each ? (
      <>
        <h2>No event</h2>
        <p>The webhook itself says that it holds no event.</p>
        <Steps steps={[each]} caption="How the webhook is split" />
      </>
    ) : (
      <p class="quiet">Paste a webhook, and press Try.</p>
    );
  const fits = room();
  const leads = events.map(({ lead }) => leadText(lead, fits));
  return (
    <>
      {each && <Steps steps={[each]} caption="How the webhook is split" />}
      {events.map((event, i) => (
        <Event event={event} lead={leads[i] ?? ""} number={events.length > 1 ? i + 1 : null} fits={fits} />
      ))}
      {more > 0 && <p class="quiet">and {more} more events, which are not shown.</p>}
    </>
  );
};

const Mistakes = ({ mistakes }: { mistakes: Mistake[] }) => {
  const fits = room();
  return (
    <>
      <h2>Not right yet</h2>
      <ul class="mistakes">
        {mistakes
          .filter(({ path = "", message }) =>
            fits(path.slice(0, 200) + message.slice(0, 500) + " ".repeat(400)),
          )
          .map(({ in: where, message, path, line, column, expression, at }) => (
            <li class="banner">
              {where === "mapping" ? "Mapping file" : "Webhook"}
              {line !== undefined && `, line ${line}, column ${column}`}
              {path !== undefined && (
                <>
                  : <code>{path.slice(0, 200)}</code>
                </>
              )}
              <p>
                <strong>{message.slice(0, 500)}</strong>
              </p>
              {expression !== undefined && <Marked source={expression} column={at} />}
            </li>
          ))}
      </ul>
    </>
  );
};

const BECOMES = {
  lead: ["a lead", "delivered"],
  skipped: ["skipped: kept, and not sent to Dub", "skipped"],
  rejected: ["rejected: kept, and not sent to Dub", "rejected"],
  ignored: ["ignored", "skipped"],
} as const;

function leadText(lead: object = {}, fits: (text: string) => boolean): string {
  if (Object.keys(lead).length === 0) return "";
  const json = JSON.stringify(lead, null, 2);
  const text = json.length > MAX_LEAD ? `${json.slice(0, MAX_LEAD).toWellFormed()}…` : json;
  return fits(text) ? text : "…";
}

const Event = ({
  event,
  lead,
  number,
  fits,
}: {
  event: TriedEvent;
  lead: string;
  number: number | null;
  fits: (text: string) => boolean;
}) => {
  const { becomes, reason, means, todo, rule, type } = event;
  const [says, mark] = BECOMES[becomes];
  const detail = event.detail && fits(event.detail.slice(0, 500)) ? event.detail.slice(0, 500) : "";
  const warnings = event.warnings.filter(({ did }) => fits(did.slice(0, 300)));
  const steps = event.steps.filter((step) => fits(JSON.stringify(step) + " ".repeat(150)));
  const left = event.steps.length - steps.length;
  return (
    <section class="tried">
      <h2>
        {number !== null && `Event ${number}: `}
        <span class={`mark ${mark}`}>{says}</span> {reason && <Reason name={reason} />}
      </h2>
      <p class="quiet">
        {type === null ? "without a type" : `type ${type.slice(0, 100)}`}
        {rule !== null && `, taken by rule ${rule + 1} (leads[${rule}])`}
      </p>
      {means && (
        <p>
          <Words text={sentence(means)} /> {detail && <>In detail: {detail.replace(/\.$/, "")}. </>}
          {todo && todo !== "nothing" && (
            <>
              What to do: <Words text={todo} />.
            </>
          )}
        </p>
      )}
      {warnings.length > 0 && (
        <ul>
          {warnings.map(({ field, did }) => (
            <li>
              Warning: <code>{field}</code>: {did.slice(0, 300)}
            </li>
          ))}
        </ul>
      )}
      {lead !== "" && (
        <>
          {becomes !== "lead" && <p>As far as it could be mapped:</p>}
          <pre tabindex={0}>{lead}</pre>
        </>
      )}
      {steps.length > 0 && (
        <Steps
          steps={steps}
          caption={`Expressions of ${number === null ? "the event" : `event ${number}`}`}
        />
      )}
      {left > 0 && (
        <p class="quiet">
          {steps.length > 0
            ? `${left} more expressions are not shown.`
            : "Try this event alone to see its expressions."}
        </p>
      )}
    </section>
  );
};

const Steps = ({ steps, caption }: { steps: TriedStep[]; caption: string }) => (
  <Table caption={caption} head={["Where", "Value", "Made of", "Expression", "Line"]}>
    {steps.map(({ line, path, field, source, error, reads, ...step }) => (
      <tr>
        <td class="where">
          <code>{(field === undefined ? path : `lead.${field}`).slice(0, 100)}</code>
        </td>
        <td>
          {error ? (
            <>
              <span class="mark failed">error</span> {error.message.slice(0, 300)}
            </>
          ) : (
            <code>{step.cut ?? JSON.stringify(step.value)}</code>
          )}
        </td>
        <td class="quiet">
          {reads.slice(0, MAX_READS).map((read) => (
            <>
              <code>{read.slice(0, 80)}</code>{" "}
            </>
          ))}
          {reads.length > MAX_READS && "…"}
        </td>
        <td>
          {error?.source !== undefined ? (
            <>
              {error.path !== path && <code>{error.path}</code>}
              <Marked source={error.source} column={error.column} />
            </>
          ) : (
            <code>{source.slice(0, 300)}</code>
          )}
        </td>
        <td class="number">{line}</td>
      </tr>
    ))}
  </Table>
);

const AROUND = 30;

/** An expression with a mark below the column, which is 1-based. */
const Marked = ({ source, column = 1 }: { source: string; column?: number | undefined }) => {
  const from = Math.max(0, column - 1 - AROUND);
  const part = source.slice(from, column - 1 + 2 * AROUND).replace(/\s/g, " ");
  return (
    <pre class="marked" tabindex={0}>
      {`${from > 0 ? "…" : ""}${part}\n${" ".repeat(column - 1 - from + (from > 0 ? 1 : 0))}^`}
    </pre>
  );
};
