/** Units of time in milliseconds, and reading a time. */
export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

const TIME = /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/;

/** Milliseconds since 1970 of a day (its beginning, UTC) or of a time with its zone; null for others, and for a day such as 2026-02-31. */
export function parseTime(text: string): number | null {
  const [, day] = TIME.exec(text) ?? [];
  const [time, midnight] = [Date.parse(text), Date.parse(day ?? "")];
  // Date.parse takes 31 February for 3 March.
  if (Number.isNaN(time) || Number.isNaN(midnight) || new Date(midnight).toISOString().slice(0, 10) !== day)
    return null;
  return time;
}
