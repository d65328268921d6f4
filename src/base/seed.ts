/** The seed, if it is one; else a `RangeError`. */
export function checkedSeed(seed: number): number {
  if (Number.isInteger(seed) && seed >= 0 && seed <= 0xFFFFFFFF) return seed;
  throw new RangeError(
    `Cannot use the seed: expected an integer from 0 to 4294967295, got ${seed}`,
  );
}
