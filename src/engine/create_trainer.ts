import { checkFit, needDescription } from "../train/fit.ts";
import type { LossName, ModelDescription } from "../train/handler.ts";
import { checkSampleValues } from "../train/models/model_limits.ts";
import type { SamplesOptions } from "../train/samples.ts";
import { readGraph } from "./graph/read_graph.ts";
import { initialVector } from "./initializers.ts";
import { areBytes } from "./resident_rows.ts";
import { NativeTrainer } from "./trainer.ts";

/** Seed of the weights that a handler has before `parameters` is set. */
const STAND_ALONE_SEED = 0;

/**
 * Builds the described model on the native kernels.
 *
 * @throws {TypeError} If there is no description.
 * @throws {UnsupportedModelError} If the kernels do not run the model.
 * @throws {RangeError} If the data does not fit the model, or the model is too large.
 */
export function createNativeTrainer(
  description: ModelDescription | undefined,
  { data, rows, testData = data }: SamplesOptions,
  loss: LossName,
): NativeTrainer {
  const graph = readGraph({ ...needDescription(description), loss });
  const input = graph.nodes[0]?.shape ?? [], output = graph.nodes.at(-1)?.shape ?? [];
  checkSampleValues(graph.nodes);
  for (const dataset of new Set([data, testData])) checkFit(input, output, dataset, loss);
  const trainer = NativeTrainer.create(graph, (rows ?? data).length, {
    train: areBytes(data),
    judge: areBytes(testData),
  });
  trainer.parameters = initialVector(graph, STAND_ALONE_SEED);
  return trainer;
}
