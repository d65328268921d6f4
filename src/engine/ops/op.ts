import type { Pointer } from "../../params/instance.ts";
import type { EngineExports } from "../kernels.ts";
import type { Extent } from "../extent.ts";
import type { ClipMemory } from "./clip.ts";

/** Forward and backward pass of a layer over tensors whose places were fixed when it was made. */
export interface Op {
  /** Computes the output of `rows` rows, in training or inference mode. */
  forward(rows: number, training: boolean): void;
  /**
   * Computes the gradients of the parameters, and of the inputs where wanted, from the output's.
   */
  backward(rows: number): void;
  /**
   * Computes the gradients of the inputs, and adds the squared norm of each row's gradient of the
   * parameters to its place in the clip memory. Absent for an op without parameters, and where the
   * program does not clip.
   */
  addSquares?(rows: number): void;
  /**
   * Adds the sum of each row's gradient of the parameters, times the row's factor in the clip
   * memory, to that in the target. It follows the ops' `addSquares`, and may scale the gradient of
   * the output. Absent as `addSquares` is.
   */
  addClipped?(rows: number): void;
  /** Places of a dense layer of whole rows without a rectifier. */
  readonly dense?: DensePlaces;
}

/** Places of a dense layer, from which its passes are computed elsewhere. */
export interface DensePlaces {
  readonly x: Pointer;
  readonly y: Pointer;
  readonly dy: Pointer;
  readonly w: Pointer;
  /** Bias, 0 for none. */
  readonly b: Pointer;
  readonly scratch: Pointer;
  readonly inputs: number;
  readonly outputs: number;
}

/** Place of a tensor, and its number of values, a row's for tensors of a batch. */
export interface Place {
  readonly at: Pointer;
  readonly length: number;
}

/** Destination of the gradients of parameters. */
export interface Target {
  /**
   * Bytes from a parameter to its gradient; 0 where the gradient goes straight into the parameter.
   */
  distance: number;
  /** 1 to add to the values in that place, 0 to replace them. */
  add: 0 | 1;
}

/** Places and memory of an op. */
export interface OpContext {
  readonly exports: EngineExports;
  readonly target: Target;
  /** Most rows of a batch. */
  readonly maxRows: number;
  /** Places of the inputs, with the number of values of a row. */
  readonly inputs: readonly Place[];
  /** Places of the gradients of the inputs, 0 where none is wanted. */
  readonly inputGradients: readonly Pointer[];
  /** Place of the output, with the number of values of a row. */
  readonly output: Place;
  /** Shape of one row of the output. */
  readonly shape: readonly number[];
  /** Place of the gradient of the output. */
  readonly outputGradient: Pointer;
  /** Places of the parameters. */
  readonly parameters: readonly Place[];
  /** Place of the random stream of dropout. */
  readonly stream: Pointer;
  /** Memory to clip the gradient of each row; `undefined` where that is not wanted. */
  readonly clip: ClipMemory | undefined;
  /**
   * Places of the states of one row that the next pass goes on from, to which a recurrent op adds
   * its own; `undefined` where each pass begins from zeros.
   */
  readonly states: Place[] | undefined;
  /** Steps that are computed; `undefined` for all of them. */
  readonly extent: Extent | undefined;
  /** Memory for the gradient of the parameters of one row, which all ops share. */
  rowGradient(values: number): Pointer;
  /** Places integers in memory, for as long as the op lives. */
  constants(values: readonly number[]): Pointer;
  /** Allocates memory for `values` values that is this op's alone. An op calls it once. */
  own(values: number): Pointer;
  /** Memory for the largest of these numbers of values, which all ops share. */
  scratch(...values: number[]): Pointer;
}

/** Returns the item at an index that the list is known to have. */
export function at<T>(list: readonly T[], index: number): T {
  const item = list[index];
  if (item === undefined) throw new RangeError(`Cannot find item ${index} of ${list.length}`);
  return item;
}
