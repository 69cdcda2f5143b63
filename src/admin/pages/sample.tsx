/** A kept event as a sample file, to be copied. */

import type { EventDetails } from "../details.ts";
import { sizeOf } from "../display.ts";

/** Bytes of the file that are shown; a longer one can only be downloaded. */
const BUDGET = 24_000;

export const SamplePage = ({ told, text, alone }: { told: EventDetails; text: string; alone: boolean }) => {
  const { row } = told;
  const here = `/admin/events/${encodeURIComponent(row.id)}`;
  return (
    <>
      <p>
        <a href={here}>Back to the event</a>
      </p>
      <h1>Sample of {row.provider}</h1>
      <p class="said">
        <strong>It holds personal data as it came.</strong> Replace names, addresses and ids before you put it
        into a repository. Values under keys that look like credentials are hidden already.
      </p>
      <p>
        Save it as <code>mappings/{row.provider}/samples/a-name.json</code>, or in your own folder of{" "}
        <code>mappings/own</code>. Its <code>expect</code> is what today's mapping file makes of it;{" "}
        <code>npm run check</code> compares the two from then on.
      </p>
      {!alone && (
        <p>
          The provider sends events in an envelope, and only the event is kept: put it back into the envelope,
          as in the other samples of the folder, and write <code>expect</code> anew with{" "}
          <code>npm run check -- --accept {row.provider}</code>.
        </p>
      )}
      {sizeOf(text) > BUDGET ? (
        <p>It is too long to be shown.</p>
      ) : (
        <textarea id="sample" class="file" readonly rows={24} aria-label="Sample file">
          {`\n${text}`}
        </textarea>
      )}
      <p>
        <a class="button" href={`${here}/sample.json`}>
          Download it
        </a>{" "}
        {sizeOf(text) <= BUDGET && (
          <button type="button" data-copy-from="sample" hidden>
            Copy it
          </button>
        )}
      </p>
    </>
  );
};
