/** What click memory must do, written without SQL: the reference that random histories are compared with. */
import { DAY, HOUR, MINUTE } from "../../src/time.ts";

type Told = { click: string; clickedAt: number | null; toldAt: number; by: "session" | "site" };

/** A sign-up event. `own`: the click id that its webhook carries. `due`: when a pending one is delivered. */
type SignUp = {
  id: string;
  customer: string;
  email: string;
  own: string | null;
  signedUpAt: number;
  state: "waiting" | "pending" | "delivered" | "duplicate";
  click: string | null;
  by: "webhook" | "session" | "site" | "email";
  due: number;
};

type Whose = "customer" | "email";

/** The time that counts as the one at which the site first saw a click. */
export const seenAt = ({ clickedAt, toldAt }: Pick<Told, "clickedAt" | "toldAt">) =>
  clickedAt ?? toldAt - 15 * MINUTE;

/** Whether a click may be credited for a sign-up. */
export const counts = (told: Pick<Told, "clickedAt" | "toldAt">, signedUpAt: number) =>
  seenAt(told) <= signedUpAt && seenAt(told) >= signedUpAt - 90 * DAY && told.toldAt <= signedUpAt + 7 * DAY;

export function createModel() {
  const told = new Map<string, Told[]>();
  const signUps: SignUp[] = [];
  const holds = ({ state }: SignUp) => state === "pending" || state === "delivered";
  const heldBy = (one: SignUp) =>
    signUps.find((other) => other !== one && other.customer === one.customer && holds(other));

  /** The last click before the sign-up. */
  function best(whose: Whose, { customer, email, signedUpAt }: SignUp): Told | undefined {
    const all = told.get(`${whose} ${whose === "customer" ? customer : email}`) ?? [];
    return all
      .filter((one) => counts(one, signedUpAt))
      .sort((a, b) => seenAt(b) - seenAt(a) || (a.click < b.click ? -1 : 1))[0];
  }

  function consider(one: SignUp, whose: Whose, now: number): void {
    const open = one.state === "waiting" || (one.state === "pending" && one.by !== "webhook");
    const click = best(whose, one);
    if (one.own !== null || !open || !click || heldBy(one)) return;
    if (one.state === "pending") {
      if (whose === "email" && one.by !== "email") return;
      if (click.click === one.click && (whose === "email" || one.by !== "email")) return;
    }
    const elsewhere = ({ customer, email, click: its }: SignUp) =>
      customer !== one.customer && email === one.email && its === click.click;
    if (whose === "email" && signUps.some((other) => holds(other) && elsewhere(other))) return;
    const by = whose === "email" ? "email" : click.by;
    Object.assign(one, { state: "pending", click: click.click, by });
    one.due = now + (whose === "email" ? HOUR : 0);
  }

  function webhook(given: Pick<SignUp, "id" | "customer" | "email" | "own" | "signedUpAt">, now: number) {
    let one = signUps.find(({ id }) => id === given.id);
    if (!one) {
      one = { ...given, click: given.own, by: "webhook", due: now, state: "waiting" };
      signUps.push(one);
      if (given.own !== null) one.state = heldBy(one) ? "duplicate" : "pending";
    }
    for (const whose of ["customer", "email"] as const) consider(one, whose, now);
  }

  function tell(whose: Whose, value: string, click: Omit<Told, "toldAt">, now: number): void {
    const all = told.get(`${whose} ${value}`) ?? [];
    told.set(`${whose} ${value}`, all);
    const known = all.find((one) => one.click === click.click);
    if (!known) all.push({ ...click, toldAt: now });
    else if (click.clickedAt !== null)
      known.clickedAt = Math.min(known.clickedAt ?? Number.POSITIVE_INFINITY, click.clickedAt);
    for (const one of signUps) if (one[whose] === value) consider(one, whose, now);
  }

  function replay(id: string, now: number): void {
    const one = signUps.find((other) => other.id === id);
    if (!one || one.state === "delivered") return;
    if (one.own !== null) {
      one.state = heldBy(one) ? "duplicate" : "pending";
      one.due = now;
      return;
    }
    Object.assign(one, { state: "waiting", click: null });
    for (const whose of ["customer", "email"] as const) consider(one, whose, now);
    if (holds(one) || heldBy(one)) return;
    const next = signUps.find(({ customer, state }) => customer === one.customer && state === "duplicate");
    if (next) Object.assign(next, { state: "pending", due: now });
  }

  function deliver(now: number): void {
    for (const one of signUps) if (one.state === "pending" && one.due <= now) one.state = "delivered";
  }

  /** The click that each customer's lead is credited to. */
  const credited = () =>
    new Map(signUps.filter(({ state }) => state === "delivered").map((one) => [one.customer, one.click]));

  return { webhook, tell, replay, deliver, credited, told, signUps };
}
