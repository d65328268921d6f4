import { checkWords, type Words } from "../../train/words.ts";
import { type Graph, type Layer, type Node, UnsupportedModelError } from "../graph/graph.ts";
import { clippedOp } from "./clip.ts";
import { at, type Op, type OpContext } from "./op.ts";

/** Embedding of integers `[length]` to `[length, outputDim]`: each selects a row of a table. */
export function embeddingOp(
  context: OpContext,
  { inputDim, outputDim }: Layer & { type: "embedding" },
): Op {
  const { exports, target, output, outputGradient: dy } = context;
  const { at: x, length } = at(context.inputs, 0), table = at(context.parameters, 0).at;
  return {
    forward(rows) {
      exports.embedding_forward(x, table, output.at, rows * length, inputDim, outputDim);
    },
    backward(rows) {
      const { distance, add } = target;
      const to = table + distance;
      exports.embedding_gradient(x, dy, to, rows * length, inputDim, outputDim, add);
    },
    ...clippedOp(context, {
      length: 0,
      backward() {},
      gradient(rows) {
        const to = table + target.distance;
        exports.embedding_gradient(x, dy, to, rows * length, inputDim, outputDim, 1);
      },
      squares: (rows, to) => exports.embedding_squares(x, dy, rows, length, outputDim, to),
      gradientOfRow() {},
    }),
  };
}

/** Returns true if a node is the input, or a reshape of it. */
function isInput(nodes: readonly Node[], index: number): boolean {
  const { layer, inputs } = at(nodes, index);
  return layer.type === "input" || (layer.type === "reshape" && isInput(nodes, at(inputs, 0)));
}

/**
 * Checks that all embeddings read the model's input, whose values can be checked.
 *
 * @throws {UnsupportedModelError} If one reads another node.
 */
export function checkEmbeddings({ nodes }: Graph): void {
  for (const { layer, name, inputs } of nodes) {
    if (layer.type !== "embedding" || isInput(nodes, at(inputs, 0))) continue;
    throw new UnsupportedModelError(
      `Cannot run layer ${name}: the native engine embeds nothing but the model's input`,
    );
  }
}

/**
 * Checks that the values of the data are rows of the tables of all embeddings, and that no step of
 * padding has a class.
 *
 * @throws {RangeError} If a value is not, or one has.
 */
export function checkGraphWords({ nodes }: Graph, data: Words): void {
  for (const { layer, name } of nodes) {
    if (layer.type === "embedding") checkWords({ ...layer, name }, data);
  }
}
