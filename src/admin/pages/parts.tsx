/** Small parts that several pages show. */
import type { Child } from "hono/jsx";
import type { Status } from "../../states.ts";

/** A status as a coloured word. */
export const StatusMark = ({ status }: { status: Status }) => <span class={`mark ${status}`}>{status}</span>;

/** A time, in UTC, to the second; `at` is ISO 8601. */
export const Time = ({ at }: { at: string }) => (
  <time datetime={at}>{at.slice(0, 19).replace("T", " ")}</time>
);

/** A table with a caption for screen readers, which scrolls by itself on a narrow screen. */
export const Table = ({ caption, head, children }: { caption: string; head: string[]; children: Child }) => (
  <section class="scroll" tabindex={0} aria-label={caption}>
    <table>
      <caption>{caption}</caption>
      <thead>
        <tr>
          {head.map((name) => (
            <th scope="col">{name}</th>
          ))}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  </section>
);

/** A text of the tables of reasons, in which code stands between backticks. */
export const Words = ({ text }: { text: string }) => (
  <>{text.split("`").map((part, i) => (i % 2 === 1 ? <code>{part}</code> : part))}</>
);
