/** Points in time, as people give them to commands. */
import { DAY, HOUR, MINUTE, parseTime, SECOND } from "../time.ts";
import { UserError } from "./user-error.ts";

const UNITS: Record<string, number> = { s: SECOND, m: MINUTE, h: HOUR, d: DAY };

/** What `parseMoment` takes, for help texts. */
export const MOMENT = "such as 2026-11-24T09:30:00Z, or -10m and +1h from now (s, m, h, d)";

/** Milliseconds since 1970. Throws a UserError that names the option. */
export function parseMoment(option: string, text: string, now = Date.now()): number {
  const [, sign, count, unit = ""] = /^([+-])(\d+)([smhd])$/.exec(text) ?? [];
  if (count !== undefined) return now + (sign === "-" ? -1 : 1) * Number(count) * (UNITS[unit] ?? 0);
  const time = parseTime(text);
  if (time === null)
    throw new UserError(`${option} ${text}: write a time ${MOMENT}, on a day that the calendar has.`);
  return time;
}
