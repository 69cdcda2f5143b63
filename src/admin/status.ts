/** `GET /api/status`: whether everything is set up, and what the operator should do. */
import { Hono } from "hono";
import type { Deps, Env } from "../context.ts";
import { readDays } from "../ledger/days.ts";
import { countUnchecked } from "../ledger/due.ts";
import { readSums } from "../ledger/hours.ts";
import { checkLedger } from "../ledger/ready.ts";
import { type Report, readReport, readUnkept } from "../ledger/report.ts";
import { mappingOf } from "../mapping/cache.ts";
import { MappingError } from "../mapping/compile.ts";
import { ANSWERS } from "../receive/refuse.ts";
import { verifierOf } from "../receive/verifier.ts";
import { secretName } from "../settings.ts";
import { DAY } from "../time.ts";
import { SecretError } from "../verify/secret.ts";
import { type Check, checkDub, checkFlow, checkSettings, iso } from "./checks.ts";
import { checkClickShare, clickShareSince } from "./click-share.ts";
import { clickStatus } from "./click-status.ts";
import { checkDays, checkDubWebhook } from "./days.ts";
import { todoAt } from "./local.ts";
import type { ProviderTrouble } from "./no-lead.ts";
import type { ProviderStatus, Status } from "./schema.ts";

export type { ProviderStatus, Status };

/** The route. With `?ask=dub`, Dub is asked what the key may do; nothing is recorded there. */
export function statusRoute(deps: Deps) {
  const route = new Hono<{ Bindings: Env }>();
  route.get("/status", async (c) => {
    const { origin } = new URL(c.req.url);
    return c.json(await readStatus(c.env, deps, { origin, askDub: c.req.query("ask") === "dub" }));
  });
  return route;
}

/** Reads it, with what to do where the Worker runs. `origin`: the Worker's own. */
export async function readStatus(
  env: Env,
  deps: Deps,
  { origin, askDub }: { origin: string; askDub: boolean },
): Promise<Status> {
  const now = deps.now();
  const [report, unchecked, sums, days] = await Promise.all([
    readReport(env.DB, now, now - DAY),
    countUnchecked(env.DB),
    readSums(env.DB, clickShareSince(now), DAY),
    readDays(env.DB, 3),
    checkLedger(env.DB),
  ]);
  const settings = checkSettings(env);
  const checks: Check[] = [
    ...settings,
    ...(askDub ? await checkDub(env, deps) : []),
    { what: "database", state: "ok", says: "answers, and has the newest migrations" },
    ...checkFlow(report, unchecked, settings, now),
    ...checkClickShare(sums, now),
    ...checkDays(days, report.marks.list_refused, Boolean(env.DUB_API_KEY), now),
    checkDubWebhook(env, report.refusals, now),
  ];
  const unkept = unkeptOf(report, origin);
  const providers = await Promise.all(
    Object.keys(deps.mappings).map(async (provider): Promise<ProviderStatus> => {
      const last = report.lastEvents.find((one) => one.provider === provider);
      return {
        provider,
        address: `${origin}/webhooks/${provider}`,
        secret: secretName(provider),
        ...(await stateOf(env, deps, provider)),
        lastEventAt: last ? iso(last.at) : null,
        ...unkept(provider),
      };
    }),
  );
  return {
    checks: checks.map((one) => (one.todo === undefined ? one : { ...one, todo: todoAt(origin, one.todo) })),
    providers,
    refusals: unkept("-").refusals,
    clicks: await clickStatus(env, deps.mappings, report),
    events: Object.fromEntries(report.counts.map(({ status: name, events }) => [name, events])),
    keptSince: report.oldestAt === null ? null : iso(report.oldestAt),
  };
}

/** What is known of the webhooks of some providers that left no event. */
export async function readTroubles(
  env: Env,
  deps: Deps,
  providers: string[],
  origin: string,
): Promise<ProviderTrouble[]> {
  const unkept = unkeptOf(await readUnkept(env.DB), origin);
  return Promise.all(
    providers.map(async (provider) => ({
      provider,
      ...(await stateOf(env, deps, provider)),
      ...unkept(provider),
    })),
  );
}

/** Of a provider, or of none ("-"), as the API shows it. */
function unkeptOf({ refusals, ignored }: Pick<Report, "refusals" | "ignored">, origin: string) {
  const of = <T extends { provider: string; lastAt: number }>(rows: T[], provider: string) =>
    rows
      .filter((row) => row.provider === provider)
      .map(({ provider: _, ...row }) => ({ ...row, lastAt: iso(row.lastAt) }));
  return (provider: string): Pick<ProviderStatus, "refusals" | "ignored"> => ({
    refusals: of(refusals, provider).map((row) => ({
      ...row,
      todo: row.reason in ANSWERS ? todoAt(origin, ANSWERS[row.reason as keyof typeof ANSWERS].todo) : "",
    })),
    ignored: of(ignored, provider),
  });
}

/** The refusal of a provider's last webhook; undefined when a webhook was taken after it. */
export function lastRefusal({
  lastEventAt,
  ignored,
  refusals: [refusal],
}: Pick<ProviderStatus, "lastEventAt" | "ignored" | "refusals">):
  | ProviderStatus["refusals"][number]
  | undefined {
  const taken = [lastEventAt ?? "", ...ignored.map(({ lastAt }) => lastAt)].sort().at(-1) ?? "";
  return refusal && refusal.lastAt > taken ? refusal : undefined;
}

async function stateOf(
  env: Env,
  { mappings }: Deps,
  provider: string,
): Promise<Pick<ProviderStatus, "name" | "state" | "says">> {
  try {
    const mapping = mappingOf(provider, mappings);
    if (!mapping) return { name: provider, state: "problem", says: "it has no mapping file" };
    const name = mapping.file.name;
    try {
      return { name, state: (await verifierOf(mapping, env)) ? "on" : "off" };
    } catch (error) {
      if (error instanceof SecretError) return { name, state: "problem", says: error.message };
      throw error;
    }
  } catch (error) {
    if (error instanceof MappingError) return { name: provider, state: "problem", says: error.message };
    throw error;
  }
}
