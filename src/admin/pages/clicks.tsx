/** Click memory on the overview: whether it is on, what was told, and what was refused. */
import { lastClickRefusal } from "../click-status.ts";
import type { ClickStatus } from "../schema.ts";
import { Banner, Time, Words, withStop } from "./parts.tsx";
import { Refusals } from "./provider.tsx";
import { REPOSITORY } from "./set-up.ts";

export const ClickMemory = ({ clicks }: { clicks: ClickStatus }) => {
  const { state, says, todo, remembered, lastToldAt, refusals } = clicks;
  return (
    <details open={state !== "off"}>
      <summary>
        <strong>Click memory</strong> <span class={`mark ${state === "on" ? "ok" : state}`}>{state}</span>{" "}
        <span class="quiet">
          {lastToldAt === null ? (
            "no click told"
          ) : (
            <>
              last new click told <Time at={lastToldAt} />
            </>
          )}
        </span>
      </summary>
      <p>
        {state === "off" ? (
          <>
            To turn it on: <Words text={todo ?? ""} />
          </>
        ) : (
          <Words text={withStop(`${says.charAt(0).toUpperCase()}${says.slice(1)}`)} />
        )}{" "}
        {remembered > 0 && `${remembered.toLocaleString("en")} clicks are remembered. `}
        <a href={`${REPOSITORY}/docs/click-memory.md`}>What it is</a>
      </p>
      {refusals.length > 0 && (
        <>
          <h3>Refused clicks</h3>
          <Refusals refusals={refusals} />
        </>
      )}
    </details>
  );
};

/** A banner when click memory needs the operator. */
export const ClickProblem = ({ clicks }: { clicks: ClickStatus }) => {
  const { state, says, todo = "" } = clicks;
  const refusal = lastClickRefusal(clicks);
  if (state === "problem")
    return (
      <Banner
        what={
          <>
            <strong>Click memory</strong> – <Words text={withStop(says)} />
          </>
        }
        todo={todo}
      />
    );
  return refusal ? (
    <Banner
      what={
        <>
          <strong>Click memory</strong> – no click was told since the last one was refused at{" "}
          <Time at={refusal.lastAt} /> ({refusal.reason}): {withStop(refusal.evidence)}
        </>
      }
      todo={refusal.todo}
    />
  ) : null;
};
