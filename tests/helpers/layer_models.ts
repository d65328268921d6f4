import { initialParameters, type LossName, type ModelDescription, Random } from "../../mod.ts";
import type { TrainedModel } from "../../src/train/mod.ts";

/** Class and configuration of a layer. */
export type Layer = readonly [className: string, config?: Record<string, unknown>];

/** A sequential model. */
export function sequential(
  inputShape: readonly number[],
  layers: readonly Layer[],
  loss: LossName = "softmaxCrossEntropy",
): ModelDescription {
  return {
    format: "tfjs-layers",
    topology: {
      class_name: "Sequential",
      config: {
        name: "m",
        layers: layers.map(([class_name, config], i) => ({
          class_name,
          config: {
            name: `layer${i}`,
            ...config,
            ...(i === 0 && { batch_input_shape: [null, ...inputShape] }),
          },
        })),
      },
    },
    loss,
  };
}

/** A model of two branches that are added. */
function branches(): ModelDescription {
  const layer = (class_name: string, name: string, config: object, ...from: string[]) => ({
    ...{ class_name, name, config: { name, ...config } },
    inbound_nodes: from.length === 0 ? [] : [from.map((one) => [one, 0, 0, {}])],
  });
  return {
    format: "tfjs-layers",
    topology: {
      class_name: "Model",
      config: {
        name: "m",
        layers: [
          layer("InputLayer", "in", { batch_input_shape: [null, 6] }),
          layer("Dense", "a/left", { units: 5, activation: "tanh" }, "in"),
          layer("Dense", "right", { units: 5, activation: "sigmoid", use_bias: false }, "in"),
          layer("Add", "sum", {}, "a/left", "right"),
          layer("Dense", "out", { units: 3 }, "sum"),
        ],
        input_layers: [["in", 0, 0]],
        output_layers: [["out", 0, 0]],
      },
    },
    loss: "softmaxCrossEntropy",
  };
}

/** A model whose layers have no names. */
function nameless(): ModelDescription {
  const model = sequential([4], [["Dense", { units: 3 }], ["ReLU", {}], ["Dense", { units: 3 }]]);
  const { layers } = model.topology.config as { layers: { config: Record<string, unknown> }[] };
  for (const { config } of layers) delete config.name;
  return model;
}

/** Models that together have all layers of the native engine. */
export const LAYER_MODELS: Readonly<Record<string, ModelDescription>> = {
  images: sequential([9, 8, 2], [
    ["Conv2D", { filters: 4, kernel_size: 3, strides: 2, padding: "same", activation: "relu" }],
    ["BatchNormalization", { epsilon: 0.01 }],
    ["DepthwiseConv2D", { kernel_size: [2, 3], depth_multiplier: 2, padding: "same" }],
    ["LeakyReLU", { alpha: 0.2 }],
    ["MaxPooling2D", { pool_size: 2, padding: "same" }],
    ["Conv2D", { filters: 3, kernel_size: 2, dilation_rate: 2, padding: "same" }],
    ["AveragePooling2D", { pool_size: [2, 1], strides: 1, padding: "same" }],
    ["Dropout", { rate: 0.5 }],
    ["Flatten", {}],
    ["Dense", { units: 3 }],
  ]),
  pooled: sequential([6, 6, 1], [
    ["Conv2D", { filters: 5, kernel_size: 3, use_bias: false }],
    ["ReLU", {}],
    ["GlobalAveragePooling2D", {}],
    ["Reshape", { target_shape: [5, 1] }],
    ["Flatten", {}],
    ["Dense", { units: 4 }],
    ["Softmax", { axis: -1 }],
  ]),
  words: sequential([5], [
    ["Embedding", { input_dim: 7, output_dim: 4 }],
    ["Dense", { units: 6, activation: "tanh" }],
    ["GlobalAveragePooling1D", {}],
    ["BatchNormalization", { center: false }],
    ["Activation", { activation: "sigmoid" }],
    ["Dense", { units: 3 }],
  ]),
  branches: branches(),
  nameless: nameless(),
};

/** A model whose parameters are all drawn at random, moving statistics too. */
export async function randomModel(
  model: ModelDescription,
): Promise<TrainedModel & { model: ModelDescription }> {
  const { manifest } = await initialParameters(model, 1);
  const random = new Random(2, "test");
  const parameters = new Float32Array(manifest.length);
  manifest.views(parameters).forEach((view, i) => {
    const isVariance = manifest.tensors[i]?.name.endsWith("variance");
    view.forEach((_, k) => view[k] = isVariance ? 0.5 + random.uniform() : random.normal() / 2);
  });
  return { model, manifest, parameters, metadata: {} };
}

/** Rows that go into a model: words for one with an embedding, else normal numbers. */
export function randomRows(name: string, count: number, width: number): Float32Array<ArrayBuffer> {
  const random = new Random(3, "test");
  return Float32Array.from(
    { length: count * width },
    () => name === "words" ? Math.floor(random.uniform() * 7) : random.normal(),
  );
}
