/** When days are compared with Dub's list, and how much of it at a time. Times in milliseconds. */
import { DAY, HOUR } from "../time.ts";

/** A day is compared from so long after its end on: the list trails the answers by seconds, or, at a bad time, by hours. */
export const BEGIN_AFTER = 6 * HOUR;
/** After a longer stop, so many days are compared; older ones are left out. */
export const MOST_BEHIND = 7 * DAY;
/** While Dub does not list to the key, it is asked again after so long. */
export const REFUSED_WAIT = HOUR;
/** Leads asked for one by one in a minute, at two calls each: with a full sweep that stays within 50 subrequests. */
export const ASK_ROWS = 8;
/** Between two of them: Dub's Business plan allows four calls a second for lists. */
export const ASK_WAIT = 300;
/** More missing leads than this, and than this share of the day's, are not asked for: the list itself must be wrong. */
export const MANY_MISSING = { leads: 50, share: 0.02 };
/** More leads with another click, and than this share, are an alert. */
export const MANY_OTHER_CLICKS = { leads: 5, share: 0.01 };
/** So many leads that are counted twice are an alert. */
export const MANY_TWICE = 3;
/** Event names of other senders that are counted by name; further ones count as OTHER_NAMES. */
export const MAX_NAMES = 20;
export const OTHER_NAMES = "(others)";
