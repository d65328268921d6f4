import type { Manifest } from "../../params/manifest.ts";
import type { LossName } from "../../train/handler.ts";

/** Sizes of the array of one sample, without the batch axis. */
export type Shape = readonly number[];

/** Activations that have kernels; "linear" is no node. */
export type ActivationName = "relu" | "leakyRelu" | "sigmoid" | "tanh" | "softmax";

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

/** Computation of a node. */
export type Layer =
  | { readonly type: "input" }
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
  /** Mean over all but the last axis, of the 2D and the 1D layer. */
  | { readonly type: "globalAveragePool" }
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
  | { readonly type: "embedding"; readonly inputDim: number; readonly outputDim: number }
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
  | { readonly type: "identity" | "orthogonal"; readonly gain: number };

/** Role of a weight in its layer. */
export type ParameterRole =
  | "kernel"
  | "bias"
  | "gamma"
  | "beta"
  | "movingMean"
  | "movingVariance"
  | "embeddings";

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
