/** The mapping file: its zod schema. mapping.schema.json is made from it, so every description here is read in editors. */
import * as z from "zod/mini";
import type { LeadField } from "../lead.ts";
import { HeaderName } from "../verify/header-name.ts";
import { Verify } from "../verify/schemes.ts";

const about = (text: string) => z.describe(text);

const expression = z
  .string()
  .check(z.minLength(1), about("A JMESPath expression, evaluated against one event."));
const value = z
  .union([expression, z.number(), z.boolean()])
  .check(
    about(
      "A JMESPath expression evaluated against one event, or a number or boolean that is itself. A constant string is quoted inside: \"'Sign Up'\".",
    ),
  );
const header = z.strictObject({
  header: HeaderName.check(about("Name of a request header.")),
});

const leadFields = {
  clickId: z.optional(value),
  eventName: value,
  customerExternalId: value,
  customerName: z.optional(value),
  customerEmail: z.optional(value),
  customerAvatar: z.optional(value),
  eventQuantity: z.optional(value),
  mode: z.optional(value),
  metadata: z.optional(z.union([expression, z.record(z.string(), value)])),
} satisfies Record<LeadField, unknown>;

const Rule = z.strictObject({
  on: z
    .union([
      z.array(z.string()).check(z.minLength(1)),
      z.record(z.string(), z.union([z.literal(true), expression])),
    ])
    .check(
      about(
        'Event types this rule is for; * stands for any characters. Either a list, or an object that gives each type its condition: {"user.created": true, "user.updated": "<expression>"}.',
      ),
    ),
  when: z.optional(
    expression.check(
      about("A further condition for every type. Events that no rule takes are answered and not kept."),
    ),
  ),
  lead: z.strictObject(leadFields).check(about("The lead body of Dub's POST /track/lead.")),
  withoutClickId: z
    ._default(z.enum(["skip", "send"]), "skip")
    .check(
      about("skip: no lead without a click id. send: Dub uses the click of the customer it already knows."),
    ),
  once: z
    ._default(z.enum(["customer", "event"]), "customer")
    .check(about("customer: one lead for each customer and event name, ever. event: one for each event.")),
});

/** Algorithms of session tokens. With a shared secret (HS256) whoever may check a token could make one. */
export const TOKEN_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"] as const;

const Session = z.strictObject({
  keys: z
    ._default(z.string().check(z.regex(/^(https:\/\/|\{issuer\})/)), "{issuer}/.well-known/jwks.json")
    .check(about("Address of the provider's key set; {issuer} stands for the setting <PROVIDER>_ISSUER.")),
  algorithms: z
    ._default(z.array(z.enum(TOKEN_ALGORITHMS)).check(z.minLength(1)), ["RS256"])
    .check(about("Algorithms with which the provider signs session tokens.")),
  customerExternalId: z
    ._default(expression, "sub")
    .check(
      about(
        "JMESPath expression over the token's claims. It must give the same id as lead.customerExternalId gives for this customer.",
      ),
    ),
});

export const MappingFile = z.strictObject({
  $schema: z.optional(z.string()),
  name: z.string().check(z.minLength(1), about("The provider's name, for people.")),
  docs: z.url().check(about("Where the provider documents its webhooks.")),
  notes: z.optional(z.array(z.string()).check(about("What the operator should know about this mapping."))),
  verify: Verify,
  format: z
    ._default(z.enum(["json", "json-lines"]), "json")
    .check(about("json-lines: the body is JSON, or one JSON document a line.")),
  each: z
    ._default(expression, "@")
    .check(
      about('JMESPath expression that gives the event, or the list of events, of one webhook. Default "@".'),
    ),
  type: z.union([expression, header]).check(about("The event's type.")),
  id: z.optional(
    z
      .union([expression, header])
      .check(
        about(
          "What makes a redelivery the same event. Default: the delivery id of the scheme, else a hash of the event.",
        ),
      ),
  ),
  let: z
    ._default(z.record(z.string().check(z.regex(/^[A-Za-z_]\w*$/)), expression), {})
    .check(
      about(
        "Named expressions. $name stands for its expression in all others except each, and in the names below it.",
      ),
    ),
  test: z.optional(
    expression.check(about("True for the provider's own test events: kept as skipped, never sent.")),
  ),
  otherAccount: z.optional(
    expression.check(
      about("True for events of somebody else's account, as a connected Stripe account: kept as skipped."),
    ),
  ),
  thin: z.optional(
    expression.check(
      about(
        "True, or a text with what to do, for events that only point at their data: kept as rejected, with the text as detail.",
      ),
    ),
  ),
  signedUpAt: z.optional(
    expression.check(
      about(
        "When the customer signed up, by the provider's word: ISO 8601, or seconds or milliseconds since 1970. A click that was first seen later is not credited. Default: when the webhook came.",
      ),
    ),
  ),
  session: z.optional(
    Session.check(
      about(
        "The provider's session tokens (JWT), by which a signed-in customer's browser may tell its click: see docs/click-memory.md.",
      ),
    ),
  ),
  leads: z
    .array(Rule)
    .check(z.minLength(1), about("Rules, tried in order; the first that takes the event makes its lead.")),
});
export type MappingFile = z.infer<typeof MappingFile>;

const HeaderValue = z.string().check(
  z.refine((value) => /^[\t\u0020-\u007e\u0080-\u00ff]*$/.test(value), {
    error: "is no value that a header can have",
  }),
);

/** A file beside a mapping: one webhook and what must become of each event in it. Test, documentation and something to send. */
export const Sample = z
  .strictObject({
    $schema: z.optional(z.string()),
    title: z.string(),
    headers: z.optional(z.record(HeaderName, HeaderValue)),
    send: z
      ._default(z.enum(["json", "json-lines"]), "json")
      .check(about("json-lines: webhook is an array that is sent one item a line.")),
    webhook: z.unknown(),
    expect: z
      .array(
        z.union([
          z.strictObject({
            lead: z.record(z.string(), z.unknown()),
            warnings: z.optional(z.array(z.string())),
          }),
          z.strictObject({ skipped: z.string() }),
          z.strictObject({ rejected: z.string() }),
          z.strictObject({ ignored: z.literal(true) }),
        ]),
      )
      .check(about("What becomes of each event of the webhook, in order.")),
  })
  .check(
    z.refine(({ send, webhook }) => send === "json" || Array.isArray(webhook), {
      error: "must be an array, since send is json-lines",
      path: ["webhook"],
    }),
  );
export type Sample = z.infer<typeof Sample>;
