/**
 * Speed of the parameter kernels beside a plain copy of the same vector in the same memory.
 *
 * @module
 */

import { blend, flatten, fold, Kernels, unflatten } from "../src/params/kernels.ts";
import type { BenchResult } from "./result.ts";

const VALUES = 25_000_000;
const TENSORS = 50;
const REPETITIONS = 25;

interface Case {
  name: string;
  /** Bytes read and written, in vectors. */
  vectors: number;
  run(): void;
}

/** Lengths that add up to `total`, all odd but the last, the largest 99 times the smallest. */
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

function median(times: number[]): number {
  return times.toSorted((a, b) => a - b)[times.length >> 1] ?? NaN;
}

/** Runs the cases in turn, so that a slow spell of the machine meets all of them. */
function measure(cases: readonly Case[]): number[][] {
  for (const { run } of [...cases, ...cases]) run();
  const times = cases.map((): number[] => []);
  for (let repetition = 0; repetition < REPETITIONS; repetition++) {
    for (const [i, { run }] of cases.entries()) {
      const start = performance.now();
      run();
      times[i]?.push(performance.now() - start);
    }
  }
  return times;
}

/** 25 million values in 50 tensors: flatten, unflatten, fold and blend, each against a plain copy of the vector. */
export function paramsBench(): Promise<BenchResult[]> {
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

  const [copy, ...cases]: [Case, ...Case[]] = [
    { name: "copy", vectors: 2, run: () => other.set(vector) },
    { name: "flatten", vectors: 2, run: () => flatten(tensors, vector) },
    { name: "unflatten", vectors: 2, run: () => unflatten(vector, tensors) },
    { name: "flatten from elsewhere", vectors: 2, run: () => flatten(elsewhere, vector) },
    { name: "unflatten to elsewhere", vectors: 2, run: () => unflatten(vector, elsewhere) },
    { name: "fold", vectors: 3, run: () => fold(vector, other, 1e-6) },
    { name: "blend", vectors: 3, run: () => blend(vector, other, 0.5) },
  ];
  const [copyTimes = [], ...times] = measure([copy, ...cases]);
  const rate = (vectors: number, time: number) => vectors * vector.byteLength / time / 1e6;
  const ceiling = rate(copy.vectors, Math.min(...copyTimes));
  return Promise.resolve(cases.map(({ name, vectors }, i) => {
    const min = Math.min(...times[i] ?? []);
    const value = rate(vectors, min);
    return {
      name: `${name} (${kernels.build})`,
      unit: "GB/s",
      value,
      ceiling,
      ratio: value / ceiling,
      min,
      median: median(times[i] ?? []),
    };
  }));
}

if (import.meta.main) console.table(await paramsBench());
