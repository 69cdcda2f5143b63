/**
 * A sample with ids of its own, so that each one sent is a new event of a new customer. Which texts of a webhook are its
 * ids, the mapping file tells: those that change the event's id, the customer's id or the customer's e-mail address when
 * they are changed, and nothing else of what the events become.
 */

import { decodeBody } from "../../body.ts";
import { mapWebhook } from "../../mapping/apply.ts";
import type { Mapping } from "../../mapping/compile.ts";
import type { Sample } from "../../mapping/schema.ts";
import { DAY, SECOND } from "../../time.ts";
import { isEmail } from "../../usable.ts";
import { canonical } from "../check/results.ts";
import { sampleBody } from "./sign.ts";

/** Where a value stands: names of fields and places in lists. */
export type Path = string[];

/** Digits that are put into ids. They fit wherever digits, hex digits or letters are expected. */
const DIGITS = 10;
/** A text of so many letters and digits is an id wherever it stands, also inside another text. */
const LONG = 8;

/**
 * The sample with fresh ids, in `expect` too. The values at the paths `keep` are left as they are. `number`: ten digits,
 * which the first id gets; the others count on.
 */
export function freshSample(
  mapping: Mapping,
  sample: Sample,
  keep: Path[] = [],
  number = 1e9 + Math.floor(Math.random() * 8e9),
): Sample {
  const old = idsOf(mapped(mapping, sample));
  let fresh = sample;
  let next = number;
  for (const text of textsOf(sample, keep)) {
    const before = mapped(mapping, fresh);
    const ids = idsOf(before);
    const rename = renamings(text, String(next));
    const alone = idsOf(mapped(mapping, renamed(fresh, rename.whole, keep)));
    // An id that is new already is left as it is.
    if (ids.every((id, i) => id !== old[i] || id === alone[i])) continue;
    for (const one of [rename.inside, rename.whole]) {
      const changed = renamed(fresh, one, keep);
      if (canonical(mapped(mapping, changed)) !== canonical(changeTexts(before, one))) continue;
      fresh = changed;
      next++;
      break;
    }
  }
  return fresh;
}

/** What the events of a sample become, with the provider's test events skipped and not. */
export function mapped(mapping: Mapping, sample: Sample) {
  const decoded = decodeBody(sampleBody(sample), mapping.file.format);
  if (!decoded.ok) return [];
  const webhook = { body: decoded.value, headers: new Headers(sample.headers), deliveryId: undefined };
  return [true, false].flatMap((acceptTestEvents) =>
    mapWebhook(mapping, webhook, { acceptTestEvents }).map(({ type, eventId, outcome }) => ({
      type,
      eventId,
      outcome,
    })),
  );
}

/** Event id, customer id and e-mail address of each event. */
function idsOf(events: ReturnType<typeof mapped>): (string | undefined)[] {
  return events.flatMap(({ eventId, outcome }) => {
    const lead = "lead" in outcome ? outcome.lead : undefined;
    return [eventId, lead?.customerExternalId, lead?.customerEmail];
  });
}

/**
 * The sample as it would be sent by a sign-up at `now` (milliseconds), if an event of it waits for its click: clicks count
 * only for a sign-up of these days. Each time within a month of the sign-up is moved with it, but those at the paths `keep`.
 */
export function recentSample(mapping: Mapping, sample: Sample, now: number, keep: Path[] = []): Sample {
  const signedUpAt = mapped(mapping, sample)
    .map(({ outcome }) => ("waits" in outcome && outcome.waits ? outcome.waits.signedUpAt : undefined))
    .find((time) => time !== undefined);
  if (signedUpAt === undefined) return sample;
  const near = (time: number) => Math.abs(time - signedUpAt) < 31 * DAY;
  const move = (time: number) => time + now - signedUpAt;
  return renamed(
    sample,
    (text) => {
      if (/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(text) && near(Date.parse(text)))
        return new Date(move(Date.parse(text))).toISOString();
      const unit = /^\d{13}$/.test(text) ? 1 : SECOND;
      const time = Number(text) * unit;
      return /^\d{10}(\d{3})?$/.test(text) && near(time) ? String(Math.floor(move(time) / unit)) : text;
    },
    keep,
  );
}

type Rename = (text: string) => string;

/** Two ways to make a text another one of the same kind: wherever it stands, and only where it is the whole value. */
function renamings(text: string, number: string): { inside: Rename; whole: Rename } {
  if (isEmail(text)) {
    // What stands before the @ may be the person's nickname, too.
    const rename: Rename = (address) => address.replace("@", `@${number}.`);
    return { inside: inside(text, rename), whole: whole(text, rename) };
  }
  const tail = /[a-z0-9]*$/i.exec(text)?.[0] ?? "";
  if (tail.length >= LONG) {
    const rename: Rename = (id) => `${id.slice(0, Math.max(0, id.length - DIGITS))}${number}`;
    const ofTail: Rename = (id) => `${id.slice(0, id.length - tail.length)}${rename(id.slice(-tail.length))}`;
    return { inside: inside(tail, rename), whole: whole(text, ofTail) };
  }
  const rename: Rename = (id) => `${id.replace(/\d*$/, "")}${number}`;
  const word = (pattern: string) => `(?<![a-z0-9])${pattern}(?![a-z0-9])`;
  return { inside: inside(text, rename, word), whole: whole(text, rename) };
}

/** Upper and lower case make no difference: a mapping file may use `lower(…)`. */
function inside(text: string, rename: Rename, around = (pattern: string) => pattern): Rename {
  const pattern = new RegExp(around(text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")), "gi");
  return (value) => value.replace(pattern, rename);
}

function whole(text: string, rename: Rename): Rename {
  return (value) => (value.toLowerCase() === text.toLowerCase() ? rename(value) : value);
}

function renamed(sample: Sample, rename: Rename, keep: Path[]): Sample {
  const { webhook, headers, expect } = sample;
  return {
    ...sample,
    webhook: changeTexts(webhook, rename, keep),
    expect: changeTexts(expect, rename),
    ...(headers && { headers: changeTexts(headers, rename) }),
  };
}

/** JSON with every text and every whole number renamed, apart from those at the paths `keep`. */
function changeTexts<T>(value: T, rename: Rename, keep: Path[] = []): T {
  const change = (one: unknown, path: Path): unknown => {
    if (isAt(path, keep)) return one;
    if (typeof one === "string") return rename(one);
    if (Number.isSafeInteger(one)) {
      const other = Number(rename(String(one)));
      return Number.isSafeInteger(other) ? other : one;
    }
    if (Array.isArray(one)) return one.map((inner, i) => change(inner, [...path, String(i)]));
    if (typeof one !== "object" || one === null) return one;
    return Object.fromEntries(
      Object.entries(one).map(([key, inner]) => [key, change(inner, [...path, key])]),
    );
  };
  return change(value, []) as T;
}

/** Every text and whole number of a sample's webhook and headers, once. */
function textsOf({ webhook, headers }: Sample, keep: Path[]): Set<string> {
  const texts = new Set<string>();
  const note = (text: string) => {
    if (text !== "") texts.add(text);
    return text;
  };
  changeTexts(webhook, note, keep);
  changeTexts(headers, note);
  return texts;
}

function isAt(path: Path, paths: Path[]): boolean {
  return paths.some((one) => one.length === path.length && one.every((key, i) => key === path[i]));
}
