/**
 * Speed of local training: the engine's steps compared with the processor's peak and with tfjs.
 *
 * @module
 */

import type { Dataset } from "../../src/data/dataset.ts";
import { loadPeak } from "../helpers/peak.ts";
import { tf } from "../../src/tfjs/deps.ts";
import { installTrainingKernels } from "../../src/tfjs/kernels/mod.ts";
import { withProcess } from "../helpers/process.ts";
import { poolSteps } from "../helpers/pool_steps.ts";
import { type PyTorch, startPyTorch } from "../helpers/pytorch.ts";
import {
  DESCRIPTIONS,
  type ModelName,
  nativeEvaluation,
  nativeSteps,
  noise,
  PLAN,
  SHAPE,
  type WrittenData,
  writtenData,
} from "../helpers/step.ts";
import { type BenchOptions, type BenchResult, median, mostResult } from "../result.ts";

const REPETITIONS = 9;
/**
 * Useful floating-point operations per step and sample: the forward pass, and the gradients of the
 * weights and of all inputs but the first.
 */
const FLOPS: Readonly<Record<ModelName, number>> = {
  lr: 4 * 7840,
  "2nn": 2 * (2 * (156_800 + 40_000 + 2_000) + 42_000),
  cnn: 2 * (2 * 784 * 25 * 32 + 3 * (196 * 800 * 64 + 3136 * 512 + 5120)),
};

/** Timed work. */
interface Named {
  readonly name: string;
}

/** Work that consists of steps. */
interface Work extends Named {
  /** Steps per repetition. */
  readonly steps: number;
  /** Runs a repetition and returns its milliseconds. */
  time(): number | Promise<number>;
}

/** Makes work that runs in this thread. */
function workHere(name: string, steps: number, run: () => void): Work {
  const time = () => {
    const start = performance.now();
    run();
    return performance.now() - start;
  };
  return { name, steps, time };
}

/** Makes an evaluation of a model on images, and the same number of rows on PyTorch. */
function evaluation(
  model: "lr" | "2nn",
  { test, name }: Pick<WrittenData, "test" | "name">,
  pytorch: PyTorch | undefined,
): { work: Work; peer: Work[] } {
  const piece = 1000, pieces = 10;
  const judge = nativeEvaluation(model, test, { piece, pieces });
  const plain = `${model}, evaluation of ${piece * pieces} rows`;
  const time = () => pytorch?.time("evaluate", model, { rows: piece, count: pieces }) ?? NaN;
  const steps = piece * pieces;
  return {
    work: workHere(`${plain}, ${name}`, steps, judge),
    peer: pytorch ? [{ name: `${plain} on PyTorch`, steps, time }] : [],
  };
}

/** Makes steps of tfjs's optimizer in a plain loop, and steps of its `model.fit`. */
async function tfjs(
  model: ModelName,
  batch: number,
  steps: number,
  data: Dataset,
): Promise<{ loop: Work; fit: Work }> {
  const { topology } = DESCRIPTIONS[model];
  const layers = await tf.models.modelFromJSON(
    topology as Parameters<typeof tf.models.modelFromJSON>[0],
  ) as tf.LayersModel;
  const rows = batch * steps;
  const x = tf.tensor(data.features.subarray(0, rows * 784), [rows, ...SHAPE]);
  const y = tf.oneHot(tf.tensor1d(data.labels.subarray(0, rows), "int32"), 10);
  const [firstX, firstY] = [x.slice(0, batch), y.slice(0, batch)];
  const optimizer = tf.train.sgd(PLAN.learningRate);
  const loss = (labels: tf.Tensor, logits: tf.Tensor) =>
    tf.losses.softmaxCrossEntropy(labels, logits) as tf.Scalar;
  const step = () => loss(firstY, layers.apply(firstX, { training: true }) as tf.Tensor);
  const loop = workHere(`${model} in a loop of tfjs, batch ${batch}`, steps, () => {
    for (let i = 0; i < steps; i++) tf.tidy(() => void optimizer.minimize(step));
  });
  layers.compile({ optimizer, loss });
  const time = async () => {
    const start = performance.now();
    await layers.fit(x, y, { batchSize: batch, epochs: 1, verbose: 0 });
    return performance.now() - start;
  };
  return { loop, fit: { name: `${model} by fit() of tfjs, batch ${batch}`, steps, time } };
}

/**
 * Runs the works in turns, so that a slow moment of the machine affects all of them.
 *
 * @returns The milliseconds per step of each.
 */
async function measure(works: readonly Work[], signal: AbortSignal): Promise<Map<Work, number[]>> {
  const times = new Map(works.map((work) => [work, new Array<number>()]));
  for (let repetition = -1; repetition < REPETITIONS; repetition++) {
    for (const [work, ofWork] of times) {
      // Lets the process hear that it should end.
      await new Promise((resolve) => setTimeout(resolve));
      signal.throwIfAborted();
      const millis = await work.time();
      // The first time warms up.
      if (repetition >= 0) ofWork.push(millis / work.steps);
    }
  }
  return times;
}

/** Measurement of the engine, with the ratios to the peak or to PyTorch that it should reach. */
interface Row {
  readonly model: ModelName;
  readonly batch: number;
  readonly steps: number;
  readonly ofPeak?: number;
  readonly ofPyTorch?: number;
  /** Uses handwritten images, whose pixels are mostly black, in place of noise. */
  readonly written?: boolean;
}

const ROWS_OF_DENSE: readonly Row[] = [
  { model: "lr", batch: 10, steps: 5000, ofPyTorch: 10 },
  { model: "2nn", batch: 10, steps: 300, ofPyTorch: 1.6 },
  { model: "2nn", batch: 50, steps: 100, ofPeak: 0.7, ofPyTorch: 0.85 },
  { model: "2nn", batch: 600, steps: 10, ofPeak: 0.7 },
  { model: "2nn", batch: 10, steps: 300, ofPyTorch: 2.5, written: true },
  { model: "2nn", batch: 50, steps: 100, ofPyTorch: 1.1, written: true },
];
const ROWS_OF_CNN: readonly Row[] = [
  { model: "cnn", batch: 10, steps: 5, ofPyTorch: 1.15 },
  { model: "cnn", batch: 50, steps: 2, ofPyTorch: 0.9 },
];

/**
 * Measures steps of SGD on one thread. The ratios of the rows: "of peak", useful operations per
 * second to those of a loop of multiply-adds in registers; "of tfjs", steps per second to those of
 * tfjs on WASM, as shipped or with this package's kernels; "of PyTorch", steps per second to those
 * of PyTorch on one thread, where it is installed.
 */
export async function trainBench({ signal }: BenchOptions): Promise<BenchResult[]> {
  await using pytorch = await startPyTorch();
  const random = noise(), written = await writtenData();
  await tf.setBackend("wasm");
  const runPeak = loadPeak();
  const PEAK_ROUNDS = 1_000_000;
  const peak = workHere("peak", PEAK_ROUNDS, () => runPeak(PEAK_ROUNDS, 1.5));
  for (let i = 0; i < 100; i++) runPeak(10_000, 1.5);

  const ready = ({ model, batch, steps, written: isWritten, ...row }: Row) => {
    const plain = `${model}, batch ${batch}`;
    const name = isWritten ? `${plain}, ${written.name}` : plain;
    const run = nativeSteps(model, batch, steps, isWritten ? written.data : random);
    const peer: Work[] = pytorch && row.ofPyTorch !== undefined
      ? [{
        name: `${plain} on PyTorch`,
        steps,
        time: () => pytorch.time("step", model, { rows: batch, count: steps }),
      }]
      : [];
    return { ...row, model, batch, peer, work: workHere(name, steps, run) };
  };
  const shipped = await tfjs("2nn", 10, 20, random);
  const dense = ROWS_OF_DENSE.map(ready);
  const evaluations = (["lr", "2nn"] as const).map((model) => evaluation(model, written, pytorch));
  const timed = [...dense, ...evaluations].flatMap(({ work, peer }) => [work, ...peer]);
  const first = await measure(
    [peak, shipped.loop, shipped.fit, ...timed],
    signal,
  );
  installTrainingKernels();
  const added = await tfjs("cnn", 10, 3, random);
  const convolutions = ROWS_OF_CNN.map(ready);
  const second = await measure(
    [added.loop, added.fit, ...convolutions.flatMap(({ work, peer }) => [work, ...peer])],
    signal,
  );

  // Two clients on a pool: both workers read the same data and parameters.
  const oneWorker = { name: "2nn, batch 10, one worker" };
  const twoWorkers = { name: "2nn, batch 10, two workers" };
  const times = new Map<Named, number[]>([
    ...first,
    ...second,
    [oneWorker, await poolSteps(1, signal)],
    [twoWorkers, await poolSteps(2, signal)],
  ]);
  const least = (work: Named) => Math.min(...times.get(work) ?? []);
  const spread = (work: Named) => ({ min: least(work), median: median(times.get(work) ?? []) });
  const peakRate = 96 / least(peak) / 1e6;
  const beside = (
    work: Named,
    other: Named,
    what: string,
    target?: number,
    unit = "steps/s",
  ): BenchResult => {
    const [value, ceiling] = [1000 / least(work), 1000 / least(other)];
    const name = `${work.name}, of ${what}`;
    return {
      ...spread(work),
      name,
      unit,
      value,
      ceiling,
      ratio: value / ceiling,
      target,
    };
  };
  const rows = [...dense, ...convolutions];
  const ofModel = (model: ModelName, batch: number) =>
    rows.find((row) => row.model === model && row.batch === batch)?.work ?? peak;
  return [
    ...rows.map(({ work, model, batch, ofPeak: target }) => {
      const value = FLOPS[model] * batch / least(work) / 1e6, ratio = value / peakRate;
      const name = `${work.name}, of peak`;
      return { ...spread(work), name, unit: "GFLOP/s", value, ceiling: peakRate, ratio, target };
    }),
    beside(ofModel("2nn", 10), shipped.fit, "tfjs's fit()", 20),
    beside(ofModel("2nn", 10), shipped.loop, "a loop of tfjs"),
    beside(ofModel("cnn", 10), added.fit, "tfjs's fit() with kernels", 8),
    beside(ofModel("cnn", 10), added.loop, "a loop of tfjs with kernels"),
    ...rows.flatMap(({ work, peer, ofPyTorch }) =>
      peer.map((other) => beside(work, other, `PyTorch ${pytorch?.version}`, ofPyTorch))
    ),
    ...evaluations.flatMap(({ work, peer }) =>
      peer.map((other) => beside(work, other, `PyTorch ${pytorch?.version}`, 0.9, "rows/s"))
    ),
    beside(twoWorkers, oneWorker, "one worker", 1.7),
    mostResult("lr, heap a step", await heapPerStep(signal), { unit: "bytes", most: 1 }),
  ];
}

/** Measures the bytes of JavaScript's heap per step, in a process of its own. */
async function heapPerStep(signal: AbortSignal): Promise<number[]> {
  const module = new URL("../processes/heap.ts", import.meta.url);
  return JSON.parse(await withProcess(module, [], { signal }, ({ output }) => output)) as number[];
}
