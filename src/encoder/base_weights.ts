import type { BaseReference } from "../train/models/encoder/encoder_model.ts";

/** Weights of a pretrained model, as its file has them. */
export interface BaseWeights extends Partial<Disposable> {
  /** The file that was checked. */
  readonly reference: Pick<BaseReference, "sha256" | "bytes" | "format">;
  /** Shape of each tensor of floats, by its name in the file. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /**
   * Reads a tensor as float32 values, row-major as in the file, without keeping a copy.
   *
   * @param name Name of the tensor in the file.
   * @param to Receives the values; it is as long as the tensor.
   */
  read(name: string, to: Float32Array): Promise<void>;
}
