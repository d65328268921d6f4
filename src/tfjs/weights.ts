import { flatten, Kernels, unflatten } from "../params/kernels.ts";
import { Manifest, type ParameterVector } from "../params/manifest.ts";
import type { tf } from "./deps.ts";
import { allocate, valuesOf } from "./memory.ts";
import { stableNames } from "../train/naming.ts";

type Weight = tf.LayersModel["weights"][number];

/** Weights of a model, trainable or not, and the parameter vector that mirrors them. */
export class Weights {
  /** Layout of the vector: every weight of the model, in the model's order. */
  readonly manifest: Manifest;
  /** Weights that training changes by gradient, in the order of the vector. */
  readonly trainable: readonly Weight[];
  /** True if the model has moving statistics of batches. */
  readonly hasStatistics: boolean;
  readonly #all: readonly Weight[];
  readonly #vector: ParameterVector;
  /**
   * Identities of the tensors' values when the vector was gathered: a weight that is written gets
   * another.
   */
  #gathered: readonly object[] = [];
  #nonFinite = 0;

  private constructor(model: tf.LayersModel, manifest: Manifest, vector: ParameterVector) {
    this.#all = model.weights;
    this.trainable = model.weights.filter((_, i) => manifest.tensors[i]?.trainable);
    this.hasStatistics = model.weights.some(({ originalName }) =>
      originalName.endsWith("/moving_mean")
    );
    this.manifest = manifest;
    this.#vector = vector;
  }

  /** Lays out the model's weights and allocates its vector. */
  static of(model: tf.LayersModel): Weights {
    const names = stableNames(model.weights.map((weight) => weight.originalName));
    const trainable = new Set(model.trainableWeights);
    const manifest = Manifest.of(model.weights.map((weight, i) => ({
      name: names[i] ?? weight.originalName,
      shape: weight.shape as number[],
      dtype: weight.dtype,
      trainable: trainable.has(weight),
    })));
    const vector = Kernels.create(manifest.byteLength).alloc(manifest.length);
    return new Weights(model, manifest, vector);
  }

  /**
   * Returns the vector, gathered anew if a weight was written, and the number of its values that
   * are not finite.
   */
  gather(): { vector: ParameterVector; nonFinite: number } {
    const tensors = this.#all.map((weight) => weight.read());
    const here = tensors.map(({ dataId }) => dataId);
    if (here.some((dataId, i) => dataId !== this.#gathered[i])) {
      this.#nonFinite = flatten(tensors.map(valuesOf), this.#vector).nonFinite;
      this.#gathered = here;
    }
    return { vector: this.#vector, nonFinite: this.#nonFinite };
  }

  /** Returns a view of a vector for each weight that training changes by gradient. */
  trainableViews(vector: ParameterVector): ParameterVector[] {
    const { tensors } = this.manifest;
    return this.manifest.views(vector).filter((_, i) => tensors[i]?.trainable);
  }

  /**
   * Copies the vector's values into the weights.
   *
   * @throws {RangeError} If the length is wrong or a value is not finite.
   */
  scatter(vector: ParameterVector): void {
    if (vector.length !== this.manifest.length) {
      throw new RangeError(
        `Cannot load parameters: expected ${this.manifest.length} values, got ${vector.length}`,
      );
    }
    const fresh = this.manifest.tensors.map(({ shape }) => allocate(shape));
    try {
      unflatten(vector, fresh.map(valuesOf));
      this.#all.forEach((weight, i) => {
        const value = fresh[i];
        // weight.write() would apply the layer's constraint to the values.
        if (value) (weight.read() as tf.Variable).assign(value);
      });
    } finally {
      for (const tensor of fresh) tensor.dispose();
    }
  }
}
