/** JSON from outside. */

type Context = { source?: string };

/** JSON.parse, except that whole numbers too large for a double stay as the digits that were sent: they are ids. */
export function parseJson(text: string): unknown {
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  const reviver = (_key: string, value: unknown, context?: Context) =>
    typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? "")
      ? context?.source
      : value;
  return JSON.parse(text, reviver);
}
