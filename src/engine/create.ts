import { checkSampleValues } from "../train/models/model_limits.ts";
import { checkFit, needDescription } from "../train/fit.ts";
import type { LossName, ModelDescription } from "../train/handler.ts";
import type { SGDHandlerOptions } from "../train/sgd_handler.ts";
import { initialVector } from "./initializers.ts";
import { readGraph } from "./graph/read_graph.ts";
import { NativeTrainer } from "./trainer.ts";

/** Seed of the weights that a handler has before anyone sets them. */
const STAND_ALONE_SEED = 0;

/**
 * Builds the described model on our own kernels.
 *
 * Throws a `TypeError` without a description, an `UnsupportedModelError` for a model that the kernels do not run, and a `RangeError`
 * for data that do not fit it, and for a model that is too large.
 */
export function createNativeTrainer(
  description: ModelDescription | undefined,
  { data, rows, testData = data }: SGDHandlerOptions,
  loss: LossName,
): NativeTrainer {
  const graph = readGraph({ ...needDescription(description), loss });
  const input = graph.nodes[0]?.shape ?? [], output = graph.nodes.at(-1)?.shape ?? [];
  checkSampleValues(graph.nodes);
  for (const one of new Set([data, testData])) checkFit(input, output, one, loss);
  const trainer = NativeTrainer.create(graph, (rows ?? data).length);
  trainer.parameters = initialVector(graph, STAND_ALONE_SEED);
  return trainer;
}
