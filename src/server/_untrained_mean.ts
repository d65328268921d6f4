import { blend } from "../params/kernels.ts";
import type { Manifest, ParameterVector } from "../params/manifest.ts";

/** The mean, by samples, of those of the clients' values that no gradient trains, such as moving statistics. */
export class UntrainedMean {
  readonly #means: readonly { readonly offset: number; readonly mean: ParameterVector }[];
  #samples = 0;

  constructor({ tensors }: Manifest) {
    this.#means = tensors.filter(({ trainable }) => !trainable)
      .map(({ offset, length }) => ({ offset, mean: new Float32Array(length) }));
  }

  /** Begins anew. */
  begin(): void {
    this.#samples = 0;
  }

  /** Takes a client's values in. */
  accept(parameters: ParameterVector, numSamples: number): void {
    this.#samples += numSamples;
    for (const { offset, mean } of this.#means) {
      const values = parameters.subarray(offset, offset + mean.length);
      blend(mean, values, numSamples / this.#samples);
    }
  }

  /** Puts the mean in its places, where there is one. */
  writeTo(vector: ParameterVector): void {
    if (this.#samples === 0) return;
    for (const { offset, mean } of this.#means) vector.set(mean, offset);
  }
}
