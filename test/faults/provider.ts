/** The providers of a run, and its site: they send each webhook and each claim again until it is acknowledged. */
import { readMapping } from "../../src/dev/files.ts";
import { secretFor } from "../../src/dev/samples/secrets.ts";
import { sampleBody, sign } from "../../src/dev/samples/sign.ts";
import { compileMapping } from "../../src/mapping/compile.ts";
import type { EventAnswer } from "../../src/receive/answer.ts";
import { createCounter } from "./counter.ts";
import type { Plan, Send } from "./plan.ts";
import type { SiteOfRun } from "./site.ts";
import type { Claim, PlannedLead, Webhook } from "./webhooks.ts";

export const PROVIDERS = ["clerk", "auth0-logs", "stripe"];

const CONNECTIONS = 8;

/** Makes the senders of a plan. `acknowledged` holds the event ids of each lead, `answers` counts the answers. */
export function createProvider({ leads, sends }: Plan, site: SiteOfRun) {
  const acknowledged = new Map<PlannedLead, Set<string>>(leads.map((lead) => [lead, new Set()]));
  const open = sends.map(({ webhooks, inTurn }): Send => ({ webhooks: [...webhooks], inTurn }));
  const answers = createCounter();
  let requests = 0;
  let running = 0;

  const post = async (url: string, { provider, deliveryId, body, leads }: Webhook): Promise<boolean> => {
    const bytes = sampleBody({ webhook: body, send: "json" });
    const { verify } = compileMapping(provider, readMapping(provider)).file;
    const to = `${url}/webhooks/${provider}`;
    const secret = secretFor(provider);
    const proof = { provider, secret, url: to, body: bytes, id: deliveryId, now: Date.now() };
    const headers = await sign(verify, proof);
    requests++;
    try {
      const response = await fetch(to, { method: "POST", headers, body: bytes });
      answers.tick();
      if (response.status !== 200) return false;
      const { events } = (await response.json()) as { events: EventAnswer[] };
      for (const [i, event] of events.entries()) {
        const lead = leads[i];
        if (lead && "id" in event) acknowledged.get(lead)?.add(event.id);
      }
      return true;
    } catch {
      return false;
    }
  };

  const tell = async (url: string, claim: Claim): Promise<boolean> => {
    const headers = { authorization: `Bearer ${await site.tokenOf(claim)}` };
    const init = { method: "POST", headers, body: JSON.stringify(claim.body) };
    requests++;
    try {
      const { ok, status } = await fetch(`${url}/clicks`, init);
      answers.tick();
      if (!ok && status < 500) throw new Error(`A click was answered ${status}.`);
      return ok;
    } catch (error) {
      if (error instanceof TypeError) return false;
      throw error;
    }
  };

  return {
    acknowledged,
    answers,
    requests: () => requests,
    /** How many of the first `share` sends are not acknowledged yet. */
    left: (share: number) => open.slice(0, share).filter(({ webhooks }) => webhooks.length > 0).length,
    interrupt: () => void running++,
    /** Sends what is left of the first `share` sends; resolves when all is acknowledged, or when interrupted. */
    async send(url: string, share: number): Promise<void> {
      const mine = ++running;
      const todo = open.slice(0, share).values();
      const connection = async () => {
        for (const one of todo)
          while (one.webhooks.length > 0 && mine === running) {
            const now = one.inTurn ? one.webhooks.slice(0, 1) : one.webhooks;
            const taken = await Promise.all(
              now.map((one) => ("leads" in one ? post(url, one) : tell(url, one))),
            );
            one.webhooks = one.webhooks.filter((_, i) => !taken[i]);
          }
      };
      await Promise.all(Array.from({ length: CONNECTIONS }, connection));
    },
  };
}
