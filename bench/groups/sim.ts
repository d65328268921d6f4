/**
 * Speed and memory of simulations, each in a process of its own.
 *
 * @module
 */

import { withProcess } from "../helpers/process.ts";
import { type BenchOptions, type BenchResult, median, mostResult } from "../result.ts";

const REPETITIONS = 3;
/** Rounds in which code is still compiled. */
const WARM_UP = 50;

/** Milliseconds of rounds by the number of threads. */
type ByThreads = Record<1 | 2, number[]>;

/** Output of `processes/sim_run.ts`. */
interface SimRun {
  readonly seconds: number;
  readonly roundMillis: readonly number[];
  readonly peakMegabytes: number;
}

/** Clients of a round whose jobs are of one step. */
const SHORT_JOBS = 100;

/**
 * Measures logistic regression of 1,000 clients for 100 rounds with start and evaluations, its
 * speed on two threads beside that on one, also for jobs of one step, rounds per second of the 2NN
 * with 100 clients, and the memory of 10,000 clients. All train on MNIST, which is read from
 * `mnist` in the folder that FEDLAB_DATA names, `../shared/data` by default.
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
  const middle: ByThreads = { 1: [], 2: [] }, short: ByThreads = { 1: [], 2: [] };
  const logistic: number[] = [], rounds: number[] = [];
  for (let i = 0; i < REPETITIONS; i++) {
    logistic.push((await run("lr", 1000, 10, 0.03, 100, 10, 0)).seconds * 1000);
    rounds.push(...(await run("2nn", 100, 10, 0.1, 20, 1, 0)).roundMillis);
    for (const threads of [1, 2] as const) {
      const all = 300;
      middle[threads].push(
        ...(await run("lr", 1000, 10, 0.03, all, all, threads)).roundMillis.slice(WARM_UP, -1),
      );
      short[threads].push(
        ...(await run("lr", 10_000, SHORT_JOBS, 0.03, all, all, threads)).roundMillis
          .slice(WARM_UP, -1),
      );
    }
  }
  const { peakMegabytes } = await run("lr", 10_000, 100, 0.03, 100, 10, 0);
  const WANTED = 5;
  const rate = 1000 / Math.min(...rounds);
  return [
    mostResult("lr, 1,000 clients, 100 rounds", logistic, { unit: "ms", most: 125 }),
    twoThreads("lr on MNIST, two threads of one", middle, 1.6),
    twoThreads("lr, jobs of one step, two threads of one", short, 1.2),
    mostResult(
      "lr, job of one step",
      short[2].map((millis) => 1000 * millis / SHORT_JOBS),
      { unit: "µs", most: 20 },
    ),
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

/** Compares rounds on two threads with those on one. */
function twoThreads(name: string, millis: ByThreads, target: number): BenchResult {
  const rate = (times: readonly number[]) => 1000 / median(times);
  return {
    name,
    unit: "rounds/s",
    value: rate(millis[2]),
    ceiling: rate(millis[1]),
    ratio: rate(millis[2]) / rate(millis[1]),
    min: Math.min(...millis[2]),
    median: median(millis[2]),
    target,
  };
}
