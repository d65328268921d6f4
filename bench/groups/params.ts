/**
 * Speed of the parameter kernels beside a plain copy of the same vector in the same memory.
 *
 * @module
 */

import { blend, flatten, fold, Kernels, unflatten } from "../../src/params/kernels.ts";
import { exactBench } from "./exact.ts";
import { type BenchOptions, type BenchResult, rateResult } from "../result.ts";

const VALUES = 25_000_000;
const TENSORS = 50;
const REPETITIONS = 25;
const TARGET = 0.7;

/** Work on a vector, with the number of vectors that it reads and writes. */
interface Work {
  vectors: number;
  run(): void;
}

interface Case extends Work {
  name: string;
  ceiling: Work;
  target?: number;
}

/**
 * Makes lengths that add up to `total`, all odd but the last; the largest is 99 times the smallest.
 */
function unequalLengths(total: number, count: number): number[] {
  const lengths = Array.from(
    { length: count - 1 },
    (_, i) => Math.floor(total * (2 * i + 1) / count ** 2) | 1,
  );
  return [...lengths, total - lengths.reduce((sum, length) => sum + length, 0)];
}

function fill(vector: Float32Array): void {
  for (let i = 0; i < vector.length; i++) vector[i] = (i % 1000) / 1000 - 0.5;
}

/**
 * Runs the works in turns, so that a slow moment of the machine affects all of them.
 *
 * @returns The times of each.
 */
async function measure(
  works: readonly Work[],
  signal: AbortSignal,
): Promise<Map<Work, number[]>> {
  for (const { run } of [...works, ...works]) run();
  const times = new Map(works.map((work) => [work, new Array<number>()]));
  for (let repetition = 0; repetition < REPETITIONS; repetition++) {
    // Lets the process handle signals.
    await new Promise((resolve) => setTimeout(resolve));
    signal.throwIfAborted();
    for (const [{ run }, ofWork] of times) {
      const start = performance.now();
      run();
      ofWork.push(performance.now() - start);
    }
  }
  return times;
}

/**
 * Measures the kernels on 25 million values in 50 tensors, in one arena; rows with "elsewhere" have
 * the tensors outside of it. Value: bytes read and written per second. `unflatten` counts as one
 * pass, although it reads the vector once more to check it. Ceiling: the same for a plain copy
 * (`set`) of the vector between the same places.
 */
export async function paramsBench({ signal }: BenchOptions): Promise<BenchResult[]> {
  const lengths = unequalLengths(VALUES, TENSORS);
  const kernels = Kernels.create(2 * VALUES * Float32Array.BYTES_PER_ELEMENT + (TENSORS + 1) * 64);
  const vector = kernels.alloc(VALUES);
  const tensors = lengths.map((length) => kernels.alloc(length));
  const elsewhere = lengths.map((length) => new Float32Array(length));
  const other = new Float32Array(
    vector.buffer,
    tensors[0]?.byteOffset,
    VALUES,
  );
  for (const view of [vector, other, ...tensors, ...elsewhere]) fill(view);
  const starts = lengths.map((_, i) => lengths.slice(0, i).reduce((sum, one) => sum + one, 0));
  const parts = lengths.map((length, i) => vector.subarray(starts[i], (starts[i] ?? 0) + length));

  const within: Work = { vectors: 2, run: () => other.set(vector) };
  const from: Work = {
    vectors: 2,
    run: () => elsewhere.forEach((tensor, i) => vector.set(tensor, starts[i])),
  };
  const to: Work = {
    vectors: 2,
    run: () => elsewhere.forEach((tensor, i) => tensor.set(parts[i] ?? [])),
  };
  const cases: Case[] = [
    {
      name: "flatten",
      vectors: 2,
      run: () => flatten(tensors, vector),
      ceiling: within,
      target: TARGET,
    },
    {
      name: "unflatten",
      vectors: 2,
      run: () => unflatten(vector, tensors),
      ceiling: within,
      target: TARGET,
    },
    {
      name: "flatten from elsewhere",
      vectors: 2,
      run: () => flatten(elsewhere, vector),
      ceiling: from,
    },
    {
      name: "unflatten to elsewhere",
      vectors: 2,
      run: () => unflatten(vector, elsewhere),
      ceiling: to,
    },
    {
      name: "fold",
      vectors: 3,
      run: () => fold(vector, other, 1e-6),
      ceiling: within,
      target: TARGET,
    },
    {
      name: "blend",
      vectors: 3,
      run: () => blend(vector, other, 0.5),
      ceiling: within,
      target: TARGET,
    },
  ];
  const times = await measure([within, from, to, ...cases], signal);
  const figures = (work: Work) => ({
    bytes: work.vectors * vector.byteLength,
    times: times.get(work) ?? [],
  });
  return [
    ...cases.map((one) => rateResult(one.name, figures(one), figures(one.ceiling), one.target)),
    ...await exactBench(signal),
  ];
}
