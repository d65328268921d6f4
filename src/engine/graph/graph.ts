import type { Manifest } from "../../params/mod.ts";
import type { LossName } from "../../train/handler.ts";

/** The sizes of one sample's array, without the batch axis. */
export type Shape = readonly number[];

/** The activations that have kernels; "linear" is no node at all. */
export type ActivationName = "relu" | "leakyRelu" | "sigmoid" | "tanh" | "softmax";

/** Where a two-dimensional window goes, "same" and "valid" padding resolved as TensorFlow does. Pairs are rows, then columns. */
export interface Window2D {
  /** Taps of the window. */
  readonly size: readonly [number, number];
  /** Steps from one output to the next. */
  readonly strides: readonly [number, number];
  /** Distance between taps. */
  readonly dilation: readonly [number, number];
  /** Rows of padding above the input. */
  readonly padTop: number;
  /** Columns of padding left of the input. */
  readonly padLeft: number;
  /** Rows and columns that come out. */
  readonly output: readonly [number, number];
}

/** What a node computes. */
export type Layer =
  | { readonly type: "input" }
  | { readonly type: "dense"; readonly units: number; readonly useBias: boolean }
  | {
    readonly type: "conv2d";
    readonly filters: number;
    readonly window: Window2D;
    readonly useBias: boolean;
    /** The windows of a maximum over the results, where the two are one step. */
    readonly pool?: Window2D;
  }
  | {
    readonly type: "depthwiseConv2d";
    readonly depthMultiplier: number;
    readonly window: Window2D;
    readonly useBias: boolean;
  }
  | { readonly type: "maxPool2d" | "averagePool2d"; readonly window: Window2D }
  /** The mean over all but the last axis, of the 2D and the 1D layer alike. */
  | { readonly type: "globalAveragePool" }
  /** The same numbers in another shape: Flatten and Reshape. */
  | { readonly type: "reshape" }
  | { readonly type: "dropout"; readonly rate: number }
  | {
    readonly type: "batchNorm";
    readonly momentum: number;
    readonly epsilon: number;
    readonly center: boolean;
    readonly scale: boolean;
  }
  /** `alpha` is the slope of leakyRelu below zero, 0 for the others. */
  | { readonly type: "activation"; readonly name: ActivationName; readonly alpha: number }
  | { readonly type: "embedding"; readonly inputDim: number; readonly outputDim: number }
  | { readonly type: "add" };

/** What a weight holds before training. */
export type Initializer =
  | { readonly type: "constant"; readonly value: number }
  | { readonly type: "uniform"; readonly low: number; readonly high: number }
  /** The truncated one draws again what is past two standard deviations. */
  | { readonly type: "normal" | "truncatedNormal"; readonly mean: number; readonly stddev: number }
  | {
    readonly type: "varianceScaling";
    readonly scale: number;
    readonly mode: "fanIn" | "fanOut" | "fanAvg";
    readonly distribution: "normal" | "truncatedNormal" | "uniform";
  }
  | { readonly type: "identity" | "orthogonal"; readonly gain: number };

/** What a layer uses a weight for. */
export type ParameterRole =
  | "kernel"
  | "bias"
  | "gamma"
  | "beta"
  | "movingMean"
  | "movingVariance"
  | "embeddings";

/** A weight of a node. */
export interface ParameterRef {
  /** What the layer uses it for. */
  readonly role: ParameterRole;
  /** Its index in `manifest.tensors`. */
  readonly tensor: number;
  /** What it holds before training. */
  readonly initializer: Initializer;
}

/** One step of the computation. */
export interface Node {
  /** The name of the layer that it comes from. */
  readonly name: string;
  /** What it computes. */
  readonly layer: Layer;
  /** Indices of the earlier nodes that it reads. */
  readonly inputs: readonly number[];
  /** The shape of one sample of its output. */
  readonly shape: Shape;
  /** Its weights, in the layer's order. */
  readonly parameters: readonly ParameterRef[];
}

/** A layers model, checked, with every shape known. */
export interface Graph {
  /** In topological order: node 0 is the input, the last one the output. */
  readonly nodes: readonly Node[];
  /** The weights, named and ordered as tfjs does. */
  readonly manifest: Manifest;
  /** What training minimises. */
  readonly loss: LossName;
}

/** A model that the native engine does not run; the message is one line that names the layer or option, and why. */
export class UnsupportedModelError extends Error {
  /** The class's name. */
  override readonly name = "UnsupportedModelError";
}
