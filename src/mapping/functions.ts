/** The functions that mapping files have beyond JMESPath's own, and the guards of `||`. */
import {
  isRegistered,
  type JSONValue,
  registerFunction,
  TreeInterpreter,
  TYPE_ANY,
  TYPE_STRING,
} from "@jmespath-community/jmespath";
import { LEAD_FIELDS } from "../lead.ts";
import { DAY, SECOND } from "../time.ts";
import { isUsable, usableClickId } from "../usable.ts";

const CLICK_ID_KEYS = ["dubClickId", "dub_click_id", "dub_id"];

/**
 * click_id(carrier, …): the click id in the first carrier that has one; null when none has. A carrier is an object that
 * a sign-up form can write to, or one as JSON text; its keys `dubClickId`, `dub_click_id`, `dub_id` are read in order.
 */
export function clickIdIn(...carriers: unknown[]): string | null {
  for (const given of givenIn(carriers)) {
    const id = usableClickId(given);
    if (id) return id;
  }
  return null;
}

/** The first text where click_id looks for one, whether it is a click id or not. */
function clickTextIn(...carriers: unknown[]): string | null {
  for (const given of givenIn(carriers)) if (typeof given === "string" && given.trim() !== "") return given;
  return null;
}

function* givenIn(carriers: unknown[]): Generator<unknown> {
  for (const carrier of carriers) {
    const object = typeof carrier === "string" ? parsed(carrier) : carrier;
    if (typeof object !== "object" || object === null) continue;
    for (const key of CLICK_ID_KEYS)
      if (Object.hasOwn(object, key)) yield (object as Record<string, unknown>)[key];
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/**
 * days_between(from, to): the days from one time to another, with fractions, negative when `to` is earlier; null when
 * either is no time. A time is ISO 8601 text, or a number (or digits) of seconds or milliseconds since 1970.
 */
export function daysBetween(from: unknown, to: unknown): number | null {
  const days = (milliseconds(to) - milliseconds(from)) / DAY;
  return Number.isNaN(days) ? null : days;
}

/** Numbers from here on are milliseconds: as seconds they would be in the year 5138. */
const FIRST_MILLISECONDS = 100_000_000_000;

/** Milliseconds since 1970 of ISO 8601 text, or of a number (or digits) of seconds or milliseconds; NaN for anything else. */
export function milliseconds(time: unknown): number {
  if (typeof time === "number" || (typeof time === "string" && /^\d+(\.\d+)?$/.test(time))) {
    const number = Number(time);
    return Math.abs(number) < FIRST_MILLISECONDS ? number * SECOND : number;
  }
  return typeof time === "string" && /^\d{4}-\d\d/.test(time) ? Date.parse(time) : Number.NaN;
}

/**
 * The function around what stands left of `||`: it gives null for a text that the lead field in question, or any place
 * at all, can't use. The names have blanks, so that no expression can call them.
 */
export type Guard = `usable as ${string}`;
export const ANY_VALUE: Guard = "usable as value";
export const guardOf = (field: string): Guard => `usable as ${field}`;
export const isGuard = (name: string): name is Guard => name.startsWith("usable as ");

/** click_id that gives a text which is no click id, too. Its name has blanks, as those of the guards. */
export const ANY_CLICK_TEXT = "any click text";

function isUnusableText(field: string, value: unknown): boolean {
  return typeof value === "string" && !isUsable(field, value);
}

type Implementation = Parameters<typeof registerFunction>[1];
type Signature = Parameters<typeof registerFunction>[2];

function register(name: string, implementation: Implementation, signature: Signature): void {
  if (!isRegistered(name)) registerFunction(name, implementation, signature);
}

/** JMESPath's own trim without its regular expressions, which take minutes for many blanks inside a text. */
function trim(isLeft: boolean, isRight: boolean): Implementation {
  return ([text, given]) => {
    const subject = text as string;
    const trimmed = given ? new Set((given as string).split("")) : undefined;
    const isTrimmed = (at: number) =>
      trimmed ? trimmed.has(subject.charAt(at)) : /[\s\u0085]/.test(subject.charAt(at));
    let [start, end] = [0, subject.length];
    if (isLeft) while (start < end && isTrimmed(start)) start++;
    if (isRight) while (end > start && isTrimmed(end - 1)) end--;
    return subject.slice(start, end);
  };
}

const text = { types: [TYPE_STRING] };
for (const [name, isLeft, isRight] of [
  ["trim", true, true],
  ["trim_left", true, false],
  ["trim_right", false, true],
] as const)
  registerFunction(name, trim(isLeft, isRight), [text, { ...text, optional: true }], { override: true });

const any = { types: [TYPE_ANY] };
register("click_id", (carriers) => clickIdIn(...carriers), [{ ...any, variadic: true }]);
register(ANY_CLICK_TEXT, (carriers) => clickTextIn(...carriers), [{ ...any, variadic: true }]);
register("days_between", ([from, to]) => daysBetween(from, to), [any, any]);
for (const field of ["value", ...LEAD_FIELDS])
  register(guardOf(field), ([value]) => (isUnusableText(field, value) ? null : value) as JSONValue, [any]);

/** What is wrong with a call by its name and number of arguments, or undefined. */
export function callProblem(name: string, count: number): string | undefined {
  if (!isRegistered(name)) return `Unknown function: ${name}()`;
  try {
    TreeInterpreter.runtime.callFunction(name, Array(count).fill(null));
  } catch (error) {
    const { message } = error as Error;
    if (message.startsWith("Invalid arity: ")) return message.slice("Invalid arity: ".length);
  }
  return undefined;
}
