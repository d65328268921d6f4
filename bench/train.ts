/**
 * Speed of local training: the engine's steps beside the processor's peak, and beside tfjs on the same work.
 *
 * @module
 */

import { Dataset } from "../src/data/dataset.ts";
import { Random } from "../src/random.ts";
import type { TrainPlan } from "../src/train/handler.ts";
import { cnn, logisticRegression, twoNN } from "../src/train/models.ts";
import { initialVector } from "../src/train/native/_initializers.ts";
import { createEngineArena } from "../src/train/native/_kernels.ts";
import { readGraph } from "../src/train/native/_read_graph.ts";
import { NativeTrainer } from "../src/train/native/trainer.ts";
import { tf } from "../src/train/tfjs/deps.ts";
import { installTrainingKernels } from "../src/train/tfjs_kernels/mod.ts";
import { type BenchOptions, type BenchResult, median, mostResult } from "./result.ts";

const REPETITIONS = 9;
const ROWS = 1200;
const SHAPE = [28, 28, 1];
const MODEL = { inputShape: SHAPE, numClasses: 10 };
const PLAN: TrainPlan = {
  round: 1,
  epochs: 1,
  batchSize: 10,
  learningRate: 1e-3,
  momentum: 0,
  weightDecay: 0,
  keepMomentum: false,
  seed: 1,
  rank: 1,
};
const DESCRIPTIONS = { lr: logisticRegression(MODEL), "2nn": twoNN(MODEL), cnn: cnn(MODEL) };
type ModelName = keyof typeof DESCRIPTIONS;

/** Useful floating-point operations of a step, a sample: forward, gradient of the weights, and of the inputs but the first. */
const FLOPS: Readonly<Record<ModelName, number>> = {
  lr: 4 * 7840,
  "2nn": 2 * (2 * (156_800 + 40_000 + 2_000) + 42_000),
  cnn: 2 * (2 * 784 * 25 * 32 + 3 * (196 * 800 * 64 + 3136 * 512 + 5120)),
};

/** Work of which the unit is one step. */
interface Work {
  readonly name: string;
  /** Steps a repetition. */
  readonly steps: number;
  run(): void;
}

/** Images of noise of which the given share is not black: 0.19 is that of MNIST's. */
function randomData(ink = 1): Dataset {
  const random = new Random(1, "initial-weights");
  const features = Float32Array.from(
    { length: ROWS * 784 },
    () => random.uint32() < ink * 2 ** 32 ? random.uint32() / 2 ** 32 : 0,
  );
  const labels = Int32Array.from({ length: ROWS }, () => random.uint32() % 10);
  return new Dataset(features, labels, SHAPE, 10);
}

function native(model: ModelName, batch: number, steps: number, data: Dataset): Work {
  const graph = readGraph(DESCRIPTIONS[model]);
  const trainer = NativeTrainer.create(graph, data, data);
  trainer.parameters = initialVector(graph, 1);
  trainer.begin(PLAN, batch);
  trainer.shuffle(Uint32Array.from({ length: ROWS }, (_, i) => (i * 7) % ROWS));
  const last = ROWS - batch;
  let start = 0;
  const run = () => {
    for (let i = 0; i < steps; i++) {
      trainer.step(start, start + batch);
      start = start + batch > last ? 0 : start + batch;
    }
  };
  return { name: `${model}, batch ${batch}`, steps, run };
}

/** A step as a user of tfjs writes it, with the optimizer of the library. */
async function tfjs(model: ModelName, batch: number, steps: number, data: Dataset): Promise<Work> {
  const { topology } = DESCRIPTIONS[model];
  const layers = await tf.models.modelFromJSON(
    topology as Parameters<typeof tf.models.modelFromJSON>[0],
  ) as tf.LayersModel;
  const x = tf.tensor(data.features.subarray(0, batch * 784), [batch, ...SHAPE]);
  const y = tf.oneHot(tf.tensor1d(data.labels.subarray(0, batch), "int32"), 10);
  const optimizer = tf.train.sgd(PLAN.learningRate);
  const run = () => {
    for (let i = 0; i < steps; i++) {
      tf.tidy(() => {
        optimizer.minimize(() =>
          tf.losses.softmaxCrossEntropy(y, layers.apply(x, { training: true }) as tf.Tensor)
        );
      });
    }
  };
  return { name: `${model} on tfjs, batch ${batch}`, steps, run };
}

/** Does each in turn, so that a slow spell of the machine meets all of them; milliseconds a step of each. */
async function measure(works: readonly Work[], signal: AbortSignal): Promise<Map<Work, number[]>> {
  const times = new Map(works.map((work) => [work, new Array<number>()]));
  for (let repetition = -1; repetition < REPETITIONS; repetition++) {
    for (const [work, ofWork] of times) {
      // Lets the process hear that it should end.
      await new Promise((resolve) => setTimeout(resolve));
      signal.throwIfAborted();
      const start = performance.now();
      work.run();
      // The first time warms up.
      if (repetition >= 0) ofWork.push((performance.now() - start) / work.steps);
    }
  }
  return times;
}

/**
 * Steps of SGD on one thread. "of peak": useful operations a second beside those of a loop of multiply-adds in registers;
 * the others: steps a second beside those of tfjs on WASM, as it is shipped or with the kernels that this package adds.
 */
export async function trainBench({ signal }: BenchOptions): Promise<BenchResult[]> {
  const data = randomData();
  await tf.setBackend("wasm");
  const { exports } = createEngineArena(64);
  const PEAK_ROUNDS = 1_000_000;
  const peak: Work = {
    name: "peak",
    steps: PEAK_ROUNDS,
    run: () => exports.peak(PEAK_ROUNDS, 1.5),
  };
  for (let i = 0; i < 100; i++) exports.peak(10_000, 1.5);

  const shipped = await tfjs("2nn", 10, 20, data);
  const small = native("2nn", 10, 300, data);
  const dense = [
    native("lr", 10, 5000, data),
    native("2nn", 50, 100, data),
    native("2nn", 600, 10, data),
  ];
  const written = randomData(0.19);
  const sparse = [native("2nn", 10, 300, written), native("2nn", 50, 100, written)];
  const first = await measure([peak, shipped, small, ...dense, ...sparse], signal);
  installTrainingKernels();
  const added = await tfjs("cnn", 10, 2, data);
  const convolutions = [native("cnn", 10, 5, data), native("cnn", 50, 2, data)];
  const second = await measure([added, ...convolutions], signal);

  const times = new Map([...first, ...second]);
  const heap = Array.from({ length: 5 }, () => {
    const before = Deno.memoryUsage().heapUsed;
    dense[0]?.run();
    return Math.max(0, Deno.memoryUsage().heapUsed - before) / (dense[0]?.steps ?? 1);
  });
  const least = (work: Work) => Math.min(...times.get(work) ?? []);
  const peakRate = 96 / least(peak) / 1e6;
  const ofPeak = (work: Work, model: ModelName, batch: number, target?: number): BenchResult => {
    const value = FLOPS[model] * batch / least(work) / 1e6;
    const name = `${work.name}, of peak`;
    return {
      ...spread(work),
      name,
      unit: "GFLOP/s",
      value,
      ceiling: peakRate,
      ratio: value / peakRate,
      target,
    };
  };
  const beside = (work: Work, other: Work, target: number): BenchResult => {
    const [value, ceiling] = [1000 / least(work), 1000 / least(other)];
    return {
      ...spread(work),
      name: `${work.name}, of tfjs`,
      unit: "steps/s",
      value,
      ceiling,
      ratio: value / ceiling,
      target,
    };
  };
  const spread = (work: Work) => ({ min: least(work), median: median(times.get(work) ?? []) });
  const [lr, batch50, batch600] = dense, [cnn10, cnn50] = convolutions;
  return [
    ...(lr ? [ofPeak(lr, "lr", 10)] : []),
    ofPeak(small, "2nn", 10),
    ...(batch50 ? [ofPeak(batch50, "2nn", 50, 0.7)] : []),
    ...(batch600 ? [ofPeak(batch600, "2nn", 600, 0.7)] : []),
    ...(cnn10 ? [ofPeak(cnn10, "cnn", 10)] : []),
    ...(cnn50 ? [ofPeak(cnn50, "cnn", 50)] : []),
    ...sparse.map((work, i) => {
      const row = ofPeak(work, "2nn", i === 0 ? 10 : 50);
      return { ...row, name: `${work.name}, 19% ink` };
    }),
    mostResult("lr, heap a step", heap, { unit: "bytes", most: 1 }),
    beside(small, shipped, 20),
    ...(cnn10 ? [beside(cnn10, added, 8)] : []),
  ];
}
