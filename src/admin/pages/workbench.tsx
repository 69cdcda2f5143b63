/** The workbench: a webhook and a mapping file side by side, and what becomes of one by the other. */
import { type Context, Hono } from "hono";
import { html } from "hono/html";
import type { Deps, Env } from "../../context.ts";
import { readEvent, type WholeRow } from "../../ledger/search.ts";
import { jsonOf } from "../details.ts";
import { type ApiEvent, listEvents } from "../events.ts";
import { MASKED, mask } from "../mask.ts";
import {
  MAX_REQUEST,
  type Mistake,
  TOO_LARGE,
  type Trial,
  type Tried,
  type TriedEvent,
  type TriedStep,
  tryMapping,
} from "../workbench.ts";
import { readForm } from "./form.ts";
import { answerPage, REPOSITORY } from "./layout.tsx";
import { Table, Time } from "./parts.tsx";

type PageContext = Context<{ Bindings: Env }>;

/** Name of a provider that has no mapping file yet. */
const NEW = "new";
const KEPT_READ = 100;
const KEPT_SHOWN = 8;

/** The routes of the workbench. What is typed travels in the body of a POST, and is neither stored nor sent. */
export function workbenchRoutes({ mappings }: Pick<Deps, "mappings">) {
  const routes = new Hono<{ Bindings: Env }>();
  const providers = Object.keys(mappings);
  const fileOf = (provider: string) =>
    Object.hasOwn(mappings, provider) ? JSON.stringify(mappings[provider], null, 2) : TEMPLATE;

  const show = async (c: PageContext, trial: Trial, tried: Tried, status: 200 | 400 = 200) => {
    const { provider } = trial;
    // All are read: by provider, the whole ledger would be searched for one that sends nothing.
    const { events } = await listEvents(c.env.DB, { limit: KEPT_READ }, providers);
    const kept = events.filter((event) => event.provider === provider).slice(0, KEPT_SHOWN);
    const children = <Workbench trial={trial} tried={tried} providers={providers} kept={kept} />;
    return answerPage(c, { title: "Workbench", children }, status);
  };

  routes.get("/workbench", async (c) => {
    const id = c.req.query("event");
    const event = id === undefined ? null : (await readEvent(c.env.DB, id))?.row;
    const asked = event?.provider ?? c.req.query("provider") ?? providers[0] ?? NEW;
    const provider = providers.includes(asked) ? asked : NEW;
    const trial: Trial = { provider, mapping: fileOf(provider), webhook: "", headers: {}, isEvent: false };
    const empty = tryMapping(trial, c.env, mappings);
    const missing = (message: string) => show(c, trial, { ...empty, mistakes: [{ in: "webhook", message }] });
    if (id !== undefined && !event) return missing(`There is no event with the id ${id.slice(0, 100)}.`);
    if (!event) return show(c, trial, empty);
    if (event.payload === null) return missing("The payload of this event is not kept any more.");
    const [header] = empty.headers;
    const loaded: Trial = {
      ...trial,
      webhook: payloadOf(event),
      headers: header === undefined ? {} : { [header]: event.type ?? "" },
      isEvent: event.reason !== "not_split",
    };
    return show(c, loaded, tryMapping(loaded, c.env, mappings));
  });

  routes.post("/workbench", async (c) => {
    const form = await readForm(c, MAX_REQUEST);
    if (!form) {
      const trial = { provider: NEW, mapping: "", webhook: "", headers: {}, isEvent: false };
      const message = `${TOO_LARGE} Go back to get your texts again.`;
      const mistakes: Mistake[] = [{ in: "webhook", message }];
      return show(c, trial, { mistakes, each: null, events: [], more: 0, headers: [], isSplit: false }, 400);
    }
    const trial = trialIn(form);
    const tried = tryMapping(trial, c.env, mappings);
    return form.has("part") ? c.html(html`${<Result tried={tried} />}`) : show(c, trial, tried);
  });

  routes.post("/workbench/mapping.json", async (c) => {
    const form = await readForm(c, MAX_REQUEST);
    if (!form) return c.text(`${TOO_LARGE}\n`, 400);
    return c.body(`${trialIn(form).mapping.trimEnd()}\n`, 200, {
      "content-type": "application/json",
      "content-disposition": 'attachment; filename="mapping.json"',
    });
  });
  return routes;
}

function trialIn(form: FormData): Trial {
  const text = (name: string) => {
    const value = form.get(name);
    return typeof value === "string" ? value.replace(/\r\n?/g, "\n") : "";
  };
  const names = [...form.keys()].filter((name) => name.startsWith("header:"));
  return {
    provider: text("provider") || NEW,
    mapping: text("mapping"),
    webhook: text("webhook"),
    headers: Object.fromEntries(names.map((name) => [name.slice("header:".length), text(name).trim()])),
    isEvent: form.has("isEvent"),
  };
}

function payloadOf({ payload }: WholeRow): string {
  const json = mask(jsonOf(payload));
  return typeof json === "string" ? json : JSON.stringify(json, null, 2);
}

const Workbench = ({
  trial,
  tried,
  providers,
  kept,
}: {
  trial: Trial;
  tried: Tried;
  providers: string[];
  kept: ApiEvent[];
}) => (
  <>
    <h1>Workbench</h1>
    <p>
      Try a mapping file on a webhook. Nothing is stored, and nothing is sent to Dub; your Worker goes on with
      the mapping file that it was deployed with.
    </p>
    <form method="get" action="/admin/workbench" class="row">
      <label>
        Provider{" "}
        <select name="provider">
          {[...providers, NEW].map((name) => (
            <option value={name} selected={name === trial.provider}>
              {name === NEW ? "a new one" : name}
            </option>
          ))}
        </select>
      </label>
      <button type="submit">Start with its mapping file</button>
    </form>
    {kept.length > 0 && <Kept events={kept} />}
    {trial.webhook.includes(`"${MASKED}"`) && (
      <p class="quiet">
        Values under keys that look like passwords or tokens are left out: <code>{MASKED}</code>.
      </p>
    )}
    <form method="post" action="/admin/workbench#result" enctype="multipart/form-data" class="bench">
      <input type="hidden" name="provider" value={trial.provider} />
      <div>
        <label for="webhook">Webhook: its body, as the provider sends it</label>
        <textarea id="webhook" name="webhook" rows={22} spellcheck={false} autocapitalize="off">
          {`\n${trial.webhook}`}
        </textarea>
      </div>
      <div>
        <label for="mapping">Mapping file</label>
        <textarea id="mapping" name="mapping" rows={22} spellcheck={false} autocapitalize="off">
          {`\n${trial.mapping}`}
        </textarea>
      </div>
      <div class="row">
        {tried.headers.map((name) => (
          <label>
            Header {name} <input name={`header:${name}`} value={trial.headers[name] ?? ""} />
          </label>
        ))}
        {tried.isSplit && (
          <label>
            <input type="checkbox" name="isEvent" checked={trial.isEvent} /> The text is one event, not the
            whole webhook: leave out <code>each</code>
          </label>
        )}
      </div>
      <div class="row">
        <button type="submit" class="main">
          Try
        </button>
        <button type="submit" formaction="/admin/workbench/mapping.json">
          Download mapping.json
        </button>
        <button type="button" data-copy-from="mapping" hidden>
          Copy the mapping file
        </button>
      </div>
    </form>
    <p class="quiet">
      <UseIt provider={trial.provider} />
    </p>
    <p id="said" class="unseen" role="status" />
    <section id="result" aria-label="Result">
      <Result tried={tried} />
    </section>
  </>
);

/** How a mapping file is put into use. */
const UseIt = ({ provider }: { provider: string }) => {
  const own = `mappings/own/${provider === NEW ? "<provider>" : provider}`;
  return (
    <>
      To put it into use:{" "}
      {provider !== NEW && (
        <>
          copy the folder <code>mappings/{provider}</code> to <code>{own}</code>, unless it is there;{" "}
        </>
      )}
      save this file as <code>{own}/mapping.json</code>; run <code>npm run check -- --write</code>,{" "}
      <code>npm run check -- --accept</code>, which writes into the samples what they become now, and{" "}
      <code>npm run deploy</code>.{" "}
      <a href={`${REPOSITORY}/docs/mapping.md#your-own-files`}>More on your own files</a>. Then replay the
      events that were mapped wrongly.
    </>
  );
};

const Kept = ({ events }: { events: ApiEvent[] }) => (
  <details>
    <summary>Take one of the newest kept events of this provider</summary>
    <ul class="kept">
      {events.map(({ id, receivedAt, type, status, reason }) => (
        <li>
          <a href={`/admin/workbench?event=${encodeURIComponent(id)}`}>
            {(type ?? "without a type").slice(0, 80)}
          </a>{" "}
          <span class={`mark ${status}`}>{status}</span> <span class="quiet">{reason}</span>{" "}
          <Time at={receivedAt} />
        </li>
      ))}
    </ul>
  </details>
);

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

const Result = ({ tried: { mistakes, each, events, more } }: { tried: Tried }) => {
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
        <span class={`mark ${mark}`}>{says}</span> {reason && <code>{reason}</code>}
      </h2>
      <p class="quiet">
        {type === null ? "without a type" : `type ${type.slice(0, 100)}`}
        {rule !== null && `, taken by rule ${rule + 1} (leads[${rule}])`}
      </p>
      {means && (
        <p>
          {means.charAt(0).toUpperCase() + means.slice(1)}.{" "}
          {detail && <>In detail: {detail.replace(/\.$/, "")}. </>}
          {todo && todo !== "nothing" && <>What to do: {todo}.</>}
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

/** What a new mapping file begins with. */
const TEMPLATE = JSON.stringify(
  {
    name: "The provider's name",
    docs: "https://example.com/where-it-documents-its-webhooks",
    verify: { scheme: "standard-webhooks" },
    type: "type",
    leads: [
      {
        on: ["user.created"],
        lead: {
          clickId: "click_id(data.metadata)",
          eventName: "'Sign Up'",
          customerExternalId: "data.id",
          customerName: "data.name",
          customerEmail: "data.email",
        },
      },
    ],
  },
  null,
  2,
);
