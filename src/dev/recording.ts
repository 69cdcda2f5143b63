/** A recording of a command in a terminal, as an SVG picture that plays once, by CSS alone. */

/** A line as it was printed, with its colour codes. `at`: milliseconds since the command was started. */
export type RecordedLine = { at: number; text: string };

const COLUMNS = 100;
const FONT_SIZE = 14;
/** Width of a character: every line is stretched or squeezed to it, whatever font the reader has. */
const ADVANCE = 8.4;
const LINE_HEIGHT = 20;
const MARGIN = 16;

/** Codes of SGR ("select graphic rendition") → class of the style sheet. */
const STYLES: Record<string, string> = {
  2: "dim",
  31: "red",
  32: "green",
  33: "yellow",
  34: "blue",
  35: "magenta",
  36: "cyan",
  90: "dim",
};

const STYLE_SHEET = `
text{font:${FONT_SIZE}px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;white-space:pre;fill:#1f2328}
rect{fill:#f6f8fa;stroke:#d1d9e0}
.dim{fill:#59636e}.red{fill:#c21f2c}.green{fill:#116b2b}.yellow{fill:#7d4e00}.blue{fill:#0550ae}.magenta{fill:#6e40c9}.cyan{fill:#0b6b74}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}rect{fill:#0d1117;stroke:#3d444d}
.dim{fill:#9198a1}.red{fill:#ff8d85}.green{fill:#56d364}.yellow{fill:#e3b341}.blue{fill:#79c0ff}.magenta{fill:#d2a8ff}.cyan{fill:#56d4dd}}
@keyframes show{from{opacity:0}to{opacity:1}}
@media(prefers-reduced-motion:no-preference){text{animation:show 1ms both}}
`;

/** Codes that end a style. */
const RESETS = ["", "0", "22", "39"];

/** A piece of a line in one style. */
type Run = { text: string; style: string | undefined };

/** The picture: the command as it is typed, then each line at its time. Without animation, all of it. */
export function recordingSvg(command: string, lines: RecordedLine[]): string {
  const rows = [{ at: 0, runs: [{ text: `$ ${command}`, style: undefined }] }, ...lines.flatMap(rowsOf)];
  const columns = Math.max(...rows.map(({ runs }) => lengthOf(runs)));
  const width = Math.ceil(columns * ADVANCE) + 2 * MARGIN;
  const height = rows.length * LINE_HEIGHT + 2 * MARGIN;
  const texts = rows.map(({ at, runs }, i) => {
    if (lengthOf(runs) === 0) return "";
    const y = MARGIN + (i + 1) * LINE_HEIGHT - (LINE_HEIGHT - FONT_SIZE);
    const length = Math.round(lengthOf(runs) * ADVANCE * 10) / 10;
    const delay = at > 0 ? ` style="animation-delay:${(at / 1000).toFixed(2)}s"` : "";
    return `<text x="${MARGIN}" y="${y}" textLength="${length}" lengthAdjust="spacingAndGlyphs" xml:space="preserve"${delay}>${runs.map(tspan).join("")}</text>\n`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>${escaped(command)}</title>
<style>${STYLE_SHEET}</style>
<rect x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="8"/>
${texts.join("")}</svg>
`;
}

/** A printed line as a terminal of 100 columns shows it: in colours, wrapped, without any other control code. */
function rowsOf({ at, text }: RecordedLine): { at: number; runs: Run[] }[] {
  const rows: Run[][] = [[]];
  let style: string | undefined;
  const put = (character: string) => {
    if (lengthOf(rows.at(-1) ?? []) === COLUMNS) rows.push([]);
    const last = rows.at(-1)?.at(-1);
    if (last && last.style === style) last.text += character;
    else rows.at(-1)?.push({ text: character, style });
  };
  // Each part but the first begins with the rest of a control code: digits, and a letter that says which one.
  const [plain = "", ...coded] = text.split("\u001b[");
  for (const part of [`m${plain}`, ...coded]) {
    const [, codes = "", letter, shown = ""] = /^([\d;?]*)([A-Za-z])(.*)$/s.exec(part) ?? [];
    if (letter === "m")
      for (const code of codes.split(";"))
        style = code in STYLES ? STYLES[code] : RESETS.includes(code) ? undefined : style;
    for (const character of shown.toWellFormed().replace(/\p{Cc}/gu, "")) put(character);
  }
  return rows.map((runs) => ({ at, runs: withoutEndingBlanks(runs) }));
}

function withoutEndingBlanks(runs: Run[]): Run[] {
  const last = runs.findLastIndex(({ text }) => text.trim() !== "");
  return runs.slice(0, last + 1).map((one, i) => (i === last ? { ...one, text: one.text.trimEnd() } : one));
}

function lengthOf(runs: Run[]): number {
  return runs.reduce((sum, { text }) => sum + [...text].length, 0);
}

function tspan({ text, style }: Run): string {
  return style ? `<tspan class="${style}">${escaped(text)}</tspan>` : escaped(text);
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
