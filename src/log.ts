/** Log lines: one JSON object each, with a stable code. Never a secret, an e-mail or a name of a customer. */

/** UTF-16 units of a field that are logged. */
const MAX_FIELD = 4000;

type Fields = Record<string, string | number | boolean | object | null | undefined>;

export function log(level: "info" | "warn" | "error", code: string, fields: Fields = {}): void {
  const line = JSON.stringify({ level, code, ...fields }, (_, value) =>
    typeof value === "string" ? value.slice(0, MAX_FIELD) : value,
  );
  console[level](withoutEmails(line));
}

/**
 * What Dub or D1 said may quote an address. Each word is looked at once, so that the time grows with the text's length
 * and not with its square.
 */
function withoutEmails(text: string): string {
  return text.replace(/[^\s"'<>:,\\]+/g, (word) => (/.@./.test(word) ? "<e-mail>" : word));
}

/** Text from outside, fit to be shown and stored: bounded, well-formed, without control characters. */
export function printable(text: string, max: number): string {
  return text
    .slice(0, max)
    .toWellFormed()
    .replace(/\p{Cc}/gu, "\ufffd");
}
