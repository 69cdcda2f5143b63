/** The people of a simulation: where they clicked, how they signed up, and when they came back. From one seed. */
import { randomFrom } from "../../src/dev/random.ts";
import { FRAUD, PATHS, type Path, PROVIDERS, SIGN_UPS_WITHIN, VISITORS } from "./assumptions.ts";

/** Times in milliseconds. `browser`: the one that signs up, or any other. */
export type Click = { id: string; at: number; browser: "own" | "other" };

export type Person = {
  id: string;
  email: string | undefined;
  path: Path;
  signedUpAt: number;
  clicks: Click[];
  /** The last click before the sign-up, if the person came by a link. */
  due: string | undefined;
  cookieLife: number;
  /** When the webhook comes, redeliveries included. */
  webhooks: number[];
  /** When the browser is on the site and signed in. */
  visits: number[];
  /** When a confirmed e-mail address was left at the site, and with which click. */
  leftEmail: { at: number; click: Click } | undefined;
  /** When an attacker acts, and when the person follows a link of his. */
  attacked: { at: number; lured: number } | undefined;
};

export const isOfAttacker = (click: string) => click.startsWith("Fraud");

/** `size` people who sign up from `start` on. */
export function makePeople(size: number, seed: number, start: number): Person[] {
  const random = randomFrom(seed);
  const happens = (share: number) => random() < share;
  const within = ([from, to]: readonly [number, number]) => Math.floor(from + random() * (to - from));
  const spanOf = (choices: { share: number; span: readonly [number, number] }[]) => {
    let left = random();
    const chosen = choices.find(({ share }) => {
      left -= share;
      return left < 0;
    });
    return chosen && within(chosen.span);
  };
  const pathOf = () => {
    let left = random() * PATHS.reduce((sum, { percent }) => sum + percent, 0);
    return PATHS.find(({ percent }) => {
      left -= percent;
      return left < 0;
    }) as Path;
  };
  let clicks = 0;
  const click = (kind: string, at: number, browser: Click["browser"]): Click => ({
    id: kind + String(++clicks).padStart(16 - kind.length, "0"),
    at,
    browser,
  });

  return Array.from({ length: size }, (_, i): Person => {
    const path = pathOf();
    const signedUpAt = start + within([0, SIGN_UPS_WITHIN]);
    const email = path.email ? `person${i}@example.com` : undefined;
    const here = path.sameBrowser > 0 && happens(path.sameBrowser) ? "own" : "other";
    const person: Person = {
      id: `user_${i}`,
      email,
      path,
      signedUpAt,
      clicks: [],
      due: undefined,
      cookieLife: happens(VISITORS.noCookies)
        ? 0
        : happens(VISITORS.safari)
          ? VISITORS.safariLife
          : VISITORS.cookieLife,
      webhooks: [],
      visits: [],
      leftEmail: undefined,
      attacked: undefined,
    };
    if (!path.shared && happens(VISITORS.cameByLink)) {
      const first = signedUpAt - (spanOf(VISITORS.untilSignUp) ?? 0);
      person.clicks.push(click("Click", first, here));
      if (happens(VISITORS.secondClick))
        person.clicks.push(
          click("Click", within([first, signedUpAt]), happens(VISITORS.secondElsewhere) ? "other" : here),
        );
      person.due = person.clicks.at(-1)?.id;
      const last = person.clicks.findLast(({ browser }) => browser === here);
      if (last && happens(path.leftEmail))
        person.leftEmail = { at: within([last.at, signedUpAt]), click: last };
    }
    if (path.shared === "computer")
      person.clicks.push(click("Other", signedUpAt - within([0, 3_600_000]), "own"));
    if (path.shared === "email" && happens(VISITORS.sharedEmailWithClick)) {
      const before = signedUpAt - within([0, 30 * 86_400_000]);
      person.leftEmail = { at: before, click: click("Other", before, "other") };
    }

    const webhook =
      signedUpAt + within(PROVIDERS.webhookAfter) + (happens(PROVIDERS.late) ? within(PROVIDERS.lateBy) : 0);
    person.webhooks.push(webhook);
    if (happens(PROVIDERS.redelivered)) person.webhooks.push(webhook + within(PROVIDERS.redeliveredAfter));
    const back = spanOf(VISITORS.back);
    if (back !== undefined) person.visits.push(signedUpAt + back);
    const visit = (kind: string, at: number) => {
      person.clicks.push(click(kind, at, "own"));
      person.visits.push(at + 1000);
    };
    if (happens(VISITORS.clicksLater)) visit("Later", signedUpAt + (spanOf(VISITORS.later) ?? 0));
    if (happens(FRAUD.attacked)) {
      person.attacked = { at: signedUpAt + within(FRAUD.when), lured: signedUpAt + within(FRAUD.lured) };
      visit("Fraud", person.attacked.lured);
    }
    return person;
  });
}

/** The click in the cookie of a browser at a time. */
export function cookieAt(
  { clicks, cookieLife }: Person,
  time: number,
  inBrowser: Click["browser"] = "own",
): Click | undefined {
  const last = clicks
    .filter(({ browser, at }) => browser === inBrowser && at <= time)
    .sort((a, b) => b.at - a.at)[0];
  return last && time - last.at < cookieLife ? last : undefined;
}
