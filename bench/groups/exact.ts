/**
 * Speed of exact sums, beside the running mean in the same memory.
 *
 * @module
 */

import { ExactSum } from "../../src/params/exact_sum.ts";
import { blend, Kernels } from "../../src/params/kernels.ts";
import { type BenchResult, rateResult } from "../result.ts";

/** Values of a vector: 6.6 MB. */
const VALUES = 1_650_000;
const REPETITIONS = 40;
/** Bytes of updates per second to reach. */
const GOAL_BYTES_PER_SECOND = 2e9;
/** Milliseconds that the merge or the end of a sum may take. */
const MOST_MS = 4;

/**
 * Measures exact sums of vectors of 1.65 million values in one arena. Value of `exact add`: bytes of
 * updates per second, with the check of their range; ceiling: the goal of 2 GB/s. `blend of an
 * update` is the same for the running mean. `exact merge` and `exact finish` count the bytes of a
 * state, 24 for each value; ceiling: one in 4 ms.
 */
export async function exactBench(signal: AbortSignal): Promise<BenchResult[]> {
  const byteLength = VALUES * Float32Array.BYTES_PER_ELEMENT;
  const kernels = Kernels.create(2 * ExactSum.bytesOf(VALUES) + 2 * byteLength + 1024);
  const [vector, mean] = [kernels.alloc(VALUES), kernels.alloc(VALUES).fill(0)];
  for (let i = 0; i < VALUES; i++) vector[i] = Math.sin(i) * 2 ** -(i % 12);
  const sum = new ExactSum(VALUES, vector), other = new ExactSum(VALUES, vector);
  const works = {
    add: () => sum.add(vector, 600),
    blend: () => blend(mean, vector, 0.01),
    merge: () => sum.merge(other),
    finish: () => sum.finish(mean),
  };
  const times = { add: [], blend: [], merge: [], finish: [] } as Record<
    keyof typeof works,
    number[]
  >;
  for (let repetition = -2; repetition < REPETITIONS; repetition++) {
    await new Promise((resolve) => setTimeout(resolve));
    signal.throwIfAborted();
    for (const name of ["add", "blend", "merge", "finish"] as const) {
      const start = performance.now();
      works[name]();
      if (repetition >= 0) times[name].push(performance.now() - start);
    }
  }
  const goal = { bytes: GOAL_BYTES_PER_SECOND / 1000, times: [1] };
  const bytes = ExactSum.bytesOf(VALUES), most = { bytes, times: [MOST_MS] };
  return [
    rateResult("exact add", { bytes: byteLength, times: times.add }, goal, 1),
    rateResult("blend of an update", { bytes: byteLength, times: times.blend }, goal),
    rateResult("exact merge", { bytes, times: times.merge }, most, 1),
    rateResult("exact finish", { bytes, times: times.finish }, most, 1),
  ];
}
