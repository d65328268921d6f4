import type { ModelDescription } from "../train/handler.ts";
import { readGraph } from "./graph/read_graph.ts";
import { initialVector } from "./initializers.ts";
import type { InitialParameters } from "./model_evaluator.ts";

/**
 * Builds the manifest and the initial state of a model that the native engine runs.
 *
 * @throws {UnsupportedModelError} If the kernels do not run the model.
 */
export function initialState(description: ModelDescription, seed: number): InitialParameters {
  const graph = readGraph(description);
  return { manifest: graph.manifest, parameters: initialVector(graph, seed) };
}
