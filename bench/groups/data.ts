/**
 * Speed and memory of reading a table.
 *
 * @module
 */

import { Papa } from "../deps.ts";
import { readTable } from "../../src/data/formats/read_table.ts";
import { type NumberCsv, writeNumberCsv } from "../helpers/number_csv.ts";
import { withProcess } from "../helpers/process.ts";
import { type BenchOptions, type BenchResult, mostResult, rateResult } from "../result.ts";

const FILE_BYTES = 100_000_000;
const REPETITIONS = 5;

/**
 * Measures a CSV file of 100 MB with 20 columns of numbers, in a folder for temporary files.
 *
 * Speed: bytes per second of reading the file into columns of numbers. Ceiling: papaparse parses
 * the text, in memory already, into arrays of strings. Memory: peak resident memory of a process
 * that makes a data set of the file, minus the peak with a file of one row, in multiples of the
 * features. Ceiling: 4.
 */
export async function* dataBench({ signal }: BenchOptions): AsyncGenerator<BenchResult> {
  const folder = await Deno.makeTempDir();
  try {
    const file = await writeNumberCsv(`${folder}/numbers.csv`, FILE_BYTES);
    const small = await writeNumberCsv(`${folder}/small.csv`, 1);
    yield speed(file, signal);
    yield memory(file, small, signal);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function speed({ path, bytes, rows }: NumberCsv, signal: AbortSignal): Promise<BenchResult> {
  const own: number[] = [], papa: number[] = [];
  const text = await Deno.readTextFile(path);
  for (let repetition = 0; repetition < REPETITIONS; repetition++) {
    signal.throwIfAborted();
    own.push(await millis(async () => check((await readTable(path)).length, rows)));
    papa.push(
      await millis(() => check(Papa.parse(text, { delimiter: "," }).data.length, rows + 2)),
    );
  }
  return rateResult("data csv", { bytes, times: own }, { bytes, times: papa }, 0.5);
}

async function memory(
  file: NumberCsv,
  small: NumberCsv,
  signal: AbortSignal,
): Promise<BenchResult> {
  const module = new URL("../processes/read_csv.ts", import.meta.url);
  const peak = async ({ path }: NumberCsv) =>
    Number(await withProcess(module, [path], { signal }, ({ output }) => output));
  const features = 4 * file.rows * (file.columns - 1);
  const ratios: number[] = [];
  for (let repetition = 0; repetition < 3; repetition++) {
    ratios.push((await peak(file) - await peak(small)) / features);
  }
  return mostResult("data memory", ratios, { unit: "x", most: 4 });
}

async function millis(work: () => void | Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

function check(got: number, expected: number): void {
  if (got !== expected) throw new Error(`Cannot measure: expected ${expected} rows, got ${got}`);
}
