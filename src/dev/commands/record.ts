/** `npm run record`: the pictures of the documentation: `npm start -- --once` with its real output and times, and pages. */
import { writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { command, exitWith, run } from "../command.ts";
import { ROOT } from "../files.ts";
import { takePictures } from "../pictures.ts";
import { startGroup } from "../process/group.ts";
import { interrupted } from "../process/interrupted.ts";
import { type RecordedLine, recordingSvg } from "../recording.ts";
import { UserError } from "../user-error.ts";

const PICTURE = join(ROOT, "docs/start.svg");

async function record(): Promise<number> {
  const lines: RecordedLine[] = [];
  const { NO_COLOR: _, ...env } = process.env;
  const begun = performance.now();
  const group = startGroup(join(ROOT, "src/dev/commands/start.ts"), ["--once"], {
    env: { ...env, FORCE_COLOR: "1" },
    onLine: (text) => {
      lines.push({ at: performance.now() - begun, text });
      console.error(text);
    },
  });
  const ended = await Promise.race([group.exited, interrupted()]);
  await group.stop();
  if (ended === "interrupted") return 130;
  if (ended !== 0) throw new UserError("npm start -- --once failed: nothing is recorded.");
  writeFileSync(PICTURE, recordingSvg("npm start -- --once", lines));
  for (const file of [PICTURE, ...(await takePictures())]) console.log(relative(ROOT, file));
  return 0;
}

export const program = command(
  "record",
  "Makes the pictures of the documentation: docs/start.svg, npm start -- --once with its real output and times; docs/overview.png and docs/event.png, two admin pages in a browser.",
  { 0: "recorded", 130: "stopped by Ctrl-C" },
).action(exitWith(record));

if (import.meta.main) void run(program);
