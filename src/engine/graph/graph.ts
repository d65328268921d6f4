import type { Manifest } from "../../params/manifest.ts";
import type { LossName } from "../../train/handler.ts";

/** Sizes of the array of one sample, without the batch axis. */
export type Shape = readonly number[];

/** Activations that have kernels; "linear" is no node. */
export type ActivationName =
  | "relu"
  | "leakyRelu"
  | "sigmoid"
  | "tanh"
  | "softmax"
  /** By the distribution function of the normal distribution. */
  | "gelu"
  /** Approximated by a hyperbolic tangent. */
  | "geluNew";

/**
 * Placement of a two-dimensional window, with "same" and "valid" padding resolved as TensorFlow
 * does. Pairs are rows, then columns.
 */
export interface Window2D {
  /** Number of taps. */
  readonly size: readonly [number, number];
  /** Steps from one output to the next. */
  readonly strides: readonly [number, number];
  /** Distance between taps. */
  readonly dilation: readonly [number, number];
  /** Rows of padding above the input. */
  readonly padTop: number;
  /** Columns of padding left of the input. */
  readonly padLeft: number;
  /** Rows and columns of the output. */
  readonly output: readonly [number, number];
}

/**
 * Recurrent layer over sequences, whose weights are kernel, recurrent kernel, bias and peepholes. A
 * second input of its node is the sequence whose zeros are padding.
 */
export interface RecurrentLayer {
  readonly type: "recurrent";
  readonly cell: "lstm" | "gru" | "simpleRnn";
  readonly units: number;
  /** Number of steps of a sequence. */
  readonly steps: number;
  readonly useBias: boolean;
  /** True if the gates take `min(1, max(0, 0.2 z + 0.5))` in place of the sigmoid. */
  readonly hard: boolean;
  /** True if the gates of an LSTM see its cell. */
  readonly peepholes: boolean;
  /** True if a GRU resets the product with the state, not the state itself. */
  readonly resetAfter: boolean;
  /** True if the output has the states of all steps, not the last one alone. */
  readonly returnSequences: boolean;
  /** True if the last step comes first. */
  readonly backwards: boolean;
}

/** Way to join the outputs of two directions, of which concat makes them one behind the other. */
export type MergeMode = "concat" | "sum" | "mul" | "ave";

/**
 * Recurrent layer that reads its sequences twice: from the first step on, and from the last step
 * on. It has the weights of the first direction and then those of the second. A second input of its
 * node is the sequence whose zeros are padding.
 */
export interface BidirectionalLayer {
  readonly type: "bidirectional";
  /** Layer of both directions, as the first one runs it. */
  readonly layer: RecurrentLayer;
  readonly merge: MergeMode;
}

/** Computation of a node. */
export type Layer =
  | { readonly type: "input" }
  | RecurrentLayer
  | BidirectionalLayer
  | { readonly type: "dense"; readonly units: number; readonly useBias: boolean }
  | {
    readonly type: "conv2d";
    readonly filters: number;
    readonly window: Window2D;
    readonly useBias: boolean;
    /** Windows of a maximum over the results, where the two are one step. */
    readonly pool?: Window2D;
  }
  | {
    readonly type: "depthwiseConv2d";
    readonly depthMultiplier: number;
    readonly window: Window2D;
    readonly useBias: boolean;
  }
  | { readonly type: "maxPool2d" | "averagePool2d"; readonly window: Window2D }
  /**
   * Mean over all but the last axis, of the 2D and the 1D layer. A second input of the node is the
   * sequence whose zeros are padding.
   */
  | { readonly type: "globalAveragePool" }
  | {
    readonly type: "layerNorm";
    readonly epsilon: number;
    readonly center: boolean;
    readonly scale: boolean;
  }
  /** The same values in another shape: Flatten and Reshape. */
  | { readonly type: "reshape" }
  | { readonly type: "dropout"; readonly rate: number }
  | {
    readonly type: "batchNorm";
    readonly momentum: number;
    readonly epsilon: number;
    readonly center: boolean;
    readonly scale: boolean;
    /** True if the layer is not trained: it normalizes by the moving statistics in any case. */
    readonly frozen: boolean;
  }
  /** `alpha` is the slope of leakyRelu below zero, and 0 for the others. */
  | { readonly type: "activation"; readonly name: ActivationName; readonly alpha: number }
  | {
    readonly type: "embedding";
    readonly inputDim: number;
    readonly outputDim: number;
    /** True if the zeros of the input are padding, which later layers leave out. */
    readonly maskZero: boolean;
  }
  | { readonly type: "add" };

/** Initial values of a weight. */
export type Initializer =
  | { readonly type: "constant"; readonly value: number }
  | { readonly type: "uniform"; readonly low: number; readonly high: number }
  /** The truncated distribution draws values past two standard deviations again. */
  | { readonly type: "normal" | "truncatedNormal"; readonly mean: number; readonly stddev: number }
  | {
    readonly type: "varianceScaling";
    readonly scale: number;
    readonly mode: "fanIn" | "fanOut" | "fanAvg";
    readonly distribution: "normal" | "truncatedNormal" | "uniform";
  }
  | { readonly type: "identity" | "orthogonal"; readonly gain: number }
  /**
   * Ones for the second of four gates of equal size, `rest` for the others (Jozefowicz et al.
   * 2015).
   */
  | { readonly type: "unitForget"; readonly rest: Initializer };

/** Role of a weight in its layer. */
export type ParameterRole =
  | "kernel"
  | "bias"
  | "gamma"
  | "beta"
  | "movingMean"
  | "movingVariance"
  | "embeddings"
  | "recurrentKernel"
  | "peepholes";

/** Weight of a node. */
export interface ParameterRef {
  /** Role in the layer. */
  readonly role: ParameterRole;
  /** Index in `manifest.tensors`. */
  readonly tensor: number;
  /** Initial values. */
  readonly initializer: Initializer;
}

/** Step of the computation. */
export interface Node {
  /** Name of the layer that it comes from. */
  readonly name: string;
  /** Computation. */
  readonly layer: Layer;
  /** Indices of the earlier nodes that it reads. */
  readonly inputs: readonly number[];
  /** Shape of one sample of the output. */
  readonly shape: Shape;
  /** Weights, in the layer's order. */
  readonly parameters: readonly ParameterRef[];
}

/** Layers model that was checked, with every shape known. */
export interface Graph {
  /** Nodes in topological order: node 0 is the input, the last one the output. */
  readonly nodes: readonly Node[];
  /** Weights, named and ordered as tfjs does. */
  readonly manifest: Manifest;
  /** Loss that training minimizes. */
  readonly loss: LossName;
}

/**
 * Model that the native engine does not run. The message is one line that names the layer or
 * option, and the reason.
 */
export class UnsupportedModelError extends Error {
  /** Name of the class. */
  override readonly name = "UnsupportedModelError";
}
