/** The lines of the Worker's log, in short for people. */
import type { Group } from "../receive/answer.ts";
import { styled } from "./print.ts";

export type LogLine = { level: string; code: string } & Record<string, unknown>;

/** A line of the Worker's log, or undefined for anything else that wrangler prints. */
export function parseLine(text: string): LogLine | undefined {
  const at = text.indexOf('{"level":');
  if (at < 0) return undefined;
  try {
    // wrangler puts a coloured [WARNING] or [ERROR] around the lines of those levels.
    return JSON.parse(text.slice(at, text.lastIndexOf("}") + 1)) as LogLine;
  } catch {
    return undefined;
  }
}

const TYPE_WIDTH = 18;
const LEAD_WIDTH = 10;

/**
 * What a line says: time, provider, event type, the lead's event name, result, reason. A webhook's events that are to be
 * delivered have no line yet: their delivery, which follows at once, has one.
 */
export function formatLine(line: LogLine): string[] {
  const { level, code, provider, status, reason, detail, evidence, message, link } = line;
  const time = new Date().toTimeString().slice(0, 8);
  const format = (type: unknown, lead: unknown, what: string, said: unknown[]) =>
    [
      time,
      String(provider ?? "").padEnd(11),
      String(type ?? "").padEnd(TYPE_WIDTH),
      String(lead ?? "").padEnd(LEAD_WIDTH),
      styled(what.padEnd(10), what),
      ...said.filter(Boolean),
    ].join("  ");
  if (code === "webhook") {
    const groups = line.became as Group[];
    if (groups.length === 0) return [format("", "", "ignored", ["an empty batch"])];
    return groups
      .filter((group) => !isUnderway(group))
      .map(({ type, lead, status: became, reason: why = NO_RULE, redelivery, events, event }) =>
        format(type, lead, became, [
          why,
          redelivery && "redelivery",
          events > 1 && `${events} events`,
          event,
        ]),
      );
  }
  if (code === "delivery")
    return [format(line.type, line.lead, String(status), [reason, link, detail, line.event])];
  const what = "todo" in line ? "alert" : level === "error" ? "error" : code;
  const events = typeof line.events === "number" && `${line.events} events`;
  const said = [level === "error" && code, events, line.dryRun === true && "counted only"];
  return [format("", "", what, [...said, reason, evidence, message, line.event])];
}

const NO_RULE = "no rule of the mapping file takes it";

function isUnderway({ status, redelivery }: Group): boolean {
  return status === "pending" && !redelivery;
}
