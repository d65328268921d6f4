import type { Pointer } from "../../params/instance.ts";
import type { EngineExports } from "../kernels.ts";

/** A layer at work: reads and writes tensors whose places were fixed when it was made. */
export interface Op {
  /** Computes the output of so many rows, of which the model is to learn or not. */
  forward(rows: number, training: boolean): void;
  /** From the gradient of the output: that of the parameters, and of the inputs where it is asked for. */
  backward(rows: number): void;
}

/** A parameter's place, and the distance from it to that of its gradient. */
export interface Place {
  readonly at: Pointer;
  readonly length: number;
}

/** Where gradients of parameters go. */
export interface Target {
  /** Bytes from a parameter to where its gradient goes; 0 where the step is taken on the spot. */
  distance: number;
  /** 1 where it is added to what lies there, 0 where it replaces it. */
  add: 0 | 1;
}

/** What an op is made from. */
export interface OpContext {
  readonly exports: EngineExports;
  readonly target: Target;
  /** The most rows of a batch. */
  readonly maxRows: number;
  /** Places of the inputs, each with the number of values of a row; and of their gradients, 0 where none is wanted. */
  readonly inputs: readonly Place[];
  readonly inputGradients: readonly Pointer[];
  /** Place of the output and of its gradient. */
  readonly output: Place;
  readonly outputGradient: Pointer;
  readonly parameters: readonly Place[];
  /** Place of the random stream of dropout. */
  readonly stream: Pointer;
  /** Place of these whole numbers, for as long as the op lives. */
  constants(values: readonly number[]): Pointer;
  /** Room for so many values that is this op's alone: it asks once. */
  own(values: number): Pointer;
  /** Room for so many values that no other op uses at the same time. */
  scratch(values: number): Pointer;
}

/** What stands at a place of a list that was checked to have it. */
export function at<T>(list: readonly T[], index: number): T {
  const item = list[index];
  if (item === undefined) throw new RangeError(`Cannot find item ${index} of ${list.length}`);
  return item;
}
