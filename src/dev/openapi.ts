/** The OpenAPI document of the admin API, made from the schemas of src/admin/schema.ts. */
import { STATUS_CODES } from "node:http";
import * as z from "zod/mini";
import { ApiError, named, ROUTES } from "../admin/schema.ts";

type Json = { [key: string]: unknown };
type Route = (typeof ROUTES)[number];

/** `version`: of package.json. */
export function openApi(version: string): Json {
  const { schemas } = z.toJSONSchema(named, { ...OPTIONS, uri: refTo });
  const paths: Record<string, Json> = {};
  for (const route of ROUTES)
    paths[route.path] = { ...paths[route.path], [route.method]: operation(route, schemas) };
  const queries = ROUTES.map(({ query }) => query && idOf(query));
  return {
    openapi: "3.1.0",
    info: {
      title: "Admin API of webhook-to-lead",
      version,
      description:
        "Finds and shows events, says what is set up, and replays. Off (404) without the Worker secret ADMIN_TOKEN. A later version may add fields to answers.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "http://localhost:8787" }],
    security: [{ bearer: [] }, { basic: [] }],
    paths,
    components: {
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer", description: "ADMIN_TOKEN" },
        basic: {
          type: "http",
          scheme: "basic",
          description: "any user name, and ADMIN_TOKEN as the password",
        },
      },
      schemas: Object.fromEntries(
        Object.entries(schemas)
          .filter(([id]) => !queries.includes(id))
          .map(([id, { $schema: _, $id: __, ...schema }]) => [id, schema]),
      ),
    },
  };
}

/** What is sent, and what is answered, before a schema changes it. More fields than named may come. */
const OPTIONS = {
  io: "input",
  override: ({ jsonSchema }: { jsonSchema: Json }) => {
    // The pattern repeats, at length, what the format says; the limits are those of JavaScript.
    if (jsonSchema.format === "date-time") delete jsonSchema.pattern;
    if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  },
} as const;

const refTo = (id: string) => `#/components/schemas/${id}`;

function idOf(schema: z.ZodMiniType): string {
  const { id } = named.get(schema) ?? {};
  if (id === undefined) throw new Error("a schema of ROUTES has no name");
  return id;
}

const json = (schema: z.ZodMiniType) => ({ "application/json": { schema: { $ref: refTo(idOf(schema)) } } });

function operation({ path, summary, query, body, answers }: Route, schemas: Record<string, Json>): Json {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: TEXT,
  }));
  const parameters = [...inPath, ...(query ? parametersOf(schemas[idOf(query)] ?? {}) : [])];
  const answer = ([status, schema]: [string, z.ZodMiniType]) => [
    status,
    { description: STATUS_CODES[status], content: json(schema) },
  ];
  return {
    summary,
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: { required: true, content: json(body) } }),
    responses: {
      ...Object.fromEntries(Object.entries(answers).map(answer)),
      default: { description: "An error", content: json(ApiError) },
    },
  };
}

const TEXT = { type: "string" };

/** A field that takes several values takes them separated by commas. */
function parametersOf({ properties = {} }: Json): Json[] {
  return Object.entries(properties as Record<string, Json & { anyOf?: Json[] }>).map(
    ([name, { description, anyOf, ...schema }]) => {
      const list = anyOf?.find(({ type }) => type === "array");
      const how = list ? { style: "form", explode: false, schema: list } : { schema };
      return { name, in: "query", description, ...how };
    },
  );
}
