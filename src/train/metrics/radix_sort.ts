/** Values of a byte. */
const DIGITS = 256;

let spare: Int32Array = new Int32Array(0);

/**
 * Sorts numbers from 0 by their lowest bytes, from the lowest byte on (LSD radix sort; Knuth, "The
 * Art of Computer Programming", volume 3, algorithm 5.2.5R). Takes about a third of the time of
 * `sort()` for thousands of numbers.
 *
 * @param numbers Numbers, which are overwritten.
 * @param bytes Number of bytes of the largest number, at most 3.
 * @returns The numbers in rising order, valid until the next call.
 */
export function sorted(numbers: Int32Array, bytes: number): Int32Array {
  const { length } = numbers, starts = new Uint32Array(DIGITS);
  if (spare.length < length) spare = new Int32Array(length);
  let from = numbers, to: Int32Array = spare.subarray(0, length);
  for (let shift = 0; shift < 8 * bytes; shift += 8) {
    starts.fill(0);
    for (let i = 0; i < length; i++) {
      const digit = (from[i] ?? 0) >> shift & 255;
      starts[digit] = (starts[digit] ?? 0) + 1;
    }
    for (let digit = 0, before = 0; digit < DIGITS; digit++) {
      const count = starts[digit] ?? 0;
      starts[digit] = before;
      before += count;
    }
    for (let i = 0; i < length; i++) {
      const number = from[i] ?? 0, digit = number >> shift & 255, at = starts[digit] ?? 0;
      to[at] = number;
      starts[digit] = at + 1;
    }
    [from, to] = [to, from];
  }
  return from;
}
