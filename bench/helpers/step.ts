import { loadDataset } from "../../src/data/catalog/load.ts";
import { Dataset } from "../../src/data/dataset.ts";
import { Random } from "../../src/base/random.ts";
import type { TrainPlan } from "../../src/plan/train_plan.ts";
import { cnn, logisticRegression, twoNN } from "../../src/train/models/models.ts";
import { initialVector } from "../../src/engine/initializers.ts";
import { readGraph } from "../../src/engine/graph/read_graph.ts";
import { NativeTrainer } from "../../src/engine/trainer.ts";

/** Rows of the data that steps are measured on. */
export const ROWS = 1200;
/** Shape of a row. */
export const SHAPE = [28, 28, 1];

/** Settings of the training that is measured. */
export const PLAN: TrainPlan = {
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

const MODEL = { inputShape: SHAPE, numClasses: 10 };
/** Models that are measured. */
export const DESCRIPTIONS = {
  lr: logisticRegression(MODEL),
  "2nn": twoNN(MODEL),
  cnn: cnn(MODEL),
};
/** Names of the models. */
export type ModelName = keyof typeof DESCRIPTIONS;

/** Makes images of noise with the given share of pixels that are not black; MNIST has 0.19. */
export function noise(ink = 1): Dataset {
  const random = new Random(1, "initial-weights");
  const features = Float32Array.from(
    { length: ROWS * 784 },
    () => random.uint32() < ink * 2 ** 32 ? random.uint32() / 2 ** 32 : 0,
  );
  const labels = Int32Array.from({ length: ROWS }, () => random.uint32() % 10);
  return new Dataset(features, labels, SHAPE, 10);
}

/** Images that are mostly black, to measure steps and evaluations on. */
export interface WrittenData {
  /** As many rows as {@linkcode ROWS}. */
  readonly data: Dataset;
  /** Rows to evaluate, at least as many. */
  readonly test: Dataset;
  readonly name: string;
}

/** Loads MNIST's images, or makes noise with the same share of black where they are missing. */
export async function writtenData(): Promise<WrittenData> {
  const dataDir = Deno.env.get("FEDLAB_DATA") ?? "../shared/data";
  try {
    const { train, test = train } = await loadDataset("mnist", { dataDir });
    return { data: train.select(Array.from({ length: ROWS }, (_, i) => i)), test, name: "MNIST" };
  } catch {
    const data = noise(0.19);
    return { data, test: data, name: "19% ink" };
  }
}

/** Makes a function that takes the given number of steps on the engine. */
export function nativeSteps(
  model: ModelName,
  batch: number,
  steps: number,
  data: Dataset,
): () => void {
  const graph = readGraph(DESCRIPTIONS[model]);
  const trainer = NativeTrainer.create(graph, data.length);
  trainer.use(data);
  trainer.parameters = initialVector(graph, 1);
  trainer.begin(PLAN, batch);
  trainer.shuffle(Uint32Array.from({ length: ROWS }, (_, i) => (i * 7) % ROWS));
  const last = ROWS - batch;
  let start = 0;
  return () => {
    for (let i = 0; i < steps; i++) {
      trainer.step(start, start + batch);
      start = start + batch > last ? 0 : start + batch;
    }
  };
}

/** Makes a function that evaluates the given number of rows on the engine, piece by piece. */
export function nativeEvaluation(
  model: ModelName,
  data: Dataset,
  { piece, pieces }: { readonly piece: number; readonly pieces: number },
): () => void {
  const graph = readGraph(DESCRIPTIONS[model]);
  const trainer = NativeTrainer.create(graph, 0);
  trainer.parameters = initialVector(graph, 1);
  return () => {
    for (let i = 0; i < pieces; i++) {
      const start = i * piece % (data.length - piece + 1);
      trainer.judge(data, start, start + piece);
    }
  };
}
