/** Log lines: one JSON object each, with a stable code. Never a secret, an e-mail or a name of a customer. */

type Fields = Record<string, string | number | boolean | null | undefined>;

export function log(level: "info" | "warn" | "error", code: string, fields: Fields = {}): void {
  console[level](JSON.stringify({ level, code, ...fields }));
}
