/** "Did you mean …?" */

/**
 * The candidate that differs from a name by the fewest letters, if it is near enough to be meant: by a fifth of its
 * letters, or by letters that are only missing, as in `CLERK_SECRET` for `CLERK_WEBHOOK_SECRET`.
 */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  let best: { candidate: string; distance: number } | undefined;
  for (const candidate of candidates) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    const missing = candidate.length - name.length;
    const near = distance <= Math.max(2, candidate.length / 5);
    if ((near || (distance === missing && missing <= name.length)) && distance < (best?.distance ?? Infinity))
      best = { candidate, distance };
  }
  return best?.candidate;
}

/** Letters to insert, delete or replace to make one text of the other (Levenshtein). */
function editDistance(a: string, b: string): number {
  let before = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++)
      row[j] = Math.min(
        (before[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (before[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
      );
    before = row;
  }
  return before[b.length] ?? 0;
}
