/** The parameters of the hmac scheme in a mapping file. */
import * as z from "zod/mini";
import { HeaderName } from "./header-name.ts";

const about = (text: string) => z.describe(text);
const oneOrMore = <T extends z.core.$ZodType<string>>(one: T) =>
  z.union([one, z.array(one).check(z.minLength(1))]);
const names = () => oneOrMore(HeaderName);

export const HmacParameters = z
  .strictObject({
    scheme: z.literal("hmac"),
    algorithm: z.optional(z.enum(["SHA-1", "SHA-256", "SHA-512"]).check(about("Default SHA-256."))),
    signature: z.strictObject({
      header: names().check(
        about(
          "Header(s) that carry the signature. With several, those of `id` and `timestamp` at the same place belong to it.",
        ),
      ),
      prefix: z.optional(z.string().check(about('Text before each signature, such as "sha256=".'))),
      split: z.optional(z.string().check(about('Separator of the items in the header, such as ",".'))),
      kv: z.optional(z.string().check(about('Separator of key and value inside an item, such as "=".'))),
      key: z.optional(z.string().check(about('Key of the items that are signatures, such as "v1".'))),
    }),
    encoding: z.enum(["hex", "base64"]).check(about("How the signature is written.")),
    payload: z.optional(
      oneOrMore(z.string()).check(
        about(
          'What is signed; {body} {json} {id} {timestamp} {method} {url} are filled in. Several are all tried. Default "{body}".',
        ),
      ),
    ),
    id: z.optional(
      names().check(about("Header(s) with the delivery's id, for {id} and for recognising a redelivery.")),
    ),
    timestamp: z.optional(
      z.strictObject({
        header: z.optional(names().check(about("Header(s) that carry the timestamp."))),
        field: z.optional(
          z
            .string()
            .check(about('Key of the item of the signature header that is the timestamp, such as "t".')),
        ),
        unit: z.enum(["s", "ms"]),
        tolerance: z
          .number()
          .check(z.positive(), about("Largest difference to now, in seconds, in both directions.")),
      }),
    ),
    secret: z.optional(
      z.strictObject({
        strip: z.optional(
          z.array(z.string()).check(about("Prefixes removed before base64 is decoded; the first that fits.")),
        ),
        begins: z.optional(
          z.string().check(about('Text that every secret begins with, and that is part of it: "whsec_".')),
        ),
        encoding: z
          .array(z.enum(["base64", "utf8"]))
          .check(
            z.minLength(1),
            about("How the secret becomes the key; several are all tried. Default utf8."),
          ),
        minBytes: z.optional(
          z.number().check(about("Shortest key accepted, in bytes, `begins` not counted. Default 16.")),
        ),
      }),
    ),
  })
  .check(
    z.refine(
      ({ signature, id, timestamp }) =>
        [id, timestamp?.header].every(
          (one) => !Array.isArray(one) || one.length === list(signature.header).length,
        ),
      { error: "lists of headers in signature, id and timestamp must have the same length" },
    ),
  );
export type HmacParameters = z.infer<typeof HmacParameters>;

/** The headers of one sender: those of `signature`, `id` and `timestamp` that stand at the same place in their lists. */
export type HeaderSet = { signature: string; id: string | undefined; timestamp: string | undefined };

export function headerSets({ signature, id, timestamp }: HmacParameters): HeaderSet[] {
  const at = (names: string | string[] | undefined, i: number) => (Array.isArray(names) ? names[i] : names);
  return list(signature.header).map((name, i) => ({
    signature: name,
    id: at(id, i),
    timestamp: at(timestamp?.header, i),
  }));
}

export function list<T>(value: T | T[]): T[] {
  return Array.isArray(value) ? value : [value];
}
