/**
 * Speed and memory of simulations, each in a process of its own.
 *
 * @module
 */

import { withProcess } from "../helpers/process.ts";
import { type BenchOptions, type BenchResult, median, mostResult } from "../result.ts";

const REPETITIONS = 3;

/** Output of `processes/sim_run.ts`. */
interface SimRun {
  readonly seconds: number;
  readonly roundMillis: readonly number[];
  readonly peakMegabytes: number;
}

/**
 * Measures logistic regression of 1,000 clients for 100 rounds with start and evaluations, rounds
 * per second of the 2NN with 100 clients, and the memory of 10,000 clients. All train on MNIST,
 * which is read from `mnist` in the folder that FEDLAB_DATA names, `../shared/data` by default.
 */
export async function simBench({ seed, signal }: BenchOptions): Promise<BenchResult[]> {
  const run = async (...args: (string | number)[]): Promise<SimRun> => {
    const module = new URL("../processes/sim_run.ts", import.meta.url);
    const output = await withProcess(
      module,
      [...args, seed],
      { signal },
      ({ output }) => output,
    );
    return JSON.parse(output) as SimRun;
  };
  const logistic: number[] = [], rounds: number[] = [];
  for (let i = 0; i < REPETITIONS; i++) {
    logistic.push((await run("lr", 1000, 10, 0.03, 100, 10)).seconds * 1000);
    rounds.push(...(await run("2nn", 100, 10, 0.1, 20, 1)).roundMillis);
  }
  const { peakMegabytes } = await run("lr", 10_000, 100, 0.03, 100, 10);
  const WANTED = 5;
  const rate = 1000 / Math.min(...rounds);
  return [
    mostResult("lr, 1,000 clients, 100 rounds", logistic, { unit: "ms", most: 5000 }),
    {
      name: "2nn, 100 clients, C=0.1, E=1, B=10",
      unit: "rounds/s",
      value: rate,
      ceiling: WANTED,
      ratio: rate / WANTED,
      min: Math.min(...rounds),
      median: median(rounds),
      target: 1,
    },
    mostResult("lr, 10,000 clients, peak memory", [peakMegabytes], { unit: "MB", most: 700 }),
  ];
}
