/** Options that say which events, and the events that they name. */
import type { Command } from "@commander-js/extra-typings";
import { type ApiEvent, EventPage } from "../admin/schema.ts";
import { readAdmin } from "./admin.ts";
import { parseMoment } from "./moment.ts";
import { UserError } from "./user-error.ts";

/** As POST /api/events/search takes it. */
export type Wanted = {
  status?: string[] | undefined;
  reason?: string[] | undefined;
  provider?: string | undefined;
  type?: string | undefined;
  since?: string | undefined;
  until?: string | undefined;
  find?: string | undefined;
  related?: boolean | undefined;
};

/** The words of an option that lists several. */
const words = (text: string): string[] => text.split(/[\s,]+/).filter((word) => word !== "");

/** A time as the API takes it, which says what is wrong with others. */
const momentOf = (option: string) => (text: string) => new Date(parseMoment(option, text)).toISOString();

/** Adds the options by which every command names events. */
export const withFilters = (program: Command) =>
  program
    .option("--status <names>", "events with these statuses, separated by commas", words)
    .option("--reason <names>", "events with these reasons, separated by commas", words)
    .option("--provider <name>", "events of this provider")
    .option(
      "--since <time>",
      "events that came at or after this time (UTC), such as 2026-11-01, 2026-11-24T09:30:00Z, or -2h from now (s, m, h, d)",
      momentOf("--since"),
    )
    .option("--until <time>", "events that came before this time (UTC)", momentOf("--until"));

/** What `--limit` takes. */
export function countOf(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1)
    throw new UserError(`--limit ${text}: write a number from 1 on.`);
  return count;
}

/** Of the API. */
const MAX_PAGE = 100;
/** More pages are read than the limit needs, since a page can have few events, or none, and still a next one. */
const MORE_PAGES = 50;

/** A page of events, newest first. It is asked by POST: addresses are logged, and `find` is personal. */
export const readPage = (to: string, wanted: Wanted, limit: number, before?: number): Promise<EventPage> =>
  readAdmin(to, "/api/events/search", EventPage, { ...wanted, limit, before });

/** The newest events, up to a limit. `more`: there can be others. */
export async function firstEvents(
  to: string,
  wanted: Wanted,
  limit: number,
): Promise<{ events: ApiEvent[]; more: boolean }> {
  const events: ApiEvent[] = [];
  const maxPages = limit / MAX_PAGE + MORE_PAGES;
  let next: number | null | undefined;
  for (let pages = 0; next !== null && events.length < limit && pages < maxPages; pages++) {
    const page = await readPage(to, wanted, Math.min(MAX_PAGE, limit - events.length), next);
    events.push(...page.events);
    next = page.next;
  }
  return { events, more: next !== null };
}
