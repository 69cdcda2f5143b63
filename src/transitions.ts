/** The state machine of an event. The page in ARCHITECTURE.md is made from it, and every test checks its rows against it. */
import { isSettledByDub, type Reason, reasonsWhere, type Status } from "./states.ts";

/** A change of state: when, from what, to what. `null`: the event is new. */
export type Transition = { when: string; from: (Reason | null)[]; to: Reason[] };

const all = (status: Status) => reasonsWhere((one) => one.status === status);
const mapped = reasonsWhere(({ by, status }) => by === "mapping" && status !== "pending");

/** Every change of state there is. */
export const TRANSITIONS: Transition[] = [
  { when: "a webhook is mapped", from: [null], to: ["new", ...mapped] },
  { when: "another event holds the lead key", from: [null, "new"], to: ["duplicate_here"] },
  { when: "a delivery attempt", from: all("pending"), to: reasonsWhere(({ by }) => by === "delivery") },
  {
    when: "all deliveries pause",
    from: all("pending"),
    to: reasonsWhere(({ pauses }) => pauses === true),
  },
  { when: "the event that held the lead key ends without a lead", from: ["duplicate_here"], to: ["new"] },
  { when: "another lead of the customer is delivered", from: ["unknown_customer"], to: ["new"] },
  {
    when: "the customer's click is told",
    from: reasonsWhere(({ awaitsClick }) => awaitsClick === true),
    to: ["new"],
  },
  {
    when: "a replay",
    from: reasonsWhere(({ replay = "map" }) => replay === "map" || replay === "look"),
    to: ["replayed", "duplicate_here", ...mapped],
  },
  {
    when: "a replay of what could not be split, once it can be",
    from: [null],
    to: ["new", "duplicate_here", ...mapped],
  },
  {
    when: "Dub's list or webhook has the lead",
    from: reasonsWhere(isSettledByDub),
    to: ["recorded", "duplicate_at_dub"],
  },
  { when: "Dub has no such lead", from: ["recorded", "recorded_unconfirmed"], to: ["missing_at_dub"] },
  { when: "the operator ends it", from: all("pending"), to: ["ended_by_operator"] },
];
