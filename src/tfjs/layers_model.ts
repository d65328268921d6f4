/** Structural type of a `tf.LayersModel` of `npm:@tensorflow/tfjs@4.22.0`. */
export interface TfjsLayersModel {
  /** Layers, from input to output. */
  readonly layers: readonly unknown[];
  /** Returns the tensors of the weights. */
  getWeights(): readonly unknown[];
  /** Returns the number of parameters. */
  countParams(): number;
}
