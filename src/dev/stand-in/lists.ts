/**
 * What the stand-in for Dub lists, as Dub's server does: days are whole, a limit counts before leads of deleted links are
 * left out, and leads of one moment come in any order.
 */
import { DAY } from "../../time.ts";
import { DubError } from "./rules.ts";

/** A lead as it was recorded. `quantity`: it is listed as so many events. */
export type Recorded = {
  at: number;
  customerExternalId: string;
  eventName: string;
  clickId: string;
  link: string;
  quantity: number;
  metadata: unknown;
};

export type Customer = {
  externalId: string;
  name: string;
  email: string | null;
  avatar: string | null;
  clickId: string;
};

/** `gone`: ids of deleted links, and the customers (by external id) who were deleted. */
export type Kept = {
  recorded: Recorded[];
  customers: Map<string, Customer>;
  gone: { links: Set<string>; customers: Set<string> };
  /** The id of a click's link. */
  linkOf: (clickId: string) => string | undefined;
};

const MAX_LIMIT = 1000;

export const shortLinkOf = (link: string) => `https://go.example/${link.replace("link_", "")}`;
export const customerId = (externalId: string) => `cus_${externalId}`;

/** `GET /customers?externalId=`. With `includeExpandedFields` also the link, null when it was deleted. */
export function listCustomers({ customers, gone, linkOf }: Kept, query: Record<string, string>): unknown[] {
  const { externalId = "", includeExpandedFields } = query;
  const customer = customers.get(externalId);
  if (!customer || gone.customers.has(externalId)) return [];
  const { clickId, ...shown } = customer;
  const link = linkOf(clickId);
  return [
    {
      id: customerId(externalId),
      ...shown,
      country: "US",
      createdAt: new Date(0).toISOString(),
      ...(includeExpandedFields === "true" && {
        link: link === undefined || gone.links.has(link) ? null : linkBody(link),
        programId: null,
        partner: null,
        discount: null,
      }),
    },
  ];
}

/** `GET /events?event=leads`: newest first, `limit` a page, and leads of deleted links left out after that. */
export function listEvents(kept: Kept, query: Record<string, string>, now: number): unknown[] {
  const page = numberOf(query, "page", 1);
  const limit = numberOf(query, "limit", 100);
  if (limit > MAX_LIMIT)
    throw new DubError(
      422,
      "unprocessable_entity",
      `too_big: limit: Too big: expected number to be <=${MAX_LIMIT}`,
    );
  return inSpan(kept, query, now)
    .map((one) => ({ ...one, tie: mixed(`${one.eventId} ${page}`) }))
    .sort((a, b) => b.at - a.at || a.tie - b.tie)
    .slice((page - 1) * limit, page * limit)
    .filter(({ link }) => !kept.gone.links.has(link))
    .map((one) => eventBody(kept, one));
}

/** `GET /analytics?event=leads&groupBy=count`: leads of deleted links count. */
export function countEvents(kept: Kept, query: Record<string, string>, now: number): { leads: number } {
  return { leads: inSpan(kept, query, now).length };
}

type Single = Recorded & { eventId: string };

/** The leads between two days of UTC, both whole; without any, those of the last 24 hours. */
function inSpan({ recorded }: Kept, query: Record<string, string>, now: number): Single[] {
  const { event, customerId: of, start, end } = query;
  if (event !== "leads") return [];
  const dayOf = (time: string) => {
    const at = Date.parse(time);
    if (Number.isNaN(at))
      throw new DubError(422, "unprocessable_entity", "invalid_date: start: Invalid date");
    return at - (at % DAY);
  };
  const from = start === undefined ? now - DAY : dayOf(start);
  const to = end === undefined ? now : dayOf(end) + DAY - 1;
  return recorded.flatMap((one, i) =>
    one.at < from || one.at > to || (of !== undefined && customerId(one.customerExternalId) !== of)
      ? []
      : Array.from({ length: one.quantity }, (_, n) => ({ ...one, eventId: `evt_${i}_${n}` })),
  );
}

function numberOf(query: Record<string, string>, name: string, otherwise: number): number {
  const value = Number(query[name] ?? otherwise);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new DubError(422, "unprocessable_entity", `invalid_type: ${name}: expected a number of 1 or more`);
}

/** A number that says nothing: two pages order the leads of one moment each in its own way. */
function mixed(text: string): number {
  let h = 2166136261;
  for (const c of text) h = Math.imul(h ^ c.charCodeAt(0), 16777619);
  return h >>> 0;
}

/** `click.timestamp` is the lead's time here, as Dub's server has it. */
function eventBody({ customers, gone }: Kept, one: Single): object {
  const { at, eventId, eventName, metadata, clickId, link, customerExternalId } = one;
  const timestamp = new Date(at).toISOString();
  const id = customerId(customerExternalId);
  const customer = gone.customers.has(customerExternalId)
    ? { externalId: id, name: "Deleted Customer", email: "", avatar: "" }
    : customers.get(customerExternalId);
  const { externalId = customerExternalId, name = "", email = null, avatar = null } = customer ?? {};
  const click = clickBody(clickId, timestamp);
  return {
    // Fields of older versions, which the official SDK still wants.
    ...click,
    qr: 0,
    click_id: clickId,
    link_id: link,
    domain: "go.example",
    key: link.replace("link_", ""),
    event: "lead",
    timestamp,
    eventId,
    eventName,
    metadata,
    click,
    link: linkBody(link),
    customer: { id, externalId, name, email, avatar, country: "US", createdAt: timestamp },
  };
}

export function clickBody(id: string, timestamp: string): object {
  return {
    id,
    timestamp,
    url: "https://orchard.example/",
    country: "US",
    city: "Springfield",
    region: "US-IL",
    continent: "NA",
    device: "Desktop",
    browser: "Firefox",
    os: "Linux",
    trigger: "link",
    referer: "(direct)",
    refererUrl: "(direct)",
    qr: false,
    ip: "",
  };
}

const NO = [
  ...["externalId", "tenantId", "programId", "expiresAt", "expiredUrl", "disabledAt", "password", "title"],
  ...[
    "description",
    "image",
    "video",
    "ios",
    "android",
    "geo",
    "tags",
    "folderId",
    "comments",
    "lastClicked",
  ],
  ...["utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "testVariants", "testStartedAt"],
  ...["testCompletedAt", "userId", "tagId"],
];
const FALSE = ["archived", "proxy", "rewrite", "doIndex", "publicStats"];

/** A link as Dub lists it. */
export function linkBody(id: string): object {
  const created = new Date(0).toISOString();
  return {
    id,
    domain: "go.example",
    key: id.replace("link_", ""),
    shortLink: shortLinkOf(id),
    url: "https://orchard.example/",
    qrCode: "https://api.dub.co/qr",
    trackConversion: true,
    partnerId: "pn_local",
    workspaceId: "ws_local",
    projectId: "local",
    webhookIds: [],
    createdAt: created,
    updatedAt: created,
    ...Object.fromEntries(NO.map((name) => [name, null])),
    ...Object.fromEntries(FALSE.map((name) => [name, false])),
  };
}
