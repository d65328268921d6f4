import type { Graph } from "./graph/graph.ts";

/** Layers that compute each step by itself, beside recurrent ones. */
const BY_STEP: ReadonlySet<string> = new Set([
  ...["embedding", "dense", "activation", "dropout", "layerNorm", "add"],
]);

/** Steps of the sequences of a batch that are computed: those behind the last label need not be. */
export interface Extent {
  /** Number of the first steps. */
  steps: number;
}

/**
 * Returns true if each layer of a graph gives an output for each step that depends on no later
 * step.
 */
export function isCausal({ nodes }: Graph): boolean {
  const steps = nodes[0]?.shape[0];
  return nodes.slice(1).every(({ layer, shape }) =>
    shape.length === 2 && shape[0] === steps &&
    (layer.type === "recurrent"
      ? layer.returnSequences && !layer.backwards
      : BY_STEP.has(layer.type))
  );
}

/** Returns the number of steps up to the last one with a label, 1 at least, of any row. */
export function labelledSteps(labels: ArrayLike<number>, rows: number, steps: number): number {
  let last = 1;
  for (let row = 0; row < rows; row++) {
    for (let step = steps; step > last; step--) {
      if ((labels[row * steps + step - 1] ?? -1) < 0) continue;
      last = step;
    }
  }
  return last;
}
