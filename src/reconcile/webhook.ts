/**
 * `POST /webhooks/dub`: Dub's own webhook `lead.created`. It ends leads in doubt within seconds and tells when a click was
 * made. No event is made by it, and that none comes proves nothing: Dub sends it without waiting, and may give up.
 */
import { type Context, Hono } from "hono";
import * as z from "zod/mini";
import { reportDown } from "../alert.ts";
import { decodeBody, readBody } from "../body.ts";
import type { Env } from "../context.ts";
import type { LeadAtDub } from "../dub/list.ts";
import { CreditedLink } from "../lead.ts";
import { isRefused, type RefuseDeps, type Refused, refuse, refusedFor } from "../receive/refuse.ts";
import { ENDPOINT, parseSettings, providerSecret, secretName } from "../settings.ts";
import { createVerifier, type Verify } from "../verify/schemes.ts";
import { explain } from "../verify/verdict.ts";
import type { ReconcileDeps } from "./reconcile.ts";
import { sighted } from "./sighted.ts";

/** The name in the address, in the secret `DUB_WEBHOOK_SECRET`, and of its refusals. No mapping file can have it. */
export const DUB = "dub";

/** The whole secret is the key, and there is no timestamp: a webhook that is sent again tells the same (source: Dub's server). */
export const DUB_SCHEME: Verify = {
  scheme: "hmac",
  signature: { header: "dub-signature" },
  encoding: "hex",
};

const LeadCreated = z.object({
  event: z.literal("lead.created"),
  createdAt: z.string(),
  data: z.object({
    eventName: z.string(),
    customer: z.object({ externalId: z.string() }),
    click: z.object({ id: z.string(), timestamp: z.string() }),
    link: z.optional(z.nullable(z.unknown())),
  }),
});

type Received = Context<{ Bindings: Env }>;
type Deps = ReconcileDeps & RefuseDeps;

/** The route. Anything genuine is answered 200 with the number of events that it is about. */
export function dubWebhook(deps: Deps) {
  const routes = new Hono<{ Bindings: Env }>();
  routes.on("POST", [`/${DUB}`, `/${DUB}/`], async (c) => {
    const lead = await take(c, deps);
    if (lead === null) return c.json({ events: 0 });
    if (isRefused(lead)) return refuse(c, deps, DUB, lead);
    try {
      const { sightings } = await sighted(c.env.DB, [lead], deps.now());
      return c.json({ events: sightings.length });
    } catch (error) {
      await reportDown(deps, c.env, "ledger", "dub webhook", error);
      return refuse(c, deps, DUB, { refused: "not_kept", evidence: "The ledger can't be reached." });
    }
  });
  return routes;
}

/** The lead of a genuine webhook; null for another kind of webhook. */
async function take(c: Received, { now }: Deps): Promise<LeadAtDub | Refused | null> {
  const { method, url, raw } = c.req;
  try {
    const { MAX_BODY_BYTES } = parseSettings(c.env, ENDPOINT);
    const secret = providerSecret(c.env, DUB);
    if (secret === undefined)
      return {
        refused: "provider_off",
        evidence: `Dub's webhook is off. Set the Worker secret ${secretName(DUB)} to turn it on.`,
      };
    const verifier = await createVerifier(DUB_SCHEME, secretName(DUB), secret);
    const body = await readBody(raw, MAX_BODY_BYTES);
    if (!body) return { refused: "too_large", evidence: `The body is larger than ${MAX_BODY_BYTES} bytes.` };
    const verdict = await verifier({ method, url, headers: raw.headers, body }, now());
    if (!verdict.ok)
      return { refused: verdict.refusal.reason, evidence: explain(verdict.refusal, secretName(DUB)) };
    const decoded = decodeBody(body, "json");
    return decoded.ok
      ? leadOf(decoded.value)
      : { refused: decoded.problem, evidence: "The body is not JSON that can be read." };
  } catch (error) {
    return refusedFor(error);
  }
}

function leadOf(webhook: unknown): LeadAtDub | null {
  const parsed = LeadCreated.safeParse(webhook);
  if (!parsed.success) return null;
  const { createdAt, data } = parsed.data;
  const clickedAt = Date.parse(data.click.timestamp);
  return {
    customer: data.customer.externalId,
    eventName: data.eventName,
    at: Date.parse(createdAt),
    clickId: data.click.id,
    clickedAt: Number.isNaN(clickedAt) ? null : clickedAt,
    link: CreditedLink.safeParse(data.link).data ?? null,
  };
}
