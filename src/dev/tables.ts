/** The tables of the documentation, made from the source: name → Markdown. */
import { join } from "node:path";
import { ALERTS } from "../alert.ts";
import { ANSWERS } from "../receive/refuse.ts";
import { secretName } from "../settings.ts";
import { about, type Reason, reasonsWhere, STATUS_NAMES } from "../states.ts";
import { TRANSITIONS } from "../transitions.ts";
import { providerFolders, readJson } from "./files.ts";

/** Every table, by the name that its page has in `<!-- name -->`. */
export function tables(): Record<string, string> {
  return {
    providers: providers(),
    reasons: reasons(),
    answers: answers(),
    alerts: alerts(),
    transitions: transitions(),
  };
}

/** A Markdown table. */
export function table(head: string[], rows: string[][]): string {
  const lines = [head, head.map(() => "---"), ...rows];
  return lines
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`)
    .join("\n");
}

const code = (name: string) => `\`${name}\``;
/** A name that links lead to: `#name`. */
const anchored = (name: string) => `${code(name)} <a id="${name}"></a>`;
const listed = (names: readonly string[]) => names.map(code).join(", ");

/** The shipped providers: a user's own are not listed, so that updates of the page merge without a conflict. */
function providers(): string {
  const rows = providerFolders()
    .filter(({ own }) => !own)
    .map(({ provider, shown, path }) => {
      const { name } = readJson(join(path, "mapping.json")) as { name: string };
      return [`[${name}](${shown}/README.md)`, code(`/webhooks/${provider}`), code(secretName(provider))];
    });
  return table(["provider, with its set-up", "address", "secret"], rows);
}

function reasons(): string {
  const parts = STATUS_NAMES.map((status) => {
    const rows = reasonsWhere((reason) => reason.status === status).map((name) => [
      anchored(name),
      about(name).means,
      about(name).todo,
    ]);
    return `### ${status}\n\n${table(["reason", "what it means", "what to do"], rows)}`;
  });
  return parts.join("\n\n");
}

function answers(): string {
  const rows = Object.entries(ANSWERS).map(([name, { status, means, todo }]) => [
    String(status),
    anchored(name),
    means,
    todo,
  ]);
  return table(["answer", "reason", "what it means", "what to do"], rows);
}

function alerts(): string {
  const own = Object.entries(ALERTS).map(([name, { means, todo }]) => [code(name), means, todo]);
  const ofReasons = reasonsWhere(({ alert }) => alert === true).map((name) => [
    code(name),
    `an event has this reason (${about(name).status})`,
    "see the reason",
  ]);
  const byCode = new Map<string, string[]>();
  for (const [name, answer] of Object.entries(ANSWERS))
    if ("alert" in answer && !(answer.alert in ALERTS))
      byCode.set(answer.alert, [...(byCode.get(answer.alert) ?? []), name]);
  const ofAnswers = [...byCode].map(([name, all]) => [
    code(name),
    `a webhook is refused: ${listed(all)}`,
    "see the answer",
  ]);
  return table(["code", "when", "what to do"], [...own, ...ofReasons, ...ofAnswers]);
}

function transitions(): string {
  const rows = TRANSITIONS.map(({ when, from, to }) => [
    [...(from.includes(null) ? ["(new)"] : []), ...grouped(from)].join("; "),
    when,
    grouped(to).join("; "),
  ]);
  const note = `"mapped" stands for the reasons that mapping gives without a lead: ${listed(MAPPED)}.`;
  return `${table(["from", "when", "to"], rows)}\n\n${note}`;
}

const MAPPED = reasonsWhere(({ by, status }) => by === "mapping" && status !== "pending");

/** Reasons by status; all of a status, all but a few, and all that mapping gives, in short. */
function grouped(names: (Reason | null)[]): string[] {
  const whole = (status: string) =>
    reasonsWhere((one) => one.status === status).every((one) => names.includes(one));
  if (MAPPED.every((one) => names.includes(one)) && !whole("skipped"))
    return [...grouped(names.filter((one) => one === null || !MAPPED.includes(one))), "mapped"];
  return STATUS_NAMES.flatMap((status) => {
    const all = reasonsWhere((reason) => reason.status === status);
    const own = all.filter((name) => names.includes(name));
    const others = all.filter((name) => !names.includes(name));
    if (own.length === 0) return [];
    if (others.length === 0) return [`any ${status}`];
    if (others.length < 3 && own.length > others.length) return [`any ${status} except ${listed(others)}`];
    return [`${status}: ${listed(own)}`];
  });
}
