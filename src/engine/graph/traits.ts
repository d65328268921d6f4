import { type Graph, UnsupportedModelError } from "./graph.ts";

/** Returns true if a weight that has a gradient is frozen. */
export function hasFrozen({ nodes, manifest }: Graph): boolean {
  return nodes.some(({ parameters }) =>
    parameters.some(({ role, tensor }) =>
      !role.startsWith("moving") && manifest.tensors[tensor]?.trainable === false
    )
  );
}

/**
 * Most rows that are computed at once, in training and in evaluation: more take memory and gain
 * nothing. A recurrent layer keeps the values of all steps of each row.
 */
const MOST_ROWS = 256, MOST_SEQUENCES = 64;

/** Returns the most rows of a graph that are computed at once. */
export function mostRows({ nodes }: Graph): number {
  const isRecurrent = nodes.some(({ layer }) =>
    layer.type === "recurrent" || layer.type === "bidirectional"
  );
  return isRecurrent ? MOST_SEQUENCES : MOST_ROWS;
}

/** Returns true if a layer mixes the rows of a batch in training. */
export function mixesRows({ nodes }: Graph): boolean {
  return nodes.some(({ layer }) => layer.type === "batchNorm" && !layer.frozen);
}

/**
 * Throws an `UnsupportedModelError` if a layer mixes the rows of a batch, or a row has many labels.
 */
export function checkRowsApart(graph: Graph): void {
  if ((graph.nodes.at(-1)?.shape.length ?? 1) > 1) {
    throw new UnsupportedModelError(
      "Cannot clip the gradient of each row: expected a model with one output of a row, got one with an output at each step",
    );
  }
  if (!mixesRows(graph)) return;
  throw new UnsupportedModelError(
    "Cannot clip the gradient of each row: expected layers that look at one row alone, got one that looks at the whole batch, such as BatchNorm",
  );
}
