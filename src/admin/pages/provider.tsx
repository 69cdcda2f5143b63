/** A provider on the overview: whether it is on, its address, what was refused and what no rule takes. */
import { iso } from "../checks.ts";
import { beginning } from "../display.ts";
import { toTurnOn } from "../local.ts";
import { lastRefusal, type ProviderStatus } from "../status.ts";
import { Copy, Reason, Table, Time, Words, withStop } from "./parts.tsx";
import { setUpPage } from "./set-up.ts";

/** Ignored types of one provider that are shown. */
const MAX_IGNORED = 10;

/** `seen`: when the last span of time began in which it had an event. The status knows only those of the last thousand. */
export const Provider = ({ one, seen }: { one: ProviderStatus; seen: number | undefined }) => {
  const { provider, name, state, says, address, lastEventAt, refusals, ignored } = one;
  const lastAt = lastEventAt ?? (seen === undefined ? null : iso(seen));
  return (
    <details open={state !== "off"}>
      <summary>
        <strong>{name}</strong> <span class={`mark ${state === "on" ? "ok" : state}`}>{state}</span>{" "}
        <span class="quiet">
          {lastAt ? (
            <>
              last event {lastEventAt ? "" : "after "}
              <Time at={lastAt} />
            </>
          ) : (
            "no event lately"
          )}
        </span>
      </summary>
      {says && <p>{says}</p>}
      {state === "off" && (
        <p>
          To turn it on, <Words text={toTurnOn(one)} />.
        </p>
      )}
      <p>
        Address for its webhooks: <code>{address}</code>{" "}
        <Copy text={address} what={`the address for ${name}`} />
      </p>
      <p>
        <a href={setUpPage(provider)}>How to set {name} up, and to pass the click id</a>
      </p>
      {refusals.length > 0 && (
        <>
          <h3>Refused webhooks</h3>
          <Refusals refusals={refusals} above={lastRefusal(one)} />
        </>
      )}
      {ignored.length > 0 && (
        <>
          <h3>Ignored: no rule takes these types</h3>
          <div class="figures">
            <Table caption={`Ignored types of ${name}`} head={["Type", "Events", "Last (UTC)"]}>
              {ignored.slice(0, MAX_IGNORED).map(({ type, count, lastAt }) => (
                <tr>
                  <th scope="row">
                    <code>{beginning(type)}</code>
                  </th>
                  <td>{count}</td>
                  <td>
                    <Time at={lastAt} />
                  </td>
                </tr>
              ))}
            </Table>
          </div>
          {ignored.length > MAX_IGNORED && <p class="quiet">and {ignored.length - MAX_IGNORED} more types</p>}
        </>
      )}
    </details>
  );
};

type Refusal = ProviderStatus["refusals"][number];

/** Webhooks that were refused, by reason. `above`: a banner says what to do about this one. */
export const Refusals = ({ refusals, above }: { refusals: Refusal[]; above?: Refusal | undefined }) => (
  <ul class="refusals">
    {refusals.map((refusal) => {
      const { reason, count, lastAt, evidence, todo } = refusal;
      return (
        <li>
          <Reason name={reason} />{" "}
          <span class="quiet">
            {count === 1 ? "once" : `${count} times`}, last <Time at={lastAt} />
          </span>
          <p>{withStop(evidence)}</p>
          {refusal !== above && (
            <p class="quiet">
              What to do: <Words text={todo} />.
            </p>
          )}
        </li>
      );
    })}
  </ul>
);
