/** "Did you mean": the known name that is nearest to one that is not known. */

/** How many letters must be added, removed, changed or swapped with the next to get from one text to the other. */
export function distance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (last[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? (before[j - 2] ?? 0) + 1 : change;
      row.push(Math.min((last[j] as number) + 1, (row[j - 1] as number) + 1, change, swapped));
    }
    before = last;
    last = row;
  }
  return last[b.length] as number;
}

/** Spelling without case and separators: `first_name` and `firstName` are the same. */
const plain = (name: string) => name.toLowerCase().replace(/[-_ .]/g, "");

/** The nearest of the known names if it is near enough for a typo: a third of its letters, at most three. */
export function nearest(given: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const name of known) {
    if (name === given) continue;
    const far = distance(plain(given), plain(name));
    const limit = Math.min(3, Math.floor(Math.max(given.length, name.length) / 3));
    if (far <= limit && far < least) [best, least] = [name, far];
  }
  return best;
}

/** ` Did you mean "…"?`, or nothing. */
export function didYouMean(given: string, known: Iterable<string>, show = JSON.stringify): string {
  const name = nearest(given, known);
  return name === undefined ? "" : `. Did you mean ${show(name)}?`;
}
