import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createDubStandIn, LOCAL_KEY } from "../src/dev/stand-in/dub.ts";
import { Lead, LIMITS, normalEventName, tidyLead } from "../src/lead.ts";

const BASE = { clickId: "Xk3pQ9vLm2RtYw7B", eventName: "Sign Up", customerExternalId: "user_1" };

describe("tidyLead", () => {
  it.each<[string, Record<string, unknown>, Record<string, unknown>, string[]]>([
    [
      "trims",
      { customerExternalId: " u ", eventName: " Sign Up " },
      { customerExternalId: "u", eventName: "Sign Up" },
      [],
    ],
    ["writes numeric ids as text", { customerExternalId: 42 }, { customerExternalId: "42" }, []],
    [
      "cuts a name at a whole character",
      { customerName: `${"a".repeat(99)}👩‍👩‍👧` },
      { customerName: "a".repeat(99) },
      ["customerName"],
    ],
    [
      "leaves a name of exactly 100",
      { customerName: "é".repeat(100) },
      { customerName: "é".repeat(100) },
      [],
    ],
    ["leaves a blank name out", { customerName: "  " }, {}, []],
    ["leaves false out, which && leaves behind", { customerName: false, customerAvatar: false }, {}, []],
    [
      "keeps an address that Dub takes",
      { customerEmail: " o'neil+x@Mail.Example.com " },
      { customerEmail: "o'neil+x@Mail.Example.com" },
      [],
    ],
    ["drops an address without a domain", { customerEmail: "a@localhost" }, {}, ["customerEmail"]],
    ["drops an address with an umlaut", { customerEmail: "jürgen@example.com" }, {}, ["customerEmail"]],
    [
      "drops an address of 101 characters",
      { customerEmail: `${"a".repeat(89)}@example.com` },
      {},
      ["customerEmail"],
    ],
    [
      "drops a picture inside the address",
      { customerAvatar: `data:${"A".repeat(2000)}` },
      {},
      ["customerAvatar"],
    ],
    ["caps a quantity", { eventQuantity: 250 }, { eventQuantity: 100 }, ["eventQuantity"]],
    ["raises a quantity of 0", { eventQuantity: 0 }, { eventQuantity: 1 }, ["eventQuantity"]],
    ["reads a quantity in text", { eventQuantity: "2" }, { eventQuantity: 2 }, []],
    ["rounds a quantity down", { eventQuantity: 2.9 }, { eventQuantity: 2 }, ["eventQuantity"]],
    ["drops a quantity that is none", { eventQuantity: "many" }, {}, ["eventQuantity"]],
    ["keeps a mode", { mode: "wait" }, { mode: "wait" }, []],
    ["drops an unknown mode", { mode: "later" }, {}, ["mode"]],
    ["leaves absent values out of metadata", { metadata: { a: null, b: 1 } }, { metadata: { b: 1 } }, []],
    ["leaves empty metadata out", { metadata: { a: null } }, {}, []],
    ["drops metadata that is no object", { metadata: [1] }, {}, ["metadata"]],
    [
      "keeps metadata of exactly 10,000",
      { metadata: { a: "x".repeat(9992) } },
      { metadata: { a: "x".repeat(9992) } },
      [],
    ],
    ["drops metadata of 10,001", { metadata: { a: "x".repeat(9993) } }, {}, ["metadata"]],
    ["drops a placeholder as name", { customerName: "undefined undefined" }, {}, ["customerName"]],
    [
      "cuts a placeholder out of a name",
      { customerName: "Mira undefined" },
      { customerName: "Mira" },
      ["customerName"],
    ],
    ["keeps a person called Null", { customerName: "Jennifer Null" }, { customerName: "Jennifer Null" }, []],
    ["keeps blanks inside a name", { customerName: "Mira  Sol" }, { customerName: "Mira  Sol" }, []],
    ["leaves a phone number out of the name", { customerName: "+1 (555) 555-0123" }, {}, []],
    ["leaves an address out of the name", { customerName: "Mira@Orchard.example" }, {}, []],
    ["drops a placeholder as address", { customerEmail: "null" }, {}, ["customerEmail"]],
    ["drops a placeholder as picture", { customerAvatar: "[object Object]" }, {}, ["customerAvatar"]],
    ["cuts an event name", { eventName: "x".repeat(256) }, { eventName: "x".repeat(255) }, ["eventName"]],
  ])("%s", (_, raw, expected, warned) => {
    const tidied = tidyLead({ ...BASE, ...raw });
    expect(tidied).toMatchObject({ ok: true, lead: { ...BASE, ...expected } });
    expect(Object.keys(tidied.ok ? tidied.lead : {}).sort()).toEqual(
      [...new Set([...Object.keys(BASE), ...Object.keys(expected)])].sort(),
    );
    expect(tidied.warnings.map(({ field }) => field)).toEqual(warned);
  });

  it.each([
    [{ customerExternalId: null }, "no_customer_id"],
    [{ customerExternalId: "x".repeat(101) }, "customer_id_too_long"],
    [{ customerExternalId: Number.POSITIVE_INFINITY }, "no_customer_id"],
    [{ customerExternalId: "undefined" }, "no_customer_id"],
    [{ customerExternalId: "NULL" }, "no_customer_id"],
    [{ eventName: " " }, "no_event_name"],
    [{ eventName: "undefined" }, "no_event_name"],
  ])("%j is %s", (raw, reason) => {
    expect(tidyLead({ ...BASE, ...raw })).toMatchObject({ ok: false, reason });
  });

  it("makes of anything a lead that Dub takes, or says why not", async () => {
    const dub = createDubStandIn({ click: (id) => ({ id, state: "ours" }), limit: Number.POSITIVE_INFINITY });
    const anything = fc.oneof(
      fc.anything(),
      fc.string({ unit: "grapheme", maxLength: 300 }),
      fc.emailAddress(),
      fc.double(),
      fc.constantFrom("", "n/a", "async", "deferred"),
    );
    const raw = fc.record(Object.fromEntries(Object.keys(Lead.shape).map((key) => [key, anything])), {
      requiredKeys: [],
    });
    await fc.assert(
      fc.asyncProperty(raw, async (given) => {
        const tidied = tidyLead(given);
        if (!tidied.ok) return;
        expect(Lead.safeParse(tidied.lead).success).toBe(true);
        const lead = { ...tidied.lead, clickId: tidied.lead.clickId || "Xk3pQ9vLm2RtYw7B" };
        const response = await dub.app.request("/track/lead", {
          method: "POST",
          body: JSON.stringify(lead),
          headers: { authorization: `Bearer ${LOCAL_KEY}` },
        });
        if (response.status !== 200) throw new Error(await response.text());
      }),
      { numRuns: 500 },
    );
  });
});

it("compares event names as Dub does", () => {
  expect(["Sign Up", "sign-up", " SIGN up "].map(normalEventName)).toEqual(Array(3).fill("sign-up"));
  expect(normalEventName("Signup")).not.toBe("sign-up");
  expect(LIMITS.eventName).toBe(255);
});
