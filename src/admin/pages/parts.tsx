/** Small parts that several pages show. */
import type { Child } from "hono/jsx";
import type { Status } from "../../states.ts";
import { partsOf } from "../marked.ts";
import { reasonPage } from "./set-up.ts";

/** A status as a coloured word. */
export const StatusMark = ({ status }: { status: Status }) => <span class={`mark ${status}`}>{status}</span>;

/** A reason, with the way to what the documentation says of it. */
export const Reason = ({ name }: { name: string }) => (
  <a href={reasonPage(name)}>
    <code>{name}</code>
  </a>
);

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

/** A text of ours, in which `…` is code; with marks, if it holds texts from outside. */
export const Words = ({ text }: { text: string }) => (
  <>{partsOf(text).map((part) => (part.code ? <code>{part.text}</code> : part.text))}</>
);

/** A button that copies a text; the script shows it. */
export const Copy = ({ text, what }: { text: string; what: string }) => (
  <button type="button" hidden data-copy={text} aria-label={`Copy ${what}`}>
    Copy
  </button>
);

/** What needs the operator, and what to do. */
export const Banner = ({ what, todo, children }: { what: Child; todo: string; children?: Child }) => (
  <section class="banner">
    <p>{what}</p>
    {todo && (
      <p>
        <strong>What to do:</strong> <Words text={todo} />.
      </p>
    )}
    {children}
  </section>
);

/** A text with a full stop at its end. */
export const withStop = (text: string) => text.replace(/\.?$/, ".");

/** What is wrong with a request, a sentence each. */
export const Wrong = ({ wrong }: { wrong: string[] }) => (
  <div class="banner" role="alert">
    {wrong.map((one) => (
      <p>{one}</p>
    ))}
  </div>
);
