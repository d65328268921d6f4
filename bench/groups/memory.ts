/**
 * Memory of a server with many clients.
 *
 * @module
 */

import { withProcess } from "../helpers/process.ts";
import { type BenchOptions, type BenchResult, mostResult } from "../result.ts";

const CLIENTS = 32;
const SMALL_VALUES = 10;
const LARGE_VALUES = 10_000_000;
const REPETITIONS = 3;

/**
 * Measures three rounds over TCP with 32 clients that evaluate and do not train. The server has a
 * process of its own. Value: the server's peak resident memory with 10 million parameters (40 MB)
 * minus its peak with 10. Ceiling: 350 MB.
 */
export async function memoryBench(options: BenchOptions): Promise<BenchResult[]> {
  const peaks: number[] = [];
  for (let repetition = 0; repetition < REPETITIONS; repetition++) {
    peaks.push(await peakBytes(LARGE_VALUES, options) - await peakBytes(SMALL_VALUES, options));
  }
  const megabytes = peaks.map((peak) => peak / 1e6);
  return [mostResult("memory", megabytes, { unit: "MB", most: 350 })];
}

async function peakBytes(length: number, { seed, signal }: BenchOptions): Promise<number> {
  const module = new URL("../processes/memory_server.ts", import.meta.url);
  const args = [CLIENTS, length, seed];
  return Number(await withProcess(module, args, { signal }, ({ output }) => output));
}
