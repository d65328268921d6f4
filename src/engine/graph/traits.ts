import type { Graph } from "./graph.ts";

/** Returns true if a weight that has a gradient is frozen. */
export function hasFrozen({ nodes, manifest }: Graph): boolean {
  return nodes.some(({ parameters }) =>
    parameters.some(({ role, tensor }) =>
      !role.startsWith("moving") && manifest.tensors[tensor]?.trainable === false
    )
  );
}

/** Returns true if a layer mixes the rows of a batch in training. */
export function mixesRows({ nodes }: Graph): boolean {
  return nodes.some(({ layer }) => layer.type === "batchNorm" && !layer.frozen);
}
