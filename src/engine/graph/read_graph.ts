import { Manifest, type TensorDeclaration } from "../../params/manifest.ts";
import { stableNames } from "../../train/naming.ts";
import type { ModelDescription } from "../../train/handler.ts";
import { checkCommon, type Config } from "./config.ts";
import { type Graph, type Layer, type Node, type Shape, UnsupportedModelError } from "./graph.ts";
import type { LayerPlan, WeightPlan } from "./layer_plan.ts";
import { LAYERS } from "./layers.ts";
import { readTopology } from "./topology.ts";

/**
 * Layers that hand the padding of their sequences on, beside recurrent ones with all their states.
 */
const KEEP_PADDING: ReadonlySet<string> = new Set([
  ...[
    "Activation",
    "Add",
    "Dense",
    "Dropout",
    "LayerNormalization",
    "LeakyReLU",
    "ReLU",
    "Softmax",
  ],
]);

/** Operations that leave out the padding of their sequences. */
const READ_PADDING: ReadonlySet<Layer["type"]> = new Set<Layer["type"]>([
  "recurrent",
  "bidirectional",
  "globalAveragePool",
]);

interface Weight extends WeightPlan {
  readonly layer: string;
  readonly node: number;
}

/**
 * Reads a layers model: a `Sequential` or a functional one with one input and one output. Names,
 * order, shapes and flags of the weights are those of tfjs, and so are the defaults of all options.
 *
 * @throws {UnsupportedModelError} If the engine lacks a layer or an option; the message names the
 * layer and the reason.
 * @throws {TypeError} If the description is malformed.
 * @throws {RangeError} If the model has more than 2^30 parameters.
 */
export function readGraph(description: ModelDescription): Graph {
  if (description.format !== "tfjs-layers") {
    throw new TypeError(
      `Cannot read the model: expected format tfjs-layers, got ${
        JSON.stringify(description.format)
      }`,
    );
  }
  const { layers, inputShape } = readTopology(description.topology);
  const nodes: Omit<Node, "parameters">[] = [];
  const weights: Weight[] = [];
  /** Index of the node of each layer's output: an earlier one, where the layer does nothing. */
  const outputs: number[] = [];
  /** Index of the node whose zeros are the padding of each layer's output. */
  const paddings: (number | undefined)[] = [];

  for (const { config, inputs } of layers) {
    checkCommon(config);
    const sources = inputs.map((layer) => outputs[layer] ?? 0);
    const plan = planLayer(config, sources.map((i) => nodes[i]?.shape ?? []), inputShape);
    const frozen = !config.boolean("trainable", true);
    weights.push(...plan.weights.map((weight) => ({
      ...weight,
      layer: config.name,
      node: nodes.length,
      trainable: weight.trainable && !frozen,
    })));
    const padding = inputs.map((layer) => paddings[layer]).find((node) => node !== undefined);
    const first = plan.operations[0];
    let before = first && READ_PADDING.has(first.type) && padding !== undefined
      ? [...sources, padding]
      : sources;
    for (const layer of plan.operations) {
      before = [nodes.push({ name: config.name, layer, inputs: before, shape: plan.shape }) - 1];
    }
    outputs.push(before[0] ?? 0);
    paddings.push(paddingAfter(config, first, sources[0], padding));
  }

  const ordered = [
    ...weights.filter(({ trainable }) => trainable),
    ...weights.filter(({ trainable }) => !trainable),
  ];
  const names = stableNames(ordered.map(({ layer, name }) => `${layer}/${name}`));
  const manifest = Manifest.of(ordered.map(({ shape, trainable }, i): TensorDeclaration => ({
    name: names[i] ?? "",
    shape,
    trainable,
  })));
  const places = new Map(ordered.map((weight, i) => [weight, i]));
  return {
    manifest,
    loss: description.loss,
    nodes: nodes.map((node, i) => ({
      ...node,
      parameters: weights.filter((weight) => weight.node === i).map((weight) => ({
        role: weight.role,
        tensor: places.get(weight) ?? 0,
        initializer: weight.initializer,
      })),
    })),
  };
}

/** Returns the node whose zeros are the padding of a layer's output. */
function paddingAfter(
  config: Config,
  layer: Layer | undefined,
  source: number | undefined,
  padding: number | undefined,
): number | undefined {
  if (layer?.type === "embedding" && layer.maskZero) return source;
  if (padding === undefined) return undefined;
  const recurrent = layer?.type === "bidirectional" ? layer.layer : layer;
  if (recurrent?.type === "recurrent") return recurrent.returnSequences ? padding : undefined;
  if (layer?.type === "globalAveragePool") return undefined;
  if (KEEP_PADDING.has(config.className)) return padding;
  throw config.unsupported("it does not know the padding of sequences, which mask_zero asks for");
}

function planLayer(config: Config, shapes: readonly Shape[], inputShape: Shape): LayerPlan {
  if (config.className === "InputLayer") {
    if (shapes.length > 0) throw config.malformed("an InputLayer has no inputs");
    return { operations: [{ type: "input" }], shape: inputShape, weights: [] };
  }
  const read = LAYERS.get(config.className);
  if (!read) {
    throw new UnsupportedModelError(
      `Layer ${JSON.stringify(config.name)}: ${config.className} has no kernel`,
    );
  }
  return read(config, shapes);
}
