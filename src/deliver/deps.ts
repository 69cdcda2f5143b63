/** What delivery is given. */
import type { Alert } from "../alert.ts";
import type { Deps } from "../context.ts";
import type { Pace } from "./pace.ts";

export type DeliveryDeps = Deps & { pace: Pace; alert: Alert };
