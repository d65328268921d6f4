/** Largest number of halvings, after which two neighbouring floats are left. */
const HALVINGS = 200;

/**
 * Finds the smallest argument at which a function that falls is at most `target`.
 *
 * @param least Bound from below, above 0; it is returned where the function is low enough there.
 * @returns The upper end of the last interval, at which the function is at most `target`;
 * `Infinity` if there is none up to 1e12.
 */
export function leastArgument(
  falling: (x: number) => number,
  target: number,
  { least = 1e-6, error = 1e-9 }: { least?: number; error?: number } = {},
): number {
  if (falling(least) <= target) return least;
  let low = least, high = least;
  do {
    low = high;
    high *= 2;
    if (high > 1e12) return Infinity;
  } while (!(falling(high) <= target));
  for (let i = 0; i < HALVINGS && high - low > error * high; i++) {
    const middle = (low + high) / 2;
    if (falling(middle) <= target) high = middle;
    else low = middle;
  }
  return high;
}

/** Finds the minimum of a function with one valley between two arguments, by the golden section. */
export function minimum(valley: (x: number) => number, from: number, to: number): number {
  const ratio = (Math.sqrt(5) - 1) / 2;
  let a = from, b = to;
  let x = b - ratio * (b - a), y = a + ratio * (b - a);
  let atX = valley(x), atY = valley(y);
  for (let i = 0; i < HALVINGS && b - a > 1e-9; i++) {
    if (atX <= atY) {
      [b, y, atY] = [y, x, atX];
      x = b - ratio * (b - a);
      atX = valley(x);
    } else {
      [a, x, atX] = [x, y, atY];
      y = a + ratio * (b - a);
      atY = valley(y);
    }
  }
  return Math.min(atX, atY);
}
