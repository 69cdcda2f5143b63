/** What a run came to, counted by fault. */
import { table } from "../../src/dev/print.ts";
import type { Result } from "./run.ts";

/** Events and leads of one kind. lost: Dub should have the lead and has not. doubled: Dub has it twice, or should not have it. */
export type Line = {
  fault: string;
  /** Events sent, redeliveries and duplicates among them. */
  sent: number;
  /** Of these, different ones that were acknowledged. */
  events: number;
  leads: number;
  recorded: number;
  lost: number;
  doubled: number;
  /** Acknowledged events that have no row in an end state. */
  open: number;
};

export function account({ plan, acknowledged, rows, recorded }: Result): Line[] {
  const ended = new Map<string, number>();
  for (const { id, status } of rows) if (status !== "pending") ended.set(id, (ended.get(id) ?? 0) + 1);
  const sent = plan.sends.flat().flatMap(({ customers }) => customers);
  const lines = new Map<string, Line>();
  for (const customer of plan.customers) {
    const line = lines.get(customer.kind) ?? {
      fault: customer.kind,
      sent: 0,
      events: 0,
      leads: 0,
      recorded: 0,
      lost: 0,
      doubled: 0,
      open: 0,
    };
    const events = [...(acknowledged.get(customer) ?? [])];
    const expected = customer.lead ? 1 : 0;
    const times = recorded.get(customer.id) ?? 0;
    lines.set(customer.kind, {
      ...line,
      sent: line.sent + sent.filter((one) => one === customer).length,
      events: line.events + events.length,
      leads: line.leads + expected,
      recorded: line.recorded + times,
      lost: line.lost + Math.max(0, expected - times),
      doubled: line.doubled + Math.max(0, times - expected),
      open: line.open + events.filter((id) => ended.get(id) !== 1).length,
    });
  }
  return [...lines.values()];
}

/** The sum of all lines. */
export function sum(lines: Line[]): Line {
  const all = { fault: "all", sent: 0, events: 0, leads: 0, recorded: 0, lost: 0, doubled: 0, open: 0 };
  for (const line of lines)
    for (const key of ["sent", "events", "leads", "recorded", "lost", "doubled", "open"] as const)
      all[key] += line[key];
  return all;
}

export function format(lines: Line[]): string {
  const columns = ["fault", "sent", "events", "leads", "recorded", "lost", "doubled", "open"] as const;
  return table(
    ["what goes wrong", "sent", "acknowledged", "leads", "recorded", "lost", "doubled", "without end"],
    [...lines, sum(lines)].map((line) => columns.map((column) => String(line[column]))),
  );
}
