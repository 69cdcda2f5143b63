/** What needs the operator, on the overview: a banner for each cause, with what follows from it. */
import type { Check } from "../checks.ts";
import { lastRefusal, type ProviderStatus, type Status } from "../status.ts";
import { eventsHref } from "./chart.tsx";
import { Banner, Reason, Time, Words, withStop } from "./parts.tsx";

export const Problems = ({ status: { checks, providers } }: { status: Status }) => {
  const problems = checks.filter(({ state }) => state === "problem");
  const isCause = ({ because }: Check) => !problems.some(({ what }) => what === because);
  const effectsOf = (cause: Check): Check[] =>
    problems
      .filter(({ because }) => because === cause.what)
      .flatMap((effect) => [effect, ...effectsOf(effect)]);
  const causes = problems.filter(isCause);
  const isEffect = (one: ProviderStatus) =>
    one.state === "on" &&
    lastRefusal(one)?.reason === "misconfigured" &&
    causes.some(({ what }) => what === RECEIVE);
  return (
    <>
      {causes
        .filter(({ reason }) => reason === undefined)
        .map((cause) => (
          <Banner
            what={
              <>
                <strong>{cause.what}</strong> – <Words text={cause.says} />.
              </>
            }
            todo={cause.todo ?? ""}
          >
            <Effects
              effects={effectsOf(cause)}
              refusing={cause.what === RECEIVE ? providers.filter(isEffect) : []}
            />
          </Banner>
        ))}
      <EventsToFix checks={causes.filter(({ reason }) => reason !== undefined)} />
      {providers
        .filter((one) => !isEffect(one))
        .map((one) => (
          <OfProvider one={one} />
        ))}
    </>
  );
};

/** The check of the settings without which no webhook is taken. */
const RECEIVE = "settings to receive";

/** `refusing`: providers whose webhooks are refused for the same cause. */
const Effects = ({ effects, refusing }: { effects: Check[]; refusing: ProviderStatus[] }) =>
  effects.length + refusing.length === 0 ? null : (
    <>
      <p>Most likely for the same cause:</p>
      <ul>
        {effects.map(({ what, says, todo = "", reason }) => (
          <li>
            {reason === undefined ? (
              <>
                {what} – <Words text={says} />.
              </>
            ) : (
              <>
                <EventsOf reason={reason} says={says} />. Afterwards: <Words text={todo} />.
              </>
            )}
          </li>
        ))}
        {refusing.map((one) => (
          <li>
            <LastRefusal one={one} />
          </li>
        ))}
      </ul>
    </>
  );

const EventsOf = ({ reason, says }: { reason: string; says: string }) => (
  <a href={eventsHref({ reason })}>
    <Words text={says} />
  </a>
);

/** Events that wait for the operator, by their reason. */
const EventsToFix = ({ checks }: { checks: Check[] }) =>
  checks.length === 0 ? null : (
    <section class="banner">
      <p>
        <strong>Events that need you</strong>, of the last seven days; leads in doubt of any time
      </p>
      <ul>
        {checks.map(({ says, todo = "", reason = "" }) => (
          <li>
            <EventsOf reason={reason} says={says} /> (<Reason name={reason} />
            ). <strong>What to do:</strong> <Words text={todo} />.
          </li>
        ))}
      </ul>
    </section>
  );

const OfProvider = ({ one }: { one: ProviderStatus }) => {
  const refusal = lastRefusal(one);
  if (one.state === "problem")
    return (
      <Banner
        what={
          <>
            <strong>{one.name}</strong> – <Words text={withStop(one.says ?? "")} />
          </>
        }
        todo="correct it, and deploy again if it is a file"
      >
        {refusal && (
          <p>
            The last webhook was refused at <Time at={refusal.lastAt} />.
          </p>
        )}
      </Banner>
    );
  return refusal ? (
    <Banner
      what={
        <>
          <LastRefusal one={one} /> ({refusal.reason}): {withStop(refusal.evidence)}
        </>
      }
      todo={refusal.todo}
    />
  ) : null;
};

const LastRefusal = ({ one }: { one: ProviderStatus }) => (
  <>
    <strong>{one.name}</strong> – the last webhook was refused at <Time at={lastRefusal(one)?.lastAt ?? ""} />
  </>
);
