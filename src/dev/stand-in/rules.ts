/** What the stand-in for Dub takes and refuses: the body's schema, keys, clicks, and errors in Dub's words. */
import * as z from "zod";

export type KeyHolder = "owner" | "low_plan" | "viewer" | "removed" | "invite_pending" | "invite_expired";

const Email =
  /^(?!\.)(?!.*\.\.)([A-Za-z0-9_'+\-.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9-]*\.)+[A-Za-z]{2,}$/;
/** At most `max` UTF-16 units, which is how Dub counts. */
const bounded = (max: number) =>
  z.string().check(({ value, issues }) => {
    if (value.length > max)
      issues.push({
        code: "too_big",
        origin: "string",
        maximum: max,
        inclusive: true,
        input: value,
        message: `Too big: expected string to have <=${max} characters`,
      });
  });
/** What the route enforces, which is not quite what the published schema says. */
const Body = z.object({
  clickId: z.string().trim().nullish(),
  eventName: bounded(255).trim().min(1, "eventName is required"),
  customerExternalId: z.string().trim().nullish(),
  externalId: z.string().trim().nullish(),
  customerId: z.string().trim().nullish(),
  customerName: bounded(100).nullish(),
  customerEmail: bounded(100).regex(Email, "Invalid email address").nullish(),
  customerAvatar: z.string().nullish(),
  mode: z.enum(["async", "wait", "deferred"]).default("async"),
  eventQuantity: z.number().int().min(1).max(100).nullish(),
  metadata: z
    .record(z.string(), z.unknown())
    .refine(
      (m) => JSON.stringify(m).length <= 10_000,
      "Metadata must be less than 10,000 characters when stringified",
    )
    .nullish(),
});

/** An answer of Dub that is an error. */
export class DubError extends Error {
  status: 400 | 401 | 403 | 404 | 409 | 410 | 422 | 429 | 500;
  code: string;
  constructor(status: DubError["status"], code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** What a key's holder may be refused for. */
export const HOLDERS: Record<Exclude<KeyHolder, "owner">, () => DubError> = {
  low_plan: () => new DubError(403, "forbidden", "Unauthorized: Need higher plan."),
  viewer: () => new DubError(403, "forbidden", "Unauthorized: Your role is not allowed to do this."),
  removed: () => new DubError(404, "not_found", "Workspace not found."),
  invite_pending: () => new DubError(409, "invite_pending", "The workspace invitation is pending."),
  invite_expired: () => new DubError(410, "invite_expired", "The workspace invitation has expired."),
};

/** The lead body of a request; throws DubError as the route does. */
export async function parseBody(request: Request) {
  let json: unknown;
  try {
    json = await request.json();
  } catch {
    throw new DubError(400, "bad_request", "Invalid JSON format in request body.");
  }
  const parsed = Body.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new DubError(
      422,
      "unprocessable_entity",
      `${issue?.code}: ${issue?.path.join(".")}: ${issue?.message}`,
    );
  }
  const body = parsed.data;
  const externalId = body.customerExternalId || body.externalId || body.customerId;
  if (!externalId) throw new DubError(400, "bad_request", "customerExternalId is required");
  return { ...body, externalId };
}

/** The link of a click, and what state it is in. */
export type Link = { id: string; state: "ours" | "foreign" | "disabled" | "deleted" };

/** Clicks of the stand-in: any sixteen letters and digits, unless they begin with one of these words. */
export function localClick(clickId: string): Link | undefined {
  if (!/^[0-9A-Za-z]{16}$/.test(clickId) || clickId.startsWith("unknown")) return undefined;
  const state =
    (["foreign", "disabled", "deleted"] as const).find((word) => clickId.startsWith(word)) ?? "ours";
  return { id: `link_${clickId.slice(0, 4)}`, state };
}
