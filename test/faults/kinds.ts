/** The kinds of customers that a run has: what they do, and what goes wrong at Dub meanwhile. */
import type { Fault } from "../../src/dev/stand-in/faults.ts";

/** The faults that a lead's calls to Dub meet, in order, by phase. Later calls are answered as Dub does. */
export type Faults = { register: Fault[]; record: Fault[] };

/** One kind of customer. `register` and `record` are the faults of the sign-up. */
export type Kind = Partial<Faults> & {
  name: string;
  click?: (n: number) => string | null;
  /** Whether Dub must record the leads; true unless said otherwise. */
  counts?: false;
  /** Whether another sender has recorded the sign-up before. */
  elsewhere?: true;
  /** Whether the customer starts a trial, too, whose webhook carries no click id. */
  trial?: true;
  /** How the click is told, when the webhook does not carry it. */
  told?: Told;
};

/** By the customer's session, or by the site: by the customer's id or e-mail address. */
export type Told = "session" | "id" | "email";

/** Failures in a row of a long outage: the quick retries all fail. */
const LONG = 6;

const both = (...faults: Fault[]): Faults => ({ register: faults, record: faults });
const long = (fault: Fault): Faults => ({ register: Array(LONG).fill(fault), record: [fault] });
const numbered = (word: string) => (n: number) => `${word}${String(n).padStart(16 - word.length, "0")}`;

/** A click that Dub knows. */
export const knownClick = numbered("Click");

export const KINDS: Kind[] = [
  { name: "none" },
  { name: "500 before Dub's dedup key", ...both("error_before_key") },
  { name: "500 after Dub's dedup key", register: ["customer_store_down"], record: ["error_after_key"] },
  { name: "404 while the click store is down", ...both("click_store_down", "click_store_down") },
  { name: "429 with Retry-After in epoch ms", ...both("rate_limited") },
  { name: "502 with HTML", ...both("bad_gateway") },
  { name: "403 with HTML", ...both("html_403") },
  { name: "405 with HTML", ...both("html_405") },
  { name: "451 with HTML", ...both("html_451") },
  { name: "connection reset, nothing done", ...both("reset_before") },
  { name: "connection reset, done", ...both("reset_after") },
  { name: "connection reset after the dedup key", record: ["reset_after_key"] },
  { name: "no answer in 10 s, nothing done", ...both("hang_before") },
  { name: "no answer in 10 s, done", ...both("hang_after") },
  { name: "200 without a link", register: ["null_link", "null_link"] },
  { name: "recorded by another sender before", elsewhere: true },
  { name: "sign-up and trial: 404 with HTML", ...both("html_404"), trial: true },
  { name: "sign-up and trial: 500 for a while", ...long("error_before_key"), trial: true },
  { name: "sign-up and trial: click store down", ...long("click_store_down"), trial: true },
  { name: "sign-up and trial: no click id", click: () => null, counts: false, trial: true },
  { name: "click told by the session", told: "session" },
  { name: "told by the session: 500 for a while", ...long("error_before_key"), told: "session" },
  { name: "told by the session: reset after the dedup key", record: ["reset_after_key"], told: "session" },
  { name: "told by customer id: click store down", ...both("click_store_down"), told: "id" },
  { name: "click told by e-mail address", told: "email" },
  { name: "told by e-mail address: connection reset, done", ...both("reset_after"), told: "email" },
  { name: "unknown click told", click: numbered("unknown"), counts: false, told: "session" },
  { name: "no click id", click: () => null, counts: false },
  { name: "unknown click", click: numbered("unknown"), counts: false },
  { name: "link of another workspace", click: numbered("foreign"), counts: false },
];
