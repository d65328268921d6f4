/** Model that computes outputs and cannot be trained. */
export interface Inference extends Disposable {
  /** Shape of a row, as far as the model fixes it; `null` is any size. */
  readonly inputShape: readonly (number | null)[];
  /** Shape of a row's output. */
  readonly outputShape: readonly (number | null)[];
  /**
   * Computes the outputs of rows, one after the other.
   *
   * @param features Rows of features.
   * @param shape Shape of a row.
   * @throws {RangeError} If the rows do not fit the model.
   */
  run(features: Float32Array, shape: readonly number[]): Float32Array;
}

/** Rows that are computed at once. */
export const INFERENCE_ROWS = 256;
