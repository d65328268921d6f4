import type { Random } from "../base/random.ts";
import { pick } from "./sweep.ts";

/** Numbers of a stream up to which a kernel draws. */
const MOST_DRAWN = 2 ** 31;

/**
 * Draws a random order of the numbers 0 to `length - 1`: that of `Random.permutation()`, with draws
 * by a kernel.
 *
 * @param near A view whose memory the kernel runs in, if it is that of kernels.
 */
export function permutation(
  random: Random,
  length: number,
  near?: ArrayBufferView,
): Uint32Array<ArrayBuffer> {
  if (random.place.index + 2 * length > MOST_DRAWN) return random.permutation(length);
  const { exports, buffer, block, scratch: [at = 0] } = pick(near ? [near] : []);
  const numbers = new Uint32Array(length);
  for (let i = 0; i < length; i++) numbers[i] = i;
  for (let last = length - 1; last > 0;) {
    const { seed, purpose, round, rank, index } = random.place, count = Math.min(last, block);
    random.skip(exports.draw_below(seed, purpose, round, rank, index, last + 1, count, at));
    const draws = new Uint32Array(buffer, at, count);
    for (let i = 0; i < count; i++, last--) {
      const j = draws[i] ?? 0, number = numbers[last] ?? 0;
      numbers[last] = numbers[j] ?? 0;
      numbers[j] = number;
    }
  }
  return numbers;
}
