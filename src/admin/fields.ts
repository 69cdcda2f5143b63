/** Reading the fields of a request: each wrong one is named, with what it must be. */
import type { Context } from "hono";
import * as z from "zod/mini";
import { REASONS, type Reason, STATUS_NAMES } from "../states.ts";
import { parseTime } from "../time.ts";

export const statusName = z.enum(STATUS_NAMES);
export const reasonName = z.enum(Object.keys(REASONS) as Reason[]);
const oneOrMore = <T extends z.core.$ZodType>(one: T) =>
  z.pipe(
    z.union([one, z.array(one).check(z.minLength(1))]),
    z.transform((value) => (Array.isArray(value) ? value : [value]) as z.core.output<T>[]),
  );
const time = z.pipe(
  z.string().check(z.refine((text) => parseTime(text) !== null)),
  z.transform((text) => parseTime(text) as number),
);
const text = (max: number) => z.optional(z.string().check(z.minLength(1), z.maxLength(max)));

const A_TIME = "a time such as 2026-11-24 or 2026-11-24T09:30:00Z, on a day that the calendar has";

/** The largest page of events. */
const MAX_PAGE = 100;

export const FIELDS = {
  status: {
    schema: z.optional(oneOrMore(statusName)),
    is: `one or more of ${STATUS_NAMES.join(", ")}`,
  },
  reason: {
    schema: z.optional(oneOrMore(reasonName)),
    is: `one or more of ${Object.keys(REASONS).join(", ")}`,
  },
  provider: { schema: text(100), is: "the name of a mapping file" },
  type: { schema: text(255), is: "a type as the provider names it" },
  since: { schema: z.optional(time), is: A_TIME },
  until: { schema: z.optional(time), is: A_TIME },
  find: { schema: text(1000), is: "a text of at most 1,000 characters" },
  related: { schema: z.optional(z.boolean()), is: "true or false" },
  before: { schema: z.optional(z.int()), is: "`next` of the answer before" },
  limit: {
    schema: z.optional(z.int().check(z.gte(1), z.lte(MAX_PAGE))),
    is: `a number from 1 to ${MAX_PAGE}`,
  },
  dryRun: { schema: z.optional(z.boolean()), is: "true or false" },
  after: { schema: z.optional(z.int()), is: "`next` of the answer before" },
  leadKeys: {
    schema: z.optional(z.array(z.string()).check(z.maxLength(50_000))),
    is: "`leadKeys` of the answer before",
  },
};
/** What says which events, of each request. */
export const EVENT_FILTERS = [
  "status",
  "reason",
  "provider",
  "type",
  "since",
  "until",
  "before",
  "limit",
] as const;
export const SEARCH_FIELDS = [...EVENT_FILTERS, "find", "related"] as const;
export const REPLAY_FILTERS = ["status", "reason", "provider", "type", "since", "until"] as const;
export const REPLAY_FIELDS = [...REPLAY_FILTERS, "dryRun", "after", "leadKeys"] as const;

export type Fields = { [K in keyof typeof FIELDS]: z.infer<(typeof FIELDS)[K]["schema"]> };
type Present<K extends keyof Fields> = { [F in K]?: Exclude<Fields[F], undefined> };

/** The fields of an object, of which only `allowed` may be there; `wrong`: a sentence for each that is not right. */
export function readFields<K extends keyof Fields>(
  given: object,
  allowed: readonly K[],
  providers: string[],
): { value: Present<K>; wrong: string[] } {
  const wrong: string[] = [];
  const value: Record<string, unknown> = {};
  for (const [name, one] of Object.entries(given)) {
    if (!allowed.includes(name as K)) {
      wrong.push(`${name} is unknown; there are ${allowed.join(", ")}`);
      continue;
    }
    const { schema, is } = FIELDS[name as K];
    const parsed = schema.safeParse(one);
    if (!parsed.success) wrong.push(`${name} must be ${is}`);
    else value[name] = parsed.data;
  }
  const { provider } = value;
  if (typeof provider === "string" && !providers.includes(provider))
    wrong.push(`provider must be one of ${providers.join(", ")}`);
  return { value: value as Present<K>, wrong };
}

/** The JSON object in the body of a request; null when there is none. */
export async function readObject(c: Context): Promise<object | null> {
  const body: unknown = await c.req.json().catch(() => null);
  return typeof body === "object" && !Array.isArray(body) ? body : null;
}

/** The answer that names what is wrong with a request's fields. */
export function badFilter(c: Context, wrong: string[]) {
  return c.json({ error: "bad_filter", message: `${wrong.join("; ")}.` }, 400);
}
