/** Makes a counter whose counts can be awaited. */
export function createCounter() {
  let count = 0;
  const waiting = new Set<{ at: number; resolve: () => void }>();
  return {
    tick(): void {
      count++;
      for (const one of waiting) if (count >= one.at && waiting.delete(one)) one.resolve();
    },
    /** Resolves after so many counts from now. */
    more: (counts: number) => new Promise<void>((resolve) => waiting.add({ at: count + counts, resolve })),
  };
}
