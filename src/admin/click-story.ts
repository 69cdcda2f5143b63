/** What click memory says of an event, in sentences; pure. */
import { CLICK_LIFE, type RememberedClick, TELL_WITHIN, UNTIMED } from "../ledger/clicks.ts";
import type { WholeRow } from "../ledger/search.ts";
import { about } from "../states.ts";
import { duration } from "./story.ts";

export type ClickBy = NonNullable<WholeRow["clickBy"]>;
type Row = Pick<WholeRow, "reason" | "clickBy" | "clickToldAt" | "receivedAt" | "signedUpAt" | "waitsKey">;

/** Who told a click, in words. */
export const TOLD_BY: Record<ClickBy, string> = {
  session: "the customer's session",
  site: "your site's server",
  email: "your site's server, for the customer's e-mail address",
};

/** Whether a click can, could or did make a lead of an event. */
export const isAboutClicks = ({ clickBy, reason }: Pick<Row, "clickBy" | "reason">) =>
  clickBy !== null || about(reason).awaitsClick === true;

/** What a click counts before: the provider's time of the sign-up, or when the webhook came. */
export const signUpOf = ({ receivedAt, signedUpAt }: Pick<Row, "receivedAt" | "signedUpAt">) =>
  Math.min(receivedAt, signedUpAt ?? receivedAt);

/** Why a remembered click does not make a lead of an event that lacks only a click, by the rules of src/ledger/clicks.ts. */
export function whyNot({ clickedAt, toldAt }: RememberedClick, row: Row): string {
  const at = signUpOf(row);
  const seen = clickedAt ?? toldAt - UNTIMED;
  if (seen > at)
    return clickedAt === null
      ? `it was told without the time when it was first seen, and more than ${duration(UNTIMED)} after the sign-up`
      : `it was first seen ${duration(seen - at)} after the sign-up`;
  if (seen < at - CLICK_LIFE) return `it was first seen more than ${duration(CLICK_LIFE)} before the sign-up`;
  if (toldAt > at + TELL_WITHIN) return `it was told more than ${duration(TELL_WITHIN)} after the sign-up`;
  return row.waitsKey === null
    ? "the event came before click memory was there, and a replay gives it the click"
    : "the customer has a lead by another event, or another customer with the same e-mail address has one by this click";
}

/** The sentences, each with its time if it has one. `clicks`: those remembered for the customer. `on`: click memory is. */
export function clickStory(
  row: Row,
  clickId: string | undefined,
  clicks: RememberedClick[],
  on: boolean,
): { at: number | null; says: string }[] {
  if (row.clickBy !== null)
    return [{ at: row.clickToldAt, says: toldSentence(row, row.clickBy, clickId, clicks) }];
  if (!isAboutClicks(row)) return [];
  const [click, ...others] = clicks;
  if (click) {
    const more =
      others.length === 0 ? "" : ` Nor ${others.length === 1 ? "does 1 more" : `do ${others.length} more`}.`;
    const by = TOLD_BY[click.whose === "email" ? "email" : click.proof];
    return [
      { at: null, says: `A click was told by ${by}, and does not count: ${whyNot(click, row)}.${more}` },
    ];
  }
  return [
    {
      at: null,
      says: on
        ? `No click is remembered for the customer. One that was first seen before the sign-up makes it a lead, if it is told within ${duration(TELL_WITHIN)}.`
        : "Click memory is off, so only the webhook can tell a click (docs/click-memory.md).",
    },
  ];
}

function toldSentence(row: Row, by: ClickBy, clickId: string | undefined, clicks: RememberedClick[]): string {
  const says = `The click was told by ${TOLD_BY[by]}`;
  const click = clicks.find((one) => one.clickId === clickId && (one.whose === "email") === (by === "email"));
  const waits = by === "email" ? " It waited an hour for what the customer's own session may tell." : "";
  if (!click) return `${says}, and is not remembered any more.${waits}`;
  const at = signUpOf(row);
  const first =
    click.clickedAt === null
      ? "when the site first saw it was not told"
      : `the site first saw it ${apart(click.clickedAt, at)}`;
  return `${says}, ${apart(click.toldAt, at)}; ${first}.${waits}`;
}

function apart(time: number, signUp: number): string {
  if (time === signUp) return "at the moment of the sign-up";
  return `${duration(Math.abs(time - signUp))} ${time > signUp ? "after" : "before"} the sign-up`;
}
