/** What often differs between what was signed and what came: the body, the secret, how the scheme reads them. */
import { decodeBase64, utf8 } from "../../verify/bytes.ts";
import { expanded, type Verify } from "../../verify/schemes.ts";
import type { SignedRequest } from "../../verify/verdict.ts";

/** `what` ends the sentence "it matches with …"; "" for what is as it should be. `todo`: how to get there. */
export type Variant<T> = { what: string; todo: string; value: T };

const asIs = <T>(value: T): Variant<T> => ({ what: "", todo: "", value });

const CHANGED =
  "have what stands in between (a proxy, a gateway, a framework's body parser) pass the body on unchanged";
const SAVED = "save the body byte by byte, or correct what changes it on its way";

/** A request with other bodies, and other addresses where the scheme signs the address. */
export function requestVariants(request: SignedRequest, verify: Verify): Variant<SignedRequest>[] {
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(request.body);
  const bare = text.replace(/^\uFEFF/, "");
  const bodies: [what: string, text: string, todo: string][] = [
    ["the body without the white space at its end", text.trimEnd(), SAVED],
    ["the body without the byte order mark (BOM) at its beginning", bare, SAVED],
    ["the body with a line feed at its end", `${text}\n`, SAVED],
    ["the body with CRLF at its end", `${text}\r\n`, SAVED],
    ["the body with a byte order mark (BOM) at its beginning", `\uFEFF${bare}`, SAVED],
    ["the body with LF instead of CRLF", text.replaceAll("\r\n", "\n"), SAVED],
    ["the body with CRLF instead of LF", text.replace(/\r?\n/g, "\r\n"), SAVED],
    ...jsonForms(bare).flatMap(([how, form]): [string, string, string][] => [
      [`the body's JSON ${how}`, form, CHANGED],
      [`the body's JSON ${how}, with a line feed at its end`, `${form}\n`, CHANGED],
    ]),
  ];
  const seen = new Set([text]);
  const others = bodies.flatMap(([what, form, todo]) => {
    if (seen.has(form)) return [];
    seen.add(form);
    return { what, todo, value: { ...request, body: utf8(form) } };
  });
  return [asIs(request), ...others, ...addressVariants(request, verify)];
}

/** JSON as the usual programs write it. */
function jsonForms(text: string): [how: string, form: string][] {
  let json: unknown;
  try {
    json = JSON.parse(text, asWritten);
  } catch {
    return [];
  }
  const compact = JSON.stringify(json);
  const indented = (width: number | string) => JSON.stringify(json, null, width);
  const spaced = inOneLine(indented(1));
  return [
    ["written anew, compact", compact],
    ["indented by two blanks", indented(2)],
    ["indented by four blanks", indented(4)],
    ["indented by tabs", indented("\t")],
    ["with a blank after each colon and comma", spaced],
    ["with a blank after each colon and comma, and \\u escapes", escaped(spaced)],
    ["with \\u escapes", escaped(compact)],
    ["with \\/ for each /", compact.replaceAll("/", "\\/")],
    ["with \\/ for each /, and \\u escapes", escaped(compact).replaceAll("/", "\\/")],
  ];
}

const { rawJSON } = JSON as unknown as { rawJSON: (text: string) => unknown };

/** For JSON.parse: numbers stay as they are written, since 10.0 is not 10, and large ones would be rounded. */
function asWritten(_key: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === "number" && context?.source ? rawJSON(context.source) : value;
}

/** JSON that was indented by one blank. Its strings hold no line feed, so that each one is of the indentation. */
function inOneLine(indented: string): string {
  return indented
    .replace(/\n *(?=[}\]])/g, "")
    .replace(/([{[])\n */g, "$1")
    .replace(/\n */g, " ");
}

function escaped(text: string): string {
  return text.replace(/[\u0080-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function addressVariants(request: SignedRequest, verify: Verify): Variant<SignedRequest>[] {
  if (!JSON.stringify(verify).includes("{url}")) return [];
  const { url } = request;
  const other = url.startsWith("https:") ? url.replace("https:", "http:") : url.replace("http:", "https:");
  const slash = url.endsWith("/") ? url.slice(0, -1) : `${url}/`;
  const todo =
    "give the address that is entered at the provider by --url, and enter the one that the Worker sees";
  return [other, slash, url.replace(/\?.*$/, "")]
    .filter((one) => one !== url)
    .map((one) => ({ what: `the address ${one}`, todo, value: { ...request, url: one } }));
}

/** A secret as it is often entered wrongly. `name`: of its setting. */
export function secretVariants(name: string, text: string): Variant<string>[] {
  const todo = `enter the secret in that form in ${name}`;
  const bare = text.trim();
  const base64 = decodeBase64(bare.replace(/^(v1,)?whsec_/, ""));
  const plain = base64 && new TextDecoder().decode(base64);
  const variants: [string, string][] = [
    ["the secret without the white space in it", bare.replace(/\s+/g, "")],
    ["the secret without quotation marks", bare.replace(/^["'`“„‘]+|["'`”“’]+$/g, "")],
    ["the secret without what stands before the =", bare.replace(/^\w+=/, "")],
    ["the secret without the word before it", bare.replace(/^(bearer|basic)\s+/i, "")],
    ["the secret without whsec_ before it", bare.replace(/^(v1,)?whsec_/, "")],
    ["the secret with whsec_ before it", `whsec_${bare.replace(/^(v1,)?whsec_/, "")}`],
    ["the secret in base64", btoa(String.fromCharCode(...utf8(bare)))],
    ["what the secret is in base64", plain && /^[\x21-\x7e]+$/.test(plain) ? plain : bare],
    ["the secret without % escapes", unescaped(bare)],
  ];
  const seen = new Set([bare]);
  const others = variants.flatMap(([what, value]) => {
    if (value === "" || seen.has(value)) return [];
    seen.add(value);
    return { what, todo, value };
  });
  return [asIs(text), ...others];
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The scheme with other parameters that senders use. */
export function schemeVariants(verify: Verify): Variant<Verify>[] {
  const all = expanded(verify);
  if (all.scheme !== "hmac") return [asIs(verify)];
  const todo = "correct `verify` of the mapping file, or the settings of the webhook at the provider";
  const loose = {
    ...all,
    secret: { ...all.secret, encoding: all.secret?.encoding ?? ["utf8" as const], minBytes: 1 },
  };
  const change = (what: string, value: typeof all): Variant<Verify> => ({ what, todo, value });
  const { begins: _, ...secret } = loose.secret;
  const asEntered = `enter the secret as the provider shows it`;
  return [
    asIs(loose),
    {
      what: "the secret taken as plain text",
      todo: `${asEntered}; if it is that already, set \`secret.encoding\` of \`verify\` to ["utf8"]`,
      value: { ...loose, secret: { ...secret, encoding: ["utf8"] } },
    },
    {
      what: "the secret decoded from base64",
      todo: `${asEntered}; if it is that already, set \`secret.encoding\` of \`verify\` to ["base64"]`,
      value: { ...loose, secret: { ...secret, strip: ["v1,whsec_", "whsec_"], encoding: ["base64"] } },
    },
    ...(["SHA-1", "SHA-256", "SHA-512"] as const).map((algorithm) =>
      change(`the algorithm ${algorithm}`, { ...loose, algorithm }),
    ),
    ...[
      "{body}",
      "{timestamp}.{body}",
      "{id}.{timestamp}.{body}",
      "{timestamp}{body}",
      "{timestamp}:{body}",
    ].map((payload) => change(`a signature over ${payload}`, { ...loose, payload })),
  ];
}
