/** Sentences in which `…` is code, and in which texts from outside are marked, so that these are shown as they are. */
import { inline } from "./display.ts";

/** Around a text from outside: `inline` leaves no control character in one. */
const BEGIN = "\u0002";
const END = "\u0003";
const MARKS = new RegExp(`[${BEGIN}${END}]`, "g");

/** A text from outside for the middle of a sentence, without its backticks being taken for code. */
export const exact = (text: string, max?: number) => `${BEGIN}${inline(text, max)}${END}`;

/** The same in quotation marks. */
export const quoted = (text: string, max?: number) => `“${exact(text, max)}”`;

/** A sentence. `says`: as text. `marked`: for the pages. */
export type Wording = { says: string; marked: string };

/** Both forms of a sentence with marks. */
export const wordingOf = (marked: string): Wording => ({ says: marked.replace(MARKS, ""), marked });

const ISO = /(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)\.\d{3}Z/g;

/** The parts of a sentence with marks. Times of our own words are shortened to the second. */
export function partsOf(marked: string): { text: string; code: boolean }[] {
  const parts: { text: string; code: boolean }[] = [];
  let code = false;
  for (const [i, piece] of marked.split(MARKS).entries()) {
    if (i % 2 === 1) {
      parts.push({ text: piece, code });
      continue;
    }
    for (const [j, text] of piece.replace(ISO, "$1 $2 (UTC)").split("`").entries()) {
      if (j > 0) code = !code;
      if (text !== "") parts.push({ text, code });
    }
  }
  return parts;
}
