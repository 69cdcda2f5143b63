/** `POST /clicks`: the site, or a customer's own browser, tells which click the customer came with. */
import { type Context, Hono } from "hono";
import { cors } from "hono/cors";
import { reportDown } from "../alert.ts";
import { readBody } from "../body.ts";
import type { Deps, Env } from "../context.ts";
import { type ToldClick, tell } from "../ledger/clicks.ts";
import { log } from "../log.ts";
import type { KeySets } from "../verify/key-sets.ts";
import { isRefused, type RefuseDeps, type Refused, refuse } from "./answers.ts";
import { type Claim, readClaim } from "./claim.ts";
import { prove, type Teller } from "./proof.ts";

const MAX_BYTES = 4096;
/** Browsers ask again before a claim after this time (seconds). */
const PREFLIGHT_LIFE = 86_400;

type ClickDeps = Deps & RefuseDeps & { keySets: KeySets };
type Clicks = Context<{ Bindings: Env }>;

/**
 * The routes under `/clicks`. 200: the click is kept, and `events` say how many events became leads by it. Any other
 * status: see ANSWERS. Any site may call: there are no cookies to ride on, the token is the proof.
 */
export function clicks(deps: ClickDeps) {
  const routes = new Hono<{ Bindings: Env }>();
  routes.use(
    cors({
      origin: "*",
      allowMethods: ["POST"],
      allowHeaders: ["authorization", "content-type"],
      maxAge: PREFLIGHT_LIFE,
    }),
  );
  routes.post("/", async (c) => {
    const result = await take(c, deps);
    return isRefused(result) ? refuse(c, deps, result) : c.json(result);
  });
  routes.all("/", (c) =>
    refuse(c, deps, { refused: "method_not_allowed", evidence: `${c.req.method}: clicks are told by POST.` }),
  );
  return routes;
}

async function take(c: Clicks, deps: ClickDeps): Promise<{ events: number } | Refused> {
  const now = deps.now();
  const teller = await prove(c.env, deps, c.req.header("authorization"));
  if (isRefused(teller)) return teller;
  const bytes = await readBody(c.req.raw, MAX_BYTES);
  if (!bytes) return { refused: "too_large", evidence: `The body is larger than ${MAX_BYTES} bytes.` };
  const claim = readClaim(bytes, now);
  if (isRefused(claim)) return claim;
  const told = toldBy(teller, claim);
  if (isRefused(told)) return told;
  let events = 0;
  try {
    for (const one of told) events += await tell(c.env.DB, one, now);
  } catch (error) {
    c.executionCtx.waitUntil(reportDown(deps, c.env, "ledger", "click", error));
    return { refused: "not_kept", evidence: "The ledger could not be written. Send it again later." };
  }
  const by = teller.proof === "session" ? { provider: teller.provider } : {};
  log("info", "click", { by: teller.proof, ...by, events });
  return { events };
}

/** The clicks that a claim tells of: under the customer's id, under the e-mail address, or under both. */
function toldBy(teller: Teller, claim: Claim): ToldClick[] | Refused {
  const { clickId, clickedAt, customerExternalId: id, customerEmail: email } = claim;
  const click = { clickId, clickedAt, proof: teller.proof };
  if (teller.proof === "session") {
    const { customer, provider } = teller;
    if (email !== undefined || (id !== undefined && id !== customer))
      return {
        refused: "not_yours",
        evidence:
          "A session token speaks of its own customer only: leave out customerEmail and customerExternalId.",
        provider,
      };
    return [{ ...click, whose: "customer", value: customer }];
  }
  if (id === undefined && email === undefined)
    return {
      refused: "bad_claim",
      evidence: "customerExternalId or customerEmail: one of them must say whose click it is.",
    };
  return [
    ...(id === undefined ? [] : [{ ...click, whose: "customer" as const, value: id }]),
    ...(email === undefined ? [] : [{ ...click, whose: "email" as const, value: email }]),
  ];
}
