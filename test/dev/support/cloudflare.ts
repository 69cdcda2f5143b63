/**
 * A stand-in for Cloudflare's API, as far as wrangler needs it to deploy this Worker. Databases are real (SQLite), and
 * every request is recorded.
 */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { DatabaseSync } from "node:sqlite";

type Metadata = { bindings: Record<string, string>[] };
type Answer = { result: unknown } | { status: number; code: number; message: string };

export type Cloudflare = {
  url: string;
  /** Method and path below ACCOUNT, or below the API, in order; with the migration that a query records. */
  requests: string[];
  accounts: { id: string; name: string }[];
  /** The account's name below workers.dev; undefined until it is registered. */
  subdomain: string | undefined;
  databases: Map<string, DatabaseSync>;
  queues: Set<string>;
  /** Per Worker: the metadata of its last upload, and the names and values of its secrets. */
  workers: Map<string, { metadata: Metadata; secrets: Map<string, string> }>;
  /** A request that begins so is refused. */
  refuse?: string;
  close: () => Promise<void>;
};

export const ACCOUNT = "a".repeat(32);

export async function serveCloudflare(): Promise<Cloudflare> {
  const cloudflare: Cloudflare = {
    url: "",
    requests: [],
    accounts: [{ id: ACCOUNT, name: "Example" }],
    subdomain: "example",
    databases: new Map(),
    queues: new Set(),
    workers: new Map(),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "", "http://localhost");
    const path = url.pathname.replace(/^\/accounts\/\w{32}/, "");
    const account = url.pathname.startsWith(`/accounts/${ACCOUNT}`)
      ? ""
      : url.pathname.slice(0, -path.length);
    const body = Buffer.concat(await request.toArray());
    const [, migration] = /'(\d{4}_\w+\.sql)'/.exec(body.toString()) ?? [];
    const shown = `${request.method} ${account}${path}${migration ? ` ${migration}` : ""}`;
    cloudflare.requests.push(shown);
    const answer =
      cloudflare.refuse && shown.startsWith(cloudflare.refuse)
        ? { status: 400, code: 7500, message: "refused for the test" }
        : await answerTo(cloudflare, { request, body, path, query: url.searchParams });
    response.setHeader("content-type", "application/json");
    if (!("result" in answer)) response.statusCode = answer.status;
    const { result = null, ...error } = answer as { result?: unknown };
    const success = "result" in answer;
    response.end(JSON.stringify({ success, result, errors: success ? [] : [error], messages: [] }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cloudflare.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return cloudflare;
}

type Received = { request: IncomingMessage; body: Buffer; path: string; query: URLSearchParams };

/** The name in a path, of a database, a queue or a Worker. */
const NAMED = /(?<=\/(?:database|queues|scripts|services|subdomains|workers\/workers)\/)([\w-]+)/;

async function answerTo(cloudflare: Cloudflare, { request, body, path, query }: Received): Promise<Answer> {
  const { accounts, databases, queues, workers } = cloudflare;
  const [, name = ""] = NAMED.exec(path) ?? [];
  const missing = (code: number): Answer => ({ status: 404, code, message: "not found" });
  const queue = (one: string) => ({ queue_id: one, queue_name: one, consumers: [], producers: [] });
  const worker = workers.get(name);
  switch (`${request.method} ${path.replace(NAMED, (all) => all.replace(name, ":name"))}`) {
    case "GET /accounts":
      return { result: accounts };
    case "GET /memberships":
      return { result: accounts.map((account) => ({ id: account.id, account })) };

    case "GET /d1/database":
      return { result: [...databases.keys()].map((one) => ({ name: one, uuid: one })) };
    case "POST /d1/database": {
      const { name: created } = JSON.parse(body.toString()) as { name: string };
      databases.set(created, new DatabaseSync(":memory:"));
      return { result: { name: created, uuid: created } };
    }
    case "GET /d1/database/:name":
      return databases.has(name) ? { result: { name, uuid: name } } : missing(7404);
    case "POST /d1/database/:name/query":
      return run(databases.get(name), JSON.parse(body.toString()) as Sql);

    case "GET /queues": {
      const asked = query.getAll("name");
      return { result: [...queues].filter((one) => asked.includes(one)).map(queue) };
    }
    case "POST /queues": {
      const { queue_name } = JSON.parse(body.toString()) as { queue_name: string };
      queues.add(queue_name);
      return { result: queue(queue_name) };
    }
    case "GET /queues/:name":
    case "POST /queues/:name/consumers":
      return { result: queue(name) };
    case "GET /queues/:name/consumers":
      return { result: [] };

    case "GET /workers/subdomain":
      return cloudflare.subdomain ? { result: { subdomain: cloudflare.subdomain } } : missing(10007);
    case "GET /workers/subdomains/:name":
      // It is free.
      return missing(10032);
    case "PUT /workers/subdomain":
      cloudflare.subdomain = (JSON.parse(body.toString()) as { subdomain: string }).subdomain;
      return { result: { subdomain: cloudflare.subdomain } };
    case "GET /workers/workers/:name":
      return worker
        ? { result: { name, subdomain: { enabled: true, previews_enabled: false } } }
        : missing(10007);
    case "GET /workers/services/:name":
      return worker
        ? {
            result: {
              default_environment: { script: { tag: name, tags: null, last_deployed_from: "wrangler" } },
            },
          }
        : missing(10090);
    case "POST /workers/scripts/:name/versions":
    case "PUT /workers/scripts/:name":
      return upload(workers, name, await form(request, body));
    case "GET /workers/scripts/:name/secrets":
      return {
        result: [...(worker?.secrets.keys() ?? [])].map((one) => ({ name: one, type: "secret_text" })),
      };
    case "GET /workers/scripts/:name/subdomain":
    case "POST /workers/scripts/:name/subdomain":
      return { result: { enabled: true, previews_enabled: false } };
    case "GET /workers/scripts/:name/deployments":
      return worker ? { result: { deployments: [] } } : missing(10007);
    case "POST /workers/scripts/:name/deployments":
    case "PATCH /workers/scripts/:name/script-settings":
    case "PUT /workers/scripts/:name/schedules":
      return { result: [] };
    default:
      return missing(10007);
  }
}

type Sql = { sql: string; params?: string[] };

function run(database: DatabaseSync | undefined, { sql, params = [] }: Sql): Answer {
  try {
    if (params.length === 0 && !/^\s*select/i.test(sql)) database?.exec(sql);
    else
      return { result: [{ success: true, meta: {}, results: database?.prepare(sql).all(...params) ?? [] }] };
    return { result: [{ success: true, meta: {}, results: [] }] };
  } catch (error) {
    return { status: 400, code: 7500, message: (error as Error).message };
  }
}

/** Keeps the Worker's metadata; secrets that come with it are added to those that are there. */
async function upload(workers: Cloudflare["workers"], name: string, uploaded: FormData): Promise<Answer> {
  const metadata = JSON.parse(String(uploaded.get("metadata"))) as Metadata;
  const secrets = workers.get(name)?.secrets ?? new Map<string, string>();
  for (const { type, name: secret = "", text = "" } of metadata.bindings)
    if (type === "secret_text") secrets.set(secret, text);
  workers.set(name, { metadata, secrets });
  const id = "0".repeat(32);
  return { result: { id, deployment_id: id, startup_time_ms: 1, resources: { script: { etag: id } } } };
}

function form(request: IncomingMessage, body: Buffer): Promise<FormData> {
  const headers = { "content-type": request.headers["content-type"] ?? "" };
  return new Response(new Uint8Array(body), { headers }).formData();
}
