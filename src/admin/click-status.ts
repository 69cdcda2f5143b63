/** The part of `GET /api/status` that is about click memory: whether it is on, and what is told and refused. */
import { ANSWERS, type AnswerCode, CLICKS } from "../clicks/answers.ts";
import { CLICKS_TOKEN, sessionsOf } from "../clicks/proof.ts";
import type { Deps, Env } from "../context.ts";
import type { Report } from "../ledger/report.ts";
import { MappingError } from "../mapping/compile.ts";
import { SettingsError, sessionSettings } from "../settings.ts";
import { SecretError } from "../verify/secret.ts";
import { readTokens } from "../verify/token.ts";
import { iso } from "./checks.ts";
import type { ClickStatus } from "./schema.ts";

/** By the settings, and by what the ledger has. */
export async function clickStatus(
  env: Env,
  mappings: Deps["mappings"],
  { refusals, clicks: { remembered, lastToldAt } }: Pick<Report, "refusals" | "clicks">,
): Promise<ClickStatus> {
  return {
    ...(await clickSettings(env, mappings)),
    remembered,
    lastToldAt: lastToldAt === null ? null : iso(lastToldAt),
    refusals: refusals
      .filter(({ provider }) => provider === CLICKS)
      .map(({ provider: _, lastAt, ...rest }) => ({
        ...rest,
        lastAt: iso(lastAt),
        todo: ANSWERS[rest.reason as AnswerCode]?.todo ?? "",
      })),
  };
}

type Settings = Pick<ClickStatus, "state" | "says" | "todo" | "providers" | "byToken">;

/** Whether click memory is on, by the settings. */
export async function clickSettings(env: Env, mappings: Deps["mappings"]): Promise<Settings> {
  const isSet = (name: string) => typeof env[name] === "string" && env[name].trim() !== "";
  const byToken = isSet(CLICKS_TOKEN);
  const off = { providers: [], byToken };
  try {
    const providers = sessionsOf(env, mappings).map(({ provider }) => provider);
    if (byToken) await readTokens(CLICKS_TOKEN, env[CLICKS_TOKEN] as string);
    for (const provider of Object.keys(mappings)) {
      const { issuer, ...others } = sessionSettings(provider);
      const alone = isSet(issuer) ? undefined : Object.values(others).find(isSet);
      if (alone !== undefined)
        throw new SettingsError(`${alone} is set and has no effect, since ${issuer} is not set.`);
    }
    if (providers.length === 0 && !byToken)
      return {
        state: "off",
        says: "is off",
        todo: "set `<PROVIDER>_ISSUER` or the secret `CLICKS_TOKEN`, see docs/click-memory.md",
        ...off,
      };
    const by = [
      ...(providers.length > 0 ? [`the session tokens of ${providers.join(", ")}`] : []),
      ...(byToken ? [`CLICKS_TOKEN`] : []),
    ];
    return { state: "on", says: `clicks are told by ${by.join(" and by ")}`, providers, byToken };
  } catch (error) {
    if (!(error instanceof SettingsError || error instanceof SecretError || error instanceof MappingError))
      throw error;
    return {
      state: "problem",
      says: error.message.replace(/\.$/, ""),
      todo: "correct it; values are never shown",
      ...off,
    };
  }
}

/** These stop every browser's clicks; the others, such as an expired token, may be of one browser. */
const STOPS_ALL: string[] = ["misconfigured", "unavailable"] satisfies AnswerCode[];

/** The last refusal, if it needs the operator: no click was told after it, and perhaps none can be. */
export function lastClickRefusal({
  refusals,
  lastToldAt,
}: ClickStatus): ClickStatus["refusals"][number] | undefined {
  return refusals.find(({ reason, lastAt }) =>
    lastToldAt === null ? reason !== "clicks_off" : STOPS_ALL.includes(reason) && lastAt > lastToldAt,
  );
}
