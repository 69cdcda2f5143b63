/** Headers of a captured request, as tools show and copy them. */
import { existsSync, readFileSync } from "node:fs";
import { UserError } from "./user-error.ts";

/** `method` and `path` are known when the capture has a request line, as that of `curl -v` has. */
export type Captured = { headers: [name: string, value: string][]; method?: string; path?: string };

const REQUEST_LINE = /^([A-Z]+) (\S+) HTTP\/[\d.]+$/;
/** `-H 'Name: value'` in a copied curl command; a line may hold several. */
const COPIED = /\s(?:-H|--header)\s+\$?(['"])(.*?)\1(?=\s|$)/g;
const HEADER = /^([!#$%&'*+.^_`|~\w-]+):(?:\s+(.*))?$/;

/**
 * Reads `Name: value` lines, those of `curl -v` (`> Name: value`), `-H 'Name: value'` of a copied curl command, a name and
 * its value on two lines, or JSON: an object, or a list of `{"name", "value"}`. Throws a UserError that names the line,
 * and never quotes it: it may hold a secret.
 */
export function parseHeaders(text: string, file: string): Captured {
  const trimmed = text.replace(/^\uFEFF/, "").trim();
  if (/^[{[]/.test(trimmed)) return { headers: ofJson(trimmed, file) };
  const captured: Captured = { headers: [] };
  let open: [string, string] | undefined;
  const lines = trimmed.split(/\r\n?|\n/).flatMap((raw, i) => {
    const copied = /^\s*(curl\s|-)/.test(raw) ? [...` ${raw}`.matchAll(COPIED)] : [];
    const given = copied.length > 0 ? copied.map(([, , one = ""]) => one) : [raw.replace(/^\s*>( |$)/, "")];
    return given.map((line): [number, string] => [i, line.trim()]);
  });
  for (const [i, line] of lines) {
    // `* …` and `{ …` are what curl says itself, `< …` is the answer, `curl …` and `--…` are other parts of a command,
    // `:authority: …` are headers of HTTP/2 only.
    if (line === "" || /^([*<{}-]|curl\s|:(?!path|method))/.test(line)) continue;
    const [, method, path] = REQUEST_LINE.exec(line) ?? [];
    const [, pseudo, value = ""] = /^:(path|method):\s*(.*)$/.exec(line) ?? [];
    const [, name, inline] = HEADER.exec(line) ?? [];
    if (method !== undefined && path !== undefined) Object.assign(captured, { method, path });
    else if (pseudo !== undefined) Object.assign(captured, { [pseudo]: value });
    else if (name !== undefined) {
      open = [name, inline ?? ""];
      captured.headers.push(open);
    } else if (open && open[1] === "") open[1] = line;
    else throw new UserError(`${file}: line ${i + 1} is no header: write it as Name: value.`);
  }
  return captured;
}

function ofJson(text: string, file: string): [string, string][] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    // The message quotes the text from the place of the mistake on.
    const where = /at position \d+.*$/.exec((error as Error).message)?.[0] ?? "";
    throw new UserError(`${file} is no valid JSON ${where}`.trimEnd());
  }
  const { headers = json } = json as { headers?: unknown };
  const pairs = Array.isArray(headers)
    ? headers.map((one) => [one?.name ?? one?.[0], one?.value ?? one?.[1]])
    : typeof headers === "object" && headers !== null
      ? Object.entries(headers).flatMap(([name, value]) => [value].flat().map((one) => [name, one]))
      : [[]];
  for (const [name, value] of pairs)
    if (typeof name !== "string" || !["string", "number"].includes(typeof value))
      throw new UserError(
        `${file}: write the headers as {"name": "value"} or [{"name": "…", "value": "…"}].`,
      );
  return pairs.map(([name, value]): [string, string] => [name, String(value)]);
}

/** The headers as the Worker sees them. Throws a UserError for one that HTTP does not allow. */
export function toHeaders(pairs: Iterable<[string, string]>): Headers {
  const headers = new Headers();
  for (const [name, value] of pairs)
    try {
      headers.append(name, value);
    } catch {
      throw new UserError(
        `The header ${JSON.stringify(name)} or its value has characters that HTTP does not allow.`,
      );
    }
  return headers;
}

/** Headers with others in their place; one given without a value is left out. */
export function replaced(headers: Headers, given: [string, string][]): Headers {
  for (const [name, value] of toHeaders(given))
    value === "" ? headers.delete(name) : headers.set(name, value);
  return headers;
}

/** Headers given on the command line, each as `name=value` or as a file of headers. */
export function givenHeaders(given: string[]): [string, string][] {
  return given.flatMap((one) => {
    const [, name, value = ""] = /^([\w-]+)=(.*)$/s.exec(one) ?? [];
    if (name !== undefined && !existsSync(one)) return [[name, value] as [string, string]];
    if (!existsSync(one) && one !== "-")
      throw new UserError(`${one}: write a header as name=value, or name a file with headers.`);
    return parseHeaders(readText(one), one).headers;
  });
}

/** The text of a file; `-` is standard input. Throws a UserError when there is none. */
export function readText(file: string): string {
  return readBytes(file).toString("utf8");
}

export function readBytes(file: string): Buffer<ArrayBuffer> {
  try {
    return readFileSync(file === "-" ? 0 : file) as Buffer<ArrayBuffer>;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new UserError(
      code === "ENOENT" ? `There is no file ${file}.` : `${file} can't be read: ${message}`,
    );
  }
}
