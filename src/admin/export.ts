/** Events as a file. */
import type { ApiEvent } from "./events.ts";

export type Format = "csv" | "json";

const COLUMNS: [name: string, of: (event: ApiEvent) => unknown][] = [
  ["id", ({ id }) => id],
  ["receivedAt", ({ receivedAt }) => receivedAt],
  ["provider", ({ provider }) => provider],
  ["eventId", ({ eventId }) => eventId],
  ["type", ({ type }) => type],
  ["status", ({ status }) => status],
  ["reason", ({ reason }) => reason],
  ["means", ({ means }) => means],
  ["todo", ({ todo }) => todo],
  ["detail", ({ detail }) => detail],
  ["deliveredAt", ({ deliveredAt }) => deliveredAt],
  ["link", ({ link }) => link?.shortLink ?? link?.id],
  ["partnerId", ({ link }) => link?.partnerId],
  ["clickId", ({ lead }) => lead?.clickId],
  ["eventName", ({ lead }) => lead?.eventName],
  ["customerExternalId", ({ lead }) => lead?.customerExternalId],
  ["customerEmail", ({ lead }) => lead?.customerEmail],
  ["customerName", ({ lead }) => lead?.customerName],
];

/**
 * The text of a file: JSON with `events` as the API answers them, or CSV by RFC 4180 with a line of names. `more`: a
 * sentence that says how to get the events that the file lacks; it is the last line of CSV.
 */
export function writeEvents(events: ApiEvent[], format: Format, more: string | null = null): string {
  if (format === "json") return `${JSON.stringify({ events, more }, null, 2)}\n`;
  const lines = [
    COLUMNS.map(([name]) => name),
    ...events.map((event) => COLUMNS.map(([, of]) => cell(of(event)))),
    ...(more === null ? [] : [COLUMNS.map((_, i) => (i === 0 ? cell(more) : ""))]),
  ];
  return lines.map((line) => `${line.join(",")}\r\n`).join("");
}

/** What begins a formula. Where the comma is a decimal point, spreadsheets divide a line at semicolons. */
const FORMULA = /(^|[;\t\n])(?=[=+\-@\uff1d\uff0b\uff0d\uff20])/g;

/** A text that a spreadsheet would take for a formula gets an apostrophe before it. Control characters are left out. */
function cell(value: unknown): string {
  const text = value === null || value === undefined ? "" : String(value);
  const safe = text.replace(/[^\P{Cc}\t\n]/gu, "").replace(FORMULA, "$1'");
  return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
