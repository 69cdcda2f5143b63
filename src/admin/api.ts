/** The admin API: `POST /api/events/:id/replay` and `POST /api/replay`. */
import { type Context, Hono } from "hono";
import * as z from "zod/mini";
import { ALERTS, type Alert, ledgerProblem } from "../alert.ts";
import type { Deps, Env } from "../context.ts";
import { log } from "../log.ts";
import { MappingError } from "../mapping/compile.ts";
import { endOne, LEFT, replay, replayOne } from "../replay/replay.ts";
import { SettingsError } from "../settings.ts";
import { REASONS, type Reason, STATUS_NAMES } from "../states.ts";
import { locked } from "./auth.ts";

const oneOrMore = <T extends z.core.$ZodType>(one: T) =>
  z.pipe(
    z.union([one, z.array(one).check(z.minLength(1))]),
    z.transform((value) => (Array.isArray(value) ? value : [value]) as z.core.output<T>[]),
  );
const time = z.pipe(
  z
    .string()
    .check(z.regex(/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/), z.refine(isTime)),
  z.transform((text) => Date.parse(text)),
);

const FIELDS = {
  status: {
    schema: z.optional(oneOrMore(z.enum(STATUS_NAMES))),
    is: `one or more of ${STATUS_NAMES.join(", ")}`,
  },
  reason: {
    schema: z.optional(oneOrMore(z.enum(Object.keys(REASONS) as Reason[]))),
    is: `one or more of ${Object.keys(REASONS).join(", ")}`,
  },
  provider: { schema: z.optional(z.string().check(z.minLength(1))), is: "the name of a mapping file" },
  since: { schema: z.optional(time), is: "a time such as 2026-11-24 or 2026-11-24T09:30:00Z" },
  until: { schema: z.optional(time), is: "a time such as 2026-11-24 or 2026-11-24T09:30:00Z" },
  dryRun: { schema: z.optional(z.boolean()), is: "true or false" },
  after: { schema: z.optional(z.int()), is: "`next` of the answer before" },
  leadKeys: {
    schema: z.optional(z.array(z.string()).check(z.maxLength(50_000))),
    is: "`leadKeys` of the answer before",
  },
};
type Fields = { [K in keyof typeof FIELDS]: z.infer<(typeof FIELDS)[K]["schema"]> };

/** The routes under `/api`. */
export function adminApi(deps: Deps & { alert: Alert }) {
  const api = new Hono<{ Bindings: Env }>();
  api.use(locked);

  api.post("/events/:id/replay", async (c) => {
    const id = c.req.param("id");
    const done = await replayOne(c.env, deps, id);
    if (!done) return unknownEvent(c, id);
    if ("why" in done) return c.json({ error: done.why, message: LEFT[done.why], was: done.was }, 409);
    log("info", "replay", { event: id, reason: done.was.reason, became: done.became[0]?.reason });
    return c.json(done);
  });

  api.post("/events/:id/end", async (c) => {
    const id = c.req.param("id");
    const ended = await endOne(c.env, deps, id);
    if (ended === null) return unknownEvent(c, id);
    if (!ended)
      return c.json({ error: "not_pending", message: "It is not pending, or is being delivered now." }, 409);
    log("info", "ended", { event: id });
    return c.json({ became: [{ status: "failed", reason: "ended_by_operator" }] });
  });

  api.post("/replay", async (c) => {
    const fields = await readFields(c, Object.keys(deps.mappings));
    if ("message" in fields) return c.json({ error: "bad_filter", message: fields.message }, 400);
    const { dryRun = false, after = 0, leadKeys = [], ...filter } = fields.value;
    const slice = await replay(c.env, deps, filter, { dryRun, after, leadKeys });
    log("info", "replay", { events: slice.events, dryRun });
    return c.json(slice);
  });

  api.onError((error, c) => {
    if (/D1_ERROR/.test(error.message)) {
      const problem = ledgerProblem(error.message);
      const { means, todo } = ALERTS[problem];
      log("error", problem, { during: "admin", message: error.message });
      return c.json({ error: problem, message: `${means}. What to do: ${todo}.` }, 503);
    }
    if (!(error instanceof MappingError || error instanceof SettingsError)) throw error;
    log("error", "misconfigured", { message: error.message });
    return c.json({ error: "misconfigured", message: error.message }, 503);
  });
  return api;
}

function unknownEvent(c: Context, id: string) {
  return c.json({ error: "unknown_event", message: `There is no event with the id ${id}.` }, 404);
}

async function readFields(
  c: Context,
  providers: string[],
): Promise<{ value: { [K in keyof Fields]?: Exclude<Fields[K], undefined> } } | { message: string }> {
  const body: unknown = await c.req.json().catch(() => undefined);
  if (typeof body !== "object" || body === null || Array.isArray(body))
    return { message: 'Send a JSON object such as {"status": "failed", "dryRun": true}.' };
  const wrong: string[] = [];
  const value: Record<string, unknown> = {};
  for (const [name, given] of Object.entries(body)) {
    if (!Object.hasOwn(FIELDS, name)) {
      wrong.push(`${name} is unknown; there are ${Object.keys(FIELDS).join(", ")}`);
      continue;
    }
    const { schema, is } = FIELDS[name as keyof Fields];
    const parsed = schema.safeParse(given);
    if (!parsed.success) wrong.push(`${name} must be ${is}`);
    else value[name] = parsed.data;
  }
  const { provider } = value;
  if (typeof provider === "string" && !providers.includes(provider))
    wrong.push(`provider must be one of ${providers.join(", ")}`);
  if (!["status", "reason", "provider", "since", "until"].some((name) => value[name] !== undefined))
    wrong.push("say which events: by status, reason, provider, since or until");
  return wrong.length > 0 ? { message: `${wrong.join("; ")}.` } : { value };
}

function isTime(text: string): boolean {
  return !Number.isNaN(Date.parse(text));
}
