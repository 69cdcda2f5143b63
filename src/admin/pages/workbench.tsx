/** The workbench: a webhook and a mapping file side by side, and what becomes of one by the other. */
import { type Context, Hono } from "hono";
import { html } from "hono/html";
import type { Deps, Env } from "../../context.ts";
import { readEvent, type WholeRow } from "../../ledger/search.ts";
import { jsonOf } from "../details.ts";
import { type ApiEvent, listEvents } from "../events.ts";
import { MASKED, mask } from "../mask.ts";
import { MAX_REQUEST, type Mistake, TOO_LARGE, type Trial, type Tried, tryMapping } from "../workbench.ts";
import { readForm } from "./form.ts";
import { answerPage } from "./layout.tsx";
import { Time } from "./parts.tsx";
import { REPOSITORY } from "./set-up.ts";
import { Result } from "./trial.tsx";

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
