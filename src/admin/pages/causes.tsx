/** What could explain that there is no lead, as a list. */
import { sizeOf, within } from "../display.ts";
import type { Cause } from "../no-lead.ts";
import { Words } from "./parts.tsx";

/** Bytes of the tags around a cause. */
const TAGS = 120;

/** As many as fit into `budget` bytes. */
export const Causes = ({ causes, budget }: { causes: Cause[]; budget: number }) => {
  const { shown, cut } = within(causes, ({ says }) => sizeOf(says) + TAGS, budget);
  return (
    <>
      <ul>
        {shown.map(({ marked, see }) => (
          <li>
            <Words text={marked} /> {see && <a href={see.href}>{see.name}</a>}
          </li>
        ))}
      </ul>
      {cut && (
        <p class="quiet">
          There are more: see the <a href="/admin#providers">overview</a>.
        </p>
      )}
    </>
  );
};
