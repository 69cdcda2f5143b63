/** What an attacker tries, who has click ids of his own, a session of his own, and the customer's id and e-mail address. */
import { base64url, generateKeyPair } from "jose";
import { HOUR } from "../../src/time.ts";
import type { Site } from "./site.ts";
import type { Person } from "./world.ts";

type Attack = { name: string; run: (site: Site, victim: Person, click: object) => Promise<number> };

const MINUTE_AGO = -60;
const key = generateKeyPair("RS256");
const attacker = (victim: Person) => `attacker_of_${victim.id}`;
const seconds = (site: Site) => Math.floor(site.clock.now / 1000);

/** Each answers the status. None may be taken but the last, which is the customer's own click, after the sign-up. */
export const ATTACKS: Attack[] = [
  {
    name: "own session, the customer's id",
    run: async (site, victim, click) =>
      site.tell(await site.token(attacker(victim)), { ...click, customerExternalId: victim.id }),
  },
  {
    name: "own session, the customer's e-mail address",
    run: async (site, victim, click) =>
      site.tell(await site.token(attacker(victim)), {
        ...click,
        customerEmail: `${victim.id}@example.com`,
        ...(victim.email && { customerEmail: victim.email }),
      }),
  },
  {
    name: "the customer's token, signed with an own key",
    run: async (site, victim, click) =>
      site.tell(await site.token(victim.id, {}, (await key).privateKey as CryptoKey), click),
  },
  {
    name: "the customer's token, not signed",
    run: (site, victim, click) => {
      const claims = { iss: site.issuer, sub: victim.id, iat: seconds(site), exp: seconds(site) + 60 };
      const parts = [{ alg: "none" }, claims].map((part) => base64url.encode(JSON.stringify(part)));
      return site.tell(`${parts.join(".")}.`, click);
    },
  },
  {
    name: "an old token of the customer",
    run: async (site, victim, click) =>
      site.tell(await site.token(victim.id, { exp: seconds(site) + 2 * MINUTE_AGO }), click),
  },
  {
    name: "staff in the customer's name",
    run: async (site, victim, click) =>
      site.tell(await site.token(victim.id, { act: { sub: "user_staff" } }), click),
  },
  {
    name: "no token, the customer's id and e-mail address",
    run: (site, victim, click) =>
      site.tell(undefined, { ...click, customerExternalId: victim.id, customerEmail: victim.email }),
  },
  {
    name: "a guessed CLICKS_TOKEN",
    run: (site, victim, click) =>
      site.tell("guessed-token-of-the-site", { ...click, customerExternalId: victim.id }),
  },
  { name: "GET", run: (site, _, click) => site.tell(undefined, click, "GET") },
];

/** What the attacker says of his click: seen an hour before the sign-up. */
export const clickOf = (victim: Person) => ({
  clickId: `Fraud${victim.id.replace(/\D/g, "").padStart(11, "9")}`,
  clickedAt: victim.signedUpAt - HOUR,
});
