/** The documentation says what is true: its example of a new provider works, its recipe too, its links lead somewhere. */
import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { providerFolders, ROOT } from "../../src/dev/files.ts";

/** The code block that follows `words` in a page. */
function blockAfter(page: string, words: string): string {
  const text = readFileSync(join(ROOT, page), "utf8");
  const after = text.slice(text.indexOf(words) + words.length);
  const block = /^( *)```\w+\n([\s\S]*?)^\1```/m.exec(after);
  if (!text.includes(words) || !block) throw new Error(`${page} has no block after ${words}`);
  return block[2] as string;
}

it("docs/mapping.md: Typeform is added by its two files and one command", () => {
  const copy = mkdtempSync(join(tmpdir(), "docs-"));
  for (const part of ["src", "package.json", "mappings", "README.md"])
    cpSync(join(ROOT, part), join(copy, part), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  for (const file of ["mapping.json", "samples/sign-up.json"]) {
    const path = join(copy, "mappings/own/typeform", file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, blockAfter("docs/mapping.md", `\`mappings/own/typeform/${file}\`:`));
  }
  const check = (...args: string[]) =>
    execFileSync(process.execPath, [join(copy, "src/dev/commands/check.ts"), ...args], { stdio: "pipe" });
  expect(() => check()).toThrow("mappings/own/index.ts is out of date");
  check("--write");
  check();
  expect(readFileSync(join(copy, "mappings/own/index.ts"), "utf8")).toContain("  typeform: typeformMapping,");
  rmSync(copy, { recursive: true });
});

it("mappings/auth0: the post-login Action writes the click id of new users only, and once", async () => {
  const source = blockAfter("mappings/auth0/README.md", "**as the first Action**:");
  const action = new Function("exports", source);
  const DAY = 24 * 60 * 60 * 1000;
  const ago = (days: number) => new Date(Date.now() - days * DAY).toISOString();
  const written = async (event: { user: object; request: object; stats?: object }) => {
    const exported: { onExecutePostLogin?: (event: object, api: object) => Promise<void> } = {};
    action(exported);
    const set: unknown[] = [];
    await exported.onExecutePostLogin?.(
      { stats: { logins_count: 1 }, ...event },
      { user: { setUserMetadata: (...args: unknown[]) => set.push(args) } },
    );
    return set;
  };
  const query = { "ext-dub_id": "Xk3pQ9vLm2RtYw7B" };
  const yes = [["dubClickId", "Xk3pQ9vLm2RtYw7B"]];

  expect(await written({ user: { created_at: ago(0) }, request: { query } })).toEqual(yes);
  // The first login was denied.
  expect(
    await written({ user: { created_at: ago(1) }, request: { query }, stats: { logins_count: 2 } }),
  ).toEqual(yes);
  expect(await written({ user: { created_at: ago(8) }, request: { query } })).toEqual([]);
  // Migrated today, registered years ago.
  const app_metadata = { registered_at: ago(900) };
  expect(await written({ user: { created_at: ago(0), app_metadata }, request: { query } })).toEqual([]);
  const user_metadata = { dubClickId: "Lw2aT8cVn5KdPq9E" };
  expect(await written({ user: { created_at: ago(0), user_metadata }, request: { query } })).toEqual([]);
  // Grants without /authorize.
  expect(await written({ user: { created_at: ago(0) }, request: {} })).toEqual([]);
  expect(await written({ user: { created_at: ago(0) }, request: { body: query } })).toEqual(yes);
});

it("links between the pages lead somewhere", () => {
  const pages = [
    ...["README.md", "docs/mapping.md", "mappings/own/README.md"],
    ...providerFolders().flatMap(({ own, shown }) => (own ? [] : `${shown}/README.md`)),
  ].filter((page) => existsSync(join(ROOT, page)));
  for (const page of pages) {
    const text = readFileSync(join(ROOT, page), "utf8");
    for (const [, link = ""] of text.matchAll(/\]\((?!https?:)([^)]+)\)/g)) {
      const [file = "", anchor] = link.split("#");
      const path = file === "" ? join(ROOT, page) : join(ROOT, dirname(page), file);
      expect(existsSync(path), `${page} links to ${link}`).toBe(true);
      if (anchor === undefined) continue;
      const anchors = [...readFileSync(path, "utf8").matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) =>
        title
          .toLowerCase()
          .replace(/[^\w\- ]/g, "")
          .replaceAll(" ", "-"),
      );
      expect(anchors, `${page} links to ${link}`).toContain(anchor);
    }
  }
});
