import { errorMessage } from "../base/errors.ts";
import { needDescription } from "../train/fit.ts";
import { checkSampleValues, valuesIn } from "../train/models/model_limits.ts";
import { checkTopology } from "../train/models/check_topology.ts";
import { checkWords, type Words } from "../train/words.ts";
import type { ModelDescription } from "../train/handler.ts";
import { tf } from "./deps.ts";

/**
 * Builds the described model.
 *
 * @throws {TypeError} If there is no description or tfjs cannot read it; the message is one line.
 */
export async function buildModel(
  description: ModelDescription | undefined,
): Promise<tf.LayersModel> {
  const { format, topology } = needDescription(description);
  if (format !== "tfjs-layers") {
    throw new TypeError(
      `Cannot build the model: expected format tfjs-layers, got ${JSON.stringify(format)}`,
    );
  }
  checkTopology(topology);
  const before = new Set(variables());
  let made: tf.Variable[] = [];
  let model: unknown;
  try {
    // Without a manifest of weights beside it: tfjs would fetch them from an address of the peer's
    // choice.
    const modelTopology = topology.modelTopology ?? topology;
    const building = tf.models.modelFromJSON(
      { modelTopology } as Parameters<typeof tf.models.modelFromJSON>[0],
    );
    // No other model can have created variables meanwhile.
    made = variables().filter((variable) => !before.has(variable));
    model = await building;
  } catch (error) {
    tf.dispose(made);
    // The first line has the cause; tfjs adds several lines of advice.
    const [cause = ""] = errorMessage(error).split(/\n| This may be due to/);
    throw new TypeError(
      `Cannot build the model: tfjs does not read its topology: ${cause.trim().replace(/\.$/, "")}`,
      { cause: error },
    );
  }
  if (!(model instanceof tf.LayersModel)) {
    throw new TypeError(
      "Cannot build the model: expected a topology of a layers model, got one of a layer",
    );
  }
  try {
    checkSampleValues(outputsOf(model));
  } catch (error) {
    model.dispose();
    throw error;
  }
  return model;
}

/**
 * Counts the output values of the layers of a model for one sample: of all together, and of the
 * largest.
 */
export function sampleValues(model: tf.LayersModel): { total: number; largest: number } {
  const counts = [...outputsOf(model)].map(({ shape }) => valuesIn(shape));
  return { total: counts.reduce((sum, count) => sum + count, 0), largest: Math.max(0, ...counts) };
}

/**
 * Lists the layers of a model with their outputs for one sample; a nested model is replaced by its
 * layers.
 */
function* outputsOf(model: tf.LayersModel): Iterable<{ name: string; shape: (number | null)[] }> {
  for (const layer of model.layers) {
    if (layer instanceof tf.LayersModel) {
      yield* outputsOf(layer);
      continue;
    }
    const { outputShape } = layer;
    const shapes = Array.isArray(outputShape[0]) ? outputShape as tf.Shape[] : [outputShape];
    for (const shape of shapes) yield { name: layer.name, shape: (shape as tf.Shape).slice(1) };
  }
}

/** Returns the variables that exist in tfjs. */
function variables(): tf.Variable[] {
  return Object.values(tf.engine().state.registeredVariables);
}

/**
 * Checks that every BatchNormalization has scale and center: tfjs builds one without them, but
 * cannot train it.
 *
 * @throws {Error} If one lacks them; the message names it.
 */
function checkNorms(model: tf.LayersModel): void {
  visitLayers(model, (layer) => {
    if (layer.getClassName() !== "BatchNormalization") return;
    const config = layer.getConfig();
    const missing = ["scale", "center"].find((key) => config[key] === false);
    if (missing === undefined) return;
    throw new Error(
      `Cannot train layer ${layer.name} on tfjs: expected ${missing} true, got false; the native engine runs it`,
    );
  });
}

/**
 * Checks that the values of data are rows of the tables of the embeddings of the model's input, as
 * `checkWords()` does.
 *
 * @throws {RangeError} If one is not.
 */
export function checkInputWords(model: tf.LayersModel, data: Words): void {
  for (const layer of model.layers) {
    if (layer.getClassName() !== "Embedding") continue;
    const [before] = layer.inboundNodes[0]?.inboundLayers ?? [];
    if (before?.getClassName() !== "InputLayer") continue;
    const { inputDim, maskZero } = layer.getConfig();
    const size = typeof inputDim === "number" ? inputDim : Infinity;
    checkWords({ name: layer.name, inputDim: size, maskZero: maskZero === true }, data);
  }
}

/**
 * Checks that no mean over the steps follows an Embedding whose zeros are padding: that of tfjs
 * takes the padding in, unlike Keras's.
 *
 * @throws {Error} If there is one; the message names it.
 */
export function checkMeans(model: tf.LayersModel): void {
  if (!model.layers.some((layer) => layer.getConfig().maskZero === true)) return;
  const mean = model.layers.find((layer) => layer.getClassName() === "GlobalAveragePooling1D");
  if (mean === undefined) return;
  throw new Error(
    `Cannot run layer ${mean.name} on tfjs: it does not know the padding of sequences, which mask_zero asks for; the native engine runs it`,
  );
}

/**
 * Checks that tfjs trains all layers of a model as Keras does.
 *
 * @throws {Error} If it does not; the message names the layer.
 */
export function checkTraining(model: tf.LayersModel): void {
  checkNorms(model);
  checkMeans(model);
}

/** Layers whose calls follow {@linkcode holdFrozenNorms}. */
const heldNorms = new WeakSet<object>();

/**
 * Has every frozen BatchNormalization normalize by its moving statistics in training too, and leave
 * them as they are, as Keras 2 does. tfjs treats it like any other.
 */
export function holdFrozenNorms(model: tf.LayersModel): void {
  visitLayers(model, (tree) => {
    if (tree.getClassName() !== "BatchNormalization" || heldNorms.has(tree)) return;
    heldNorms.add(tree);
    const layer = tree as unknown as tf.layers.Layer, call = layer.call.bind(layer);
    layer.call = (inputs, kwargs) =>
      call(inputs, layer.trainable ? kwargs : { ...kwargs, training: false });
  });
}

/**
 * Returns the shapes of an input and of an output sample.
 *
 * @throws {RangeError} If the model is not built, or has several inputs or outputs.
 */
export function sampleShapes(
  model: tf.LayersModel,
): { input: (number | null)[]; output: (number | null)[] } {
  const inputs = model.inputs ?? [], outputs = model.outputs ?? [];
  if (inputs.length === 0) {
    throw new RangeError(
      "Cannot use the model: it is not built, so give its first layer an inputShape",
    );
  }
  const [input] = inputs, [output] = outputs;
  if (!input || !output || inputs.length !== 1 || outputs.length !== 1) {
    throw new RangeError(
      `Cannot use the model: expected one input and one output, got ${inputs.length} and ${outputs.length}`,
    );
  }
  return { input: input.shape.slice(1), output: output.shape.slice(1) };
}

/** Layer whose noise tfjs draws with a seed of the layer. */
export interface SeededLayer {
  seed: number;
}

interface LayerTree {
  readonly name: string;
  readonly layers?: readonly LayerTree[];
  readonly layer?: LayerTree;
  readonly forwardLayer?: LayerTree;
  readonly backwardLayer?: LayerTree;
  getClassName(): string;
  getConfig(): Record<string, unknown>;
}

const UNSEEDED_LAYERS: ReadonlySet<string> = new Set([
  "GaussianNoise",
  "GaussianDropout",
  "AlphaDropout",
]);

/** Visits the layers of a model, including nested ones. */
function visitLayers(model: tf.LayersModel, visit: (layer: LayerTree) => void): void {
  const descend = (layer: LayerTree): void => {
    visit(layer);
    for (const child of innerLayers(layer)) descend(child);
  };
  for (const layer of model.layers) descend(layer as unknown as LayerTree);
}

function innerLayers(layer: LayerTree): LayerTree[] {
  return [...layer.layers ?? [], layer.layer, layer.forwardLayer, layer.backwardLayer]
    .filter((child) => child !== undefined && child !== null);
}

/**
 * Returns the layers that draw noise: those that take a seed, and the names of those that take
 * none.
 */
export function noiseLayers(model: tf.LayersModel): { seeded: SeededLayer[]; unseeded: string[] } {
  const seeded: SeededLayer[] = [], unseeded: string[] = [];
  visitLayers(model, (layer) => {
    const className = layer.getClassName();
    if (className === "Dropout" || className === "SpatialDropout1D") {
      seeded.push(layer as unknown as SeededLayer);
    }
    const drops = innerLayers(layer).length === 0 &&
      ["dropout", "recurrentDropout"].some((key) => Number(layer.getConfig()[key] ?? 0) > 0);
    if (UNSEEDED_LAYERS.has(className) || drops) unseeded.push(layer.name);
  });
  return { seeded, unseeded };
}
