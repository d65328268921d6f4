import {
  DEFAULT_PLAN,
  initialParameters,
  loadDataset,
  type Manifest,
  modelByName,
  type ModelDescription,
  NativeSGDHandler,
  type ParameterVector,
  type TrainPlan,
} from "../../mod.ts";
import { Random } from "../../src/base/random.ts";
import type { Dataset } from "../../src/data/dataset.ts";

/** Names of the data sets that are attacked. */
export const TASKS = ["digits", "mnist"] as const;
/** Name of a data set. */
export type TaskName = typeof TASKS[number];

/** Federation that is attacked: data, its parts, and the model before training. */
export interface AttackTask {
  readonly name: TaskName;
  readonly seed: number;
  /** Data of the clients. */
  readonly train: Dataset;
  /** Data of nobody. */
  readonly others: Dataset;
  readonly model: ModelDescription;
  readonly manifest: Manifest;
  readonly initial: ParameterVector;
  /** Number of clients, and of clients in a round. */
  readonly clients: number;
  readonly cohort: number;
  readonly rounds: number;
  /** Rows of `train` of each client. */
  readonly parts: readonly number[][];
}

/** Samples of a client. */
const SAMPLES = 4;

/** Loads a task: data, and a model of dense layers. */
export async function loadTask(name: TaskName, seed: number): Promise<AttackTask> {
  const isSmall = name === "digits";
  const { train: all, test } = await loadDataset(name);
  const clients = isSmall ? 250 : 1000, cohort = clients / 10;
  const rows = new Random(seed, "test", { round: 1 }).permutation(all.length);
  const own = [...rows.subarray(0, SAMPLES * clients)];
  const others = isSmall
    ? all.select([...rows.subarray(own.length)])
    : (test ?? all).select(Array.from({ length: 1000 }, (_, i) => i));
  const train = all.select(own);
  const shape = { inputShape: train.shape, numClasses: train.numClasses };
  const model = modelByName(isSmall ? "mlp" : "2nn", shape);
  const { manifest, parameters: initial } = await initialParameters(model, seed);
  const parts = Array.from(
    { length: clients },
    (_, i) => Array.from({ length: SAMPLES }, (_, j) => i * SAMPLES + j),
  );
  return {
    ...{ name, seed, train, others, model, manifest, initial },
    ...{ clients, cohort, rounds: 30, parts },
  };
}

/** Trains a client from a vector and returns the change. */
export async function updateOf(
  { model, train, seed }: AttackTask,
  from: ParameterVector,
  rows: readonly number[],
  plan: Partial<TrainPlan>,
): Promise<ParameterVector> {
  await using handler = new NativeSGDHandler({ data: train, rows: Uint32Array.from(rows) });
  await handler.setUp(model);
  handler.parameters = from;
  await handler.train({ ...DEFAULT_PLAN, round: 1, rank: 1, seed, ...plan });
  return handler.parameters.map((value, i) => value - (from[i] ?? 0));
}
