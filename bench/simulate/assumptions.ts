/**
 * What the simulation assumes of visitors. None of it is measured at a real site: change it to what you know of yours.
 * The ratios within a way of signing up depend little on the mix.
 */
import { DAY, HOUR, MINUTE, SECOND } from "../../src/time.ts";

/** A share of 1. */
type Share = number;
/** A span of time in milliseconds, any moment of which is as likely. */
type Span = readonly [from: number, to: number];

/** One way of signing up. */
export type Path = {
  name: string;
  /** Of all sign-ups, in percent. */
  percent: number;
  /** Whether the form passes the click id to the provider, so that the webhook carries it. */
  form: boolean;
  /** How often the browser that is signed in afterwards is the one that the visitor came with. */
  sameBrowser: Share;
  /** How often the visitor had left a confirmed e-mail address at the site before, in the browser with the click. */
  leftEmail: Share;
  /** Whether the provider knows an e-mail address. */
  email: boolean;
  /** The release's target counts this way. */
  target?: true;
  /** Nobody here came by a link; `computer`: the browser has another's click; `email`: another uses the address, too. */
  shared?: "computer" | "email";
};

/** Sign-up pages of Clerk, Auth0 and their like: which of them pass a click id is said in mappings/<provider>/README.md. */
export const PATHS: Path[] = [
  { name: "password, on the site", percent: 25, form: true, sameBrowser: 1, leftEmail: 0.05, email: true },
  {
    name: "social, on the sign-up form",
    percent: 22,
    form: true,
    sameBrowser: 1,
    leftEmail: 0.05,
    email: true,
    target: true,
  },
  {
    name: "social, on the sign-in form",
    percent: 5,
    form: false,
    sameBrowser: 1,
    leftEmail: 0.05,
    email: true,
    target: true,
  },
  {
    name: "hosted page",
    percent: 20,
    form: false,
    sameBrowser: 1,
    leftEmail: 0.05,
    email: true,
    target: true,
  },
  { name: "enterprise", percent: 8, form: false, sameBrowser: 1, leftEmail: 0.05, email: true, target: true },
  { name: "phone number", percent: 4, form: false, sameBrowser: 1, leftEmail: 0, email: false },
  {
    name: "mail link, often another browser",
    percent: 6,
    form: false,
    sameBrowser: 0.4,
    leftEmail: 0.05,
    email: true,
  },
  {
    name: "another device than the click's",
    percent: 7,
    form: false,
    sameBrowser: 0,
    leftEmail: 0.35,
    email: true,
  },
  {
    name: "shared computer",
    percent: 1,
    form: true,
    sameBrowser: 1,
    leftEmail: 0,
    email: true,
    shared: "computer",
  },
  {
    name: "shared e-mail address",
    percent: 2,
    form: false,
    sameBrowser: 1,
    leftEmail: 0,
    email: true,
    shared: "email",
  },
];

export const VISITORS = {
  /** Sign-ups of people who came by a link with conversion tracking. */
  cameByLink: 0.45,
  /** Of these, who clicked a second link before the sign-up; and of those, who did so on another device. */
  secondClick: 0.2,
  secondElsewhere: 0.3,
  /** From the first click to the sign-up. */
  untilSignUp: [
    { share: 0.6, span: [MINUTE, HOUR] },
    { share: 0.25, span: [DAY, 7 * DAY] },
    { share: 0.15, span: [7 * DAY, 57 * DAY] },
  ] as { share: Share; span: Span }[],
  /** Safari keeps a cookie that a script has set for seven days (webkit.org, Intelligent Tracking Prevention 2.1). */
  safari: 0.3,
  safariLife: 7 * DAY,
  /** Dub's cookie lives for 90 days. */
  cookieLife: 90 * DAY,
  /** Browsers that keep no cookie or run no script. */
  noCookies: 0.04,
  /** When the browser is on the site again, signed in. The rest never comes back. */
  back: [
    { share: 0.97, span: [5 * SECOND, MINUTE] },
    { share: 0.02, span: [DAY, DAY + HOUR] },
  ] as { share: Share; span: Span }[],
  /** Who clicks another link after the sign-up, in the browser that is signed in; a third of them within the hour. */
  clicksLater: 0.06,
  later: [
    { share: 1 / 3, span: [MINUTE, HOUR] },
    { share: 2 / 3, span: [HOUR, 7 * DAY] },
  ] as { share: Share; span: Span }[],
  /** How often the other user of a shared address had left it at the site, with a click. */
  sharedEmailWithClick: 0.7,
};

export const PROVIDERS = {
  /** From the sign-up to its webhook; and how often it comes late, or twice. */
  webhookAfter: [SECOND, 3 * SECOND] as Span,
  late: 0.02,
  lateBy: [MINUTE, 3 * HOUR] as Span,
  redelivered: 0.03,
  redeliveredAfter: [MINUTE, 10 * HOUR] as Span,
};

export const FRAUD = {
  /** Sign-ups that somebody tries to have credited to a click of his own, in every way of bench/simulate/attacks.ts. */
  attacked: 0.1,
  /** When, seen from the sign-up. */
  when: [-HOUR, HOUR] as Span,
  /** When a customer is lured to a link after the sign-up. */
  lured: [MINUTE, 3 * DAY] as Span,
};

/** All sign-ups come within this time. */
export const SIGN_UPS_WITHIN = 3 * DAY;

/** A way of telling the Worker the click. */
export type Protocol = {
  name: string;
  /** The signed-in customer's browser tells it with the session token; `timed`: with the time of the first sight. */
  session?: "untimed" | "timed";
  /** By e-mail address: `confirmed`: the site's server, once the address is confirmed; `open`: any address typed by anybody. */
  email?: "confirmed" | "open";
  /** Which targets hold for it: `all` for what docs/click-memory.md recommends. */
  targets?: "all" | "no fraud";
};

export const PROTOCOLS: Protocol[] = [
  { name: "form only (no click memory)" },
  { name: "open endpoint, by e-mail (not offered)", email: "open" },
  { name: "session", session: "untimed" },
  { name: "session + clickedAt", session: "timed", targets: "all" },
  { name: "+ confirmed e-mail", session: "timed", email: "confirmed", targets: "no fraud" },
];

/** What must come out, see `targets`. No lead may be doubled and no event pending at the end, whatever the protocol. */
export const TARGETS = {
  /** Credited to the right click, of the sign-ups by a link on the ways marked `target`. */
  right: 0.85,
  /** Organic sign-ups credited, at most so much more than without click memory. */
  falseMore: 0.001,
};
