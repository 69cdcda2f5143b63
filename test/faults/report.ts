/** The result of a run, counted by kind. */
import { table } from "../../src/dev/print.ts";
import { leadsOf } from "./plan.ts";
import type { Options, Result } from "./run.ts";

/** Events and leads of one kind. */
export type Line = {
  fault: string;
  /** Events sent, redeliveries and duplicates among them. */
  sent: number;
  /** Of these, different ones that were acknowledged. */
  events: number;
  leads: number;
  recorded: number;
  /** Leads that Dub should have and has not. */
  lost: number;
  /** Of these, the ones that the ledger reports as uncertain. */
  uncertain: number;
  /** Leads that Dub has twice, or should not have. */
  doubled: number;
  /** Acknowledged events that have no row in an end state. */
  open: number;
};

const COUNTS = ["sent", "events", "leads", "recorded", "lost", "uncertain", "doubled", "open"] as const;

/** Reasons that say: Dub may lack this lead. */
const UNCERTAIN = ["recorded_unconfirmed", "possibly_lost"];

/** The lines of a run, one for each kind. */
export function account({ plan, acknowledged, rows, recorded }: Result): Line[] {
  const ended = new Map<string, string[]>();
  for (const { id, status, reason } of rows)
    if (status !== "pending") ended.set(id, [...(ended.get(id) ?? []), reason]);
  const sent = plan.sends.flatMap(({ webhooks }) => webhooks).flatMap(leadsOf);
  const lines = new Map<string, Line>();
  for (const lead of plan.leads) {
    const ids = [...(acknowledged.get(lead) ?? [])];
    const reasons = ids.flatMap((id) => ended.get(id) ?? []);
    const expected = lead.counts ? 1 : 0;
    const times = recorded.get(lead) ?? 0;
    const lost = Math.max(0, expected - times);
    const line: Line = {
      fault: lead.kind,
      sent: sent.filter((one) => one === lead).length,
      events: ids.length,
      leads: expected,
      recorded: times,
      lost,
      uncertain: reasons.some((reason) => UNCERTAIN.includes(reason)) ? lost : 0,
      doubled: Math.max(0, times - expected),
      open: ids.filter((id) => ended.get(id)?.length !== 1).length,
    };
    const earlier = lines.get(lead.kind);
    lines.set(lead.kind, earlier ? add(earlier, line) : line);
  }
  return [...lines.values()];
}

/** The sum of all lines. */
export function sum(lines: Line[]): Line {
  const none = {
    fault: "all",
    sent: 0,
    events: 0,
    leads: 0,
    recorded: 0,
    lost: 0,
    uncertain: 0,
    doubled: 0,
    open: 0,
  };
  return lines.reduce(add, none);
}

/**
 * What a run must not show, a sentence each. Recording at once loses leads by design; a key that may not ask loses
 * leads whose answer was lost, and must say so.
 */
export function problems(
  { delivery, analytics }: Options,
  { lost, uncertain, doubled, open }: Line,
): string[] {
  const silent = analytics ? lost : lost - uncertain;
  const found: string[] = [];
  if (open > 0) found.push(`${open} acknowledged events have no end.`);
  if (doubled > 0) found.push(`${doubled} leads are doubled.`);
  if (delivery === "register-then-record" && silent > 0)
    found.push(`${silent} leads are lost${analytics ? "" : " and not reported as uncertain"}.`);
  return found;
}

/** The lines and their sum as a table. */
export function format(lines: Line[]): string {
  return table(
    [
      "what goes wrong",
      "sent",
      "acknowledged",
      "leads",
      "recorded",
      "lost",
      "reported uncertain",
      "doubled",
      "without end",
    ],
    [...lines, sum(lines)].map((line) => [line.fault, ...COUNTS.map((count) => String(line[count]))]),
  );
}

function add(to: Line, line: Line): Line {
  return {
    fault: to.fault,
    ...Object.fromEntries(COUNTS.map((name) => [name, to[name] + line[name]])),
  } as Line;
}
