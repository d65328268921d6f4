import type { Dataset } from "../../data/dataset.ts";
import { errorMessage } from "../../errors.ts";
import type { LossName, ModelDescription } from "../handler.ts";
import { tf } from "./deps.ts";
import { LOSSES } from "./_losses.ts";

/** Builds the model that a description has. Rejects with a one-line `TypeError` when there is none or tfjs cannot read it. */
export async function buildModel(
  description: ModelDescription | undefined,
): Promise<tf.LayersModel> {
  if (!description) {
    throw new TypeError(
      "Cannot build the model: the server describes none and the handler has none of its own",
    );
  }
  const { format, topology } = description;
  if (format !== "tfjs-layers") {
    throw new TypeError(
      `Cannot build the model: expected format tfjs-layers, got ${JSON.stringify(format)}`,
    );
  }
  let model: unknown;
  try {
    model = await tf.models.modelFromJSON(
      topology as Parameters<typeof tf.models.modelFromJSON>[0],
    );
  } catch (error) {
    // tfjs adds advice of several lines to the first, which has the cause.
    const cause = error instanceof Error ? error.message.split("\n")[0] ?? "" : errorMessage(error);
    throw new TypeError(
      `Cannot build the model: tfjs does not read its topology: ${cause.trim()}`,
      {
        cause: error,
      },
    );
  }
  if (!(model instanceof tf.LayersModel)) {
    throw new TypeError(
      "Cannot build the model: expected a topology of a layers model, got one of a layer",
    );
  }
  return model;
}

function describeShape(shape: readonly (number | null)[]): string {
  return `[${shape.map((size) => size ?? "any").join(", ")}]`;
}

/**
 * The shape in which rows of the data go into the model: their own, or flat when the model wants them flat.
 *
 * Throws a `RangeError` when data, model and loss do not fit one another; the message has both sides.
 */
export function checkFit(model: tf.LayersModel, data: Dataset, loss: LossName): number[] {
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
  const wanted = input.shape.slice(1) as (number | null)[];
  const same = wanted.length === data.shape.length &&
    wanted.every((size, i) => size === null || size === data.shape[i]);
  const flat = wanted.length === 1 && (wanted[0] === null || wanted[0] === data.rowLength);
  if (!same && !flat) {
    throw new RangeError(
      `Cannot use the data with the model: the model takes samples of shape ${
        describeShape(wanted)
      }, ` +
        `the data has ${describeShape(data.shape)}`,
    );
  }
  const units = loss === "binaryCrossentropy" && data.numClasses !== 2
    ? undefined
    : LOSSES[loss].units(data.numClasses);
  const given = output.shape.slice(1) as (number | null)[];
  if (units === undefined) {
    throw new RangeError(
      `Cannot use the data with the loss ${loss}: expected 2 classes, got ${data.numClasses}`,
    );
  }
  const [least, most] = units;
  const [size] = given;
  if (given.length !== 1 || typeof size !== "number" || size < least || size > most) {
    throw new RangeError(
      `Cannot use the data with the model: ${loss} over ${data.numClasses} classes takes an output of shape ` +
        `[${least}]${most > least ? " or more" : ""}, the model gives ${describeShape(given)}`,
    );
  }
  return same ? [...data.shape] : [data.rowLength];
}

/** A layer whose noise tfjs draws with a seed of the layer's own. */
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

/** The layers of a model that draw noise: those that take a seed, and the names of those that take none. */
export function noiseLayers(model: tf.LayersModel): { seeded: SeededLayer[]; unseeded: string[] } {
  const seeded: SeededLayer[] = [], unseeded: string[] = [];
  const visit = (layer: LayerTree): void => {
    const className = layer.getClassName();
    if (className === "Dropout" || className === "SpatialDropout1D") {
      seeded.push(layer as unknown as SeededLayer);
    }
    const inner = [...layer.layers ?? [], layer.layer, layer.forwardLayer, layer.backwardLayer]
      .filter((child) => child !== undefined && child !== null);
    const drops = inner.length === 0 &&
      ["dropout", "recurrentDropout"].some((key) => Number(layer.getConfig()[key] ?? 0) > 0);
    if (UNSEEDED_LAYERS.has(className) || drops) unseeded.push(layer.name);
    for (const child of inner) visit(child);
  };
  for (const layer of model.layers) visit(layer as unknown as LayerTree);
  return { seeded, unseeded };
}
