/**
 * Speed of training on sequences: steps of language models compared with the processor's peak, with
 * PyTorch and with tfjs.
 *
 * @module
 */

import { encoderForward, encoderOperations, LENGTHS, MINILM } from "../helpers/encoder_forward.ts";
import { generationRate } from "../helpers/generation_rate.ts";
import { loadPeak } from "../helpers/peak.ts";
import { processorMillis } from "../helpers/processor_time.ts";
import { type PyTorch, startPyTorch } from "../helpers/pytorch.ts";
import {
  nativeSequenceStep,
  operationsOf,
  type SequenceModel,
  tfjsSequenceStep,
} from "../helpers/sequence_step.ts";
import { tf } from "../../src/tfjs/deps.ts";
import { installTrainingKernels } from "../../src/tfjs/kernels/mod.ts";
import { type BenchOptions, type BenchResult, median } from "../result.ts";

const REPETITIONS = 9;
/** A step of tfjs takes seconds. */
const SLOW_REPETITIONS = 2;
const PEAK_ROUNDS = 1_000_000;
/** Operations of a round of the peak. */
const PEAK_OPERATIONS = 96;

/** Measurement of the engine, with the ratios that it should reach. */
interface Row {
  readonly model: SequenceModel;
  readonly batch: number;
  /** Steps per repetition. */
  readonly count: number;
  readonly ofPeak?: number;
  readonly ofPyTorch: number;
  readonly ofTfjs?: number;
}

const COMMON = { cell: "lstm", layers: 2, units: 256, symbols: 90, steps: 80 } as const;

const ROWS: readonly Row[] = [
  { model: COMMON, batch: 10, count: 2, ofPeak: 0.75, ofPyTorch: 0.6, ofTfjs: 15 },
  { model: { ...COMMON, symbols: 258 }, batch: 10, count: 2, ofPyTorch: 0.6 },
  { model: COMMON, batch: 50, count: 1, ofPeak: 0.75, ofPyTorch: 0.55 },
  { model: { ...COMMON, layers: 1, units: 128 }, batch: 10, count: 15, ofPyTorch: 0.6, ofTfjs: 15 },
  { model: { ...COMMON, cell: "gru" }, batch: 10, count: 2, ofPyTorch: 1 },
];

/** Work that is timed. */
interface Work {
  /** Runs a repetition and returns the milliseconds of processor time of a step. */
  time(): number | Promise<number>;
  /** Number of repetitions. */
  readonly repetitions: number;
}

/** Makes work that runs in this process, of which each repetition takes `count` steps. */
function workHere(step: () => void, count: number, repetitions = REPETITIONS): Work {
  const time = () => {
    const start = processorMillis();
    for (let i = 0; i < count; i++) step();
    return (processorMillis() - start) / count;
  };
  return { time, repetitions };
}

/**
 * Runs the works in turns, so that a slow moment of the machine affects all of them, and keeps the
 * milliseconds of a step of each.
 */
async function measure(works: readonly Work[], signal: AbortSignal): Promise<Map<Work, number[]>> {
  const times = new Map(works.map((work) => [work, new Array<number>()]));
  for (let repetition = -1; repetition < REPETITIONS; repetition++) {
    for (const [work, ofWork] of times) {
      if (repetition >= work.repetitions) continue;
      // Lets the process hear that it should end.
      await new Promise((resolve) => setTimeout(resolve));
      signal.throwIfAborted();
      const millis = await work.time();
      // The first time warms up.
      if (repetition >= 0) ofWork.push(millis);
    }
  }
  return times;
}

/**
 * Measures the vectors of a batch of texts, whose tokens are packed, beside PyTorch, which pads them
 * to the longest text.
 */
async function encoderRows(
  pytorch: PyTorch,
  runPeak: (rounds: number, seed: number) => number,
  signal: AbortSignal,
): Promise<BenchResult[]> {
  const peak = workHere(() => void runPeak(PEAK_ROUNDS, 1.5), 5);
  const own = workHere(encoderForward(LENGTHS), 2);
  const { layers, width, heads, inner } = MINILM;
  const name = ["bert", layers, width, heads, inner, Math.max(...LENGTHS)].join("-");
  const rows = LENGTHS.length;
  const padded: Work = {
    time: () => pytorch.time("evaluate", name, { rows, count: 1 }),
    repetitions: REPETITIONS,
  };
  const times = await measure([own, peak, padded], signal);
  const least = (work: Work) => Math.min(...times.get(work) ?? []);
  const row = (
    what: string,
    unit: string,
    [value, ceiling]: [number, number],
    target?: number,
  ): BenchResult => ({
    name: `forward of MiniLM, ${rows} texts, of ${what}`,
    ...{ unit, value, ceiling, ratio: value / ceiling, target },
    ...{ min: least(own), median: median(times.get(own) ?? []) },
  });
  const operations = encoderOperations(LENGTHS);
  const peakRate = PEAK_OPERATIONS * PEAK_ROUNDS / least(peak) / 1e6;
  const texts = (work: Work) => 1000 * rows / least(work);
  return [
    row("peak", "GFLOP/s", [operations / least(own) / 1e6, peakRate]),
    row(`padded PyTorch ${pytorch.version}`, "texts/s", [texts(own), texts(padded)], 1),
  ];
}

/** A row with its work on the engine, and on tfjs as shipped where that is compared. */
interface Ready extends Row {
  readonly name: string;
  readonly own: Work;
  readonly shipped?: Work;
}

function ready(row: Row): Ready {
  const { model, batch, count } = row, { cell, layers, units, symbols } = model;
  const own = workHere(nativeSequenceStep(model, batch), count);
  const name = `${cell} ${layers}x${units}, ${symbols} symbols, batch ${batch}`;
  if (row.ofTfjs === undefined) return { ...row, name, own };
  return { ...row, name, own, shipped: onTfjs(row, { embeds: false }) };
}

function onTfjs({ model, batch }: Row, embeds: { embeds: boolean }): Work {
  return workHere(tfjsSequenceStep(model, batch, embeds), 1, SLOW_REPETITIONS);
}

function onPyTorch({ model, batch, count }: Row, pytorch: PyTorch): Work {
  const { cell, layers, units, symbols, steps } = model;
  const name = [cell, layers, units, symbols, steps].join("-");
  const time = async () => await pytorch.time("step", name, { rows: batch, count }) / count;
  return { time, repetitions: REPETITIONS };
}

/**
 * Measures steps of SGD on one thread, by processor time. The ratios of the rows: "of peak", the
 * operations of the matrix products per second to those of a loop of multiply-adds in registers; "of
 * PyTorch", steps per second to those of PyTorch on one thread, where it is installed; "of tfjs", to
 * those of tfjs on WASM as shipped, which is spared the embedding, since it lacks its gradient; "of
 * tfjs with kernels", to those of tfjs with this package's kernels. The last row is the speed of
 * texts that a model goes on with.
 */
export async function* sequencesBench({ signal }: BenchOptions): AsyncGenerator<BenchResult> {
  await using pytorch = await startPyTorch("pytorch_sequences.py");
  await tf.setBackend("wasm");
  const runPeak = loadPeak();
  for (let i = 0; i < 100; i++) runPeak(10_000, 1.5);
  const rows = ROWS.map(ready);
  const shipped = await measure(rows.flatMap(({ shipped }) => shipped ?? []), signal);
  installTrainingKernels();
  for (const row of rows) {
    const peak = workHere(() => void runPeak(PEAK_ROUNDS, 1.5), 5);
    const torch = pytorch && onPyTorch(row, pytorch);
    const kernels = row.shipped && onTfjs(row, { embeds: true });
    const works = [row.own, peak, torch, kernels].filter((work) => work !== undefined);
    const times = new Map([...shipped, ...await measure(works, signal)]);
    const least = (work: Work) => Math.min(...times.get(work) ?? []);
    const spread = { min: least(row.own), median: median(times.get(row.own) ?? []) };
    const beside = (
      what: string,
      unit: string,
      [value, ceiling]: [number, number],
      target?: number,
    ): BenchResult => ({
      ...spread,
      name: `${row.name}, of ${what}`,
      ...{ unit, value, ceiling, ratio: value / ceiling, target },
    });
    const steps = (what: string, other: Work, target?: number) =>
      beside(what, "steps/s", [1000 / least(row.own), 1000 / least(other)], target);
    const peakRate = PEAK_OPERATIONS * PEAK_ROUNDS / least(peak) / 1e6;
    const operations = operationsOf(row.model) * row.batch;
    const rate = operations / least(row.own) / 1e6;
    yield beside("peak", "GFLOP/s", [rate, peakRate], row.ofPeak);
    if (torch) yield steps(`PyTorch ${pytorch?.version}`, torch, row.ofPyTorch);
    if (row.shipped) yield steps("tfjs", row.shipped, row.ofTfjs);
    if (kernels) yield steps("tfjs with kernels", kernels);
  }
  if (pytorch) yield* await encoderRows(pytorch, runPeak, signal);
  yield generationRate();
}
