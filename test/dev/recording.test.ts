/** The recorded terminal session: well-formed for any output, and true of what the samples expect today. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEFAULT_SAMPLE, providerFolders, ROOT, readJson } from "../../src/dev/files.ts";
import { type RecordedLine, recordingSvg } from "../../src/dev/recording.ts";
import { Sample } from "../../src/mapping/schema.ts";

/** The rows that a picture shows. Fails when the picture is not well-formed XML, as far as this kind of picture goes. */
function rowsOf(svg: string): string[] {
  const open: string[] = [];
  const rows: string[] = [];
  let rest = svg;
  while (rest) {
    const [all, text = "", closes, tag, attributes = "", empty] =
      /^([^<]*)<(\/?)([\w:]+)((?:\s[\w:-]+="[^"<&]*")*)\s*(\/?)>/.exec(rest) ?? [];
    if (all === undefined) {
      expect([rest.trim(), open]).toEqual(["", []]);
      break;
    }
    expect(text.replace(/&(amp|lt|gt);/g, "")).not.toMatch(/[&>\p{Cc}](?<!\n)|\p{Cs}/u);
    const names = [...attributes.matchAll(/\s([\w:-]+)=/g)].map(([, name]) => name);
    expect(new Set(names).size).toBe(names.length);
    if (open.includes("text")) rows.push(`${rows.pop()}${text}`);
    if (closes) expect(open.pop()).toBe(tag);
    else if (!empty) open.push(tag ?? "");
    if (tag === "text" && !closes) rows.push("");
    rest = rest.slice(all.length);
  }
  return rows.map((row) => row.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&"));
}

const lineOf = (text: string, at = 0): RecordedLine => ({ at, text });

describe("recordingSvg", () => {
  it("shows the command and each line, without control codes and blanks at the end", () => {
    const lines = [
      'plain <b> & "quoted"',
      "\u001b[2mdim\u001b[22m \u001b[32mok\u001b[39m  ",
      "",
      "\u001b[2K\u001b[1Amoved\u0007",
    ];
    expect(
      rowsOf(
        recordingSvg(
          "npm start",
          lines.map((text) => lineOf(text)),
        ),
      ),
    ).toEqual(["$ npm start", 'plain <b> & "quoted"', "dim ok", "moved"]);
  });
  it("keeps colours as classes, and ends them where the output does", () => {
    const svg = recordingSvg("c", [lineOf("\u001b[1;31mred\u001b[0m plain \u001b[36mcyan\u001b[39m")]);
    expect(svg).toContain('<tspan class="red">red</tspan> plain <tspan class="cyan">cyan</tspan></text>');
  });
  it("shows each line at its time, and all of them without animation", () => {
    const svg = recordingSvg("c", [lineOf("first", 400), lineOf("second", 2550)]);
    expect([...svg.matchAll(/animation-delay:([\d.]+)s">(\w+)/g)].map(([, at, text]) => [at, text])).toEqual([
      ["0.40", "first"],
      ["2.55", "second"],
    ]);
    // Hidden only where somebody wants motion: the animation is the one thing that hides a line.
    const [still = "", moving = ""] = svg.split("@media(prefers-reduced-motion:no-preference)");
    expect(still).not.toMatch(/animation:|text\{[^}]*(opacity|visibility|display)/);
    expect(moving).toContain("text{animation:show");
    expect(svg).toContain("@media(prefers-color-scheme:dark)");
  });
  it("wraps a long line", () => {
    expect(rowsOf(recordingSvg("c", [lineOf("a".repeat(250))])).map((row) => row.length)).toEqual([
      3, 100, 100, 50,
    ]);
  });
  it("is well-formed for any output", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string({ unit: fc.constantFrom("\u001b", "[", "3", "1", "m", ";", "<", "&", "]]>") }),
    );
    fc.assert(
      fc.property(fc.array(fc.record({ at: fc.nat(9999), text })), (lines) => {
        expect(rowsOf(recordingSvg("npm start", lines))[0]).toBe("$ npm start");
      }),
    );
  });
});

describe("docs/start.svg", () => {
  const svg = readFileSync(join(ROOT, "docs/start.svg"), "utf8");

  it("shows what the samples expect: npm run record makes it anew", () => {
    const rows = rowsOf(svg);
    expect(rows[0]).toBe("$ npm start -- --once");
    // The shipped samples: a user's own do not make the picture wrong.
    const shipped = providerFolders().filter(({ own }) => !own);
    const leads = shipped.flatMap(({ provider, path }) =>
      Sample.parse(readJson(join(path, "samples", `${DEFAULT_SAMPLE}.json`))).expect.flatMap((one) =>
        "lead" in one ? [{ provider, lead: one.lead }] : [],
      ),
    );
    expect(leads.length).toBeGreaterThan(2);
    for (const { provider, lead } of leads) {
      // The stand-in for Dub names a link after the beginning of the click id.
      const link = `https://go.example/${String(lead.clickId).slice(0, 4)}`;
      expect(
        rows.filter((row) => row.includes("delivered") && row.includes(link)),
        `${provider}, ${link}`,
      ).toHaveLength(1);
      expect(
        rows.filter((row) => row.startsWith(`${provider} `)),
        provider,
      ).not.toEqual([]);
    }
    const told = rows.filter((row) => /^ +its click is told +delivered +credited https/.test(row));
    expect(told).toHaveLength(1);
    expect(rows.filter((row) => row.includes("delivered"))).toHaveLength(leads.length + 1);
  });
  it("is small, and loads nothing", () => {
    expect(Buffer.byteLength(svg)).toBeLessThan(40_000);
    expect(svg).not.toMatch(/<(script|image|use|a)\b|href=|url\(|@import/);
  });
});
