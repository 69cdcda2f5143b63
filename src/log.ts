/** Log lines: one JSON object each, with a stable code. Never a secret, an e-mail or a name of a customer. */

type Fields = Record<string, string | number | boolean | null | undefined>;

export function log(level: "info" | "warn" | "error", code: string, fields: Fields = {}): void {
  // What Dub or D1 said is passed on; should it quote an address, the address stays here.
  console[level](
    JSON.stringify({ level, code, ...fields }).replace(/[^\s"'<>:,\\]+@[^\s"'<>:,\\]+/g, "<e-mail>"),
  );
}

/** Text from outside, fit to be shown and stored: bounded, well-formed, without control characters. */
export function printable(text: string, max: number): string {
  return text
    .slice(0, max)
    .toWellFormed()
    .replace(/\p{Cc}/gu, "\ufffd");
}
