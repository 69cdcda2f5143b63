/** Events as CSV (RFC 4180), for spreadsheets. */
import type { ApiEvent } from "./schema.ts";

const COLUMNS: Record<string, (event: ApiEvent) => unknown> = {
  received_at: ({ receivedAt }) => receivedAt,
  id: ({ id }) => id,
  provider: ({ provider }) => provider,
  type: ({ type }) => type,
  status: ({ status }) => status,
  reason: ({ reason }) => reason,
  detail: ({ detail }) => detail,
  event_name: ({ lead }) => lead?.eventName,
  customer_id: ({ lead }) => lead?.customerExternalId,
  customer_email: ({ lead }) => lead?.customerEmail,
  click_id: ({ lead }) => lead?.clickId,
  link: ({ link }) => link?.shortLink ?? link?.id,
  partner_id: ({ link }) => link?.partnerId,
  delivered_at: ({ deliveredAt }) => deliveredAt,
  event_id: ({ eventId }) => eventId,
};

/** The first line, which names the columns. */
export const CSV_HEAD = `${Object.keys(COLUMNS).join(",")}\r\n`;

/** The line of an event. */
export function csvLine(event: ApiEvent): string {
  const cells = Object.values(COLUMNS).map((read) => cell(String(read(event) ?? "")));
  return `${cells.join(",")}\r\n`;
}

/** What a spreadsheet would take as a formula is marked as text by an apostrophe. */
function cell(text: string): string {
  const formula = /^[=+@\t\r]/.test(text) || (text.startsWith("-") && !/^[\w-]+$/.test(text));
  const safe = formula ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
